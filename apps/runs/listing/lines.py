"""Rows of a list as CSV and JSON lines."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.text import slugify

from apps.projects.models import Project
from apps.runs.wire import money

KINDS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
MARK: Final = "\ufeff".encode()
"""By which spreadsheets know UTF-8."""
# The last four are the wide forms, which spreadsheets in Chinese, Japanese and Korean read alike.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_line(values: Sequence[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow([_plain(value) for value in values])
    return line.getvalue().encode()


def json_value(value: Any) -> Any:
    return float(money(value) or 0) if isinstance(value, Decimal) else value


def _plain(value: Any) -> str:
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat()
        case Decimal():
            return f"{money(value)}"
        case list():
            value = ", ".join(map(str, value))
        case int() | float():
            return str(value)
    return inert(str(value))


def inert(text: str) -> str:
    """A spreadsheet would run a text that begins like a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def download(lines: Iterator[bytes], project: Project, noun: str, kind: str) -> StreamingHttpResponse:
    """A file of these lines, named after the project."""
    response = StreamingHttpResponse(lines, content_type=KINDS[kind])
    name = f"{slugify(project.name) or 'project'}-{noun}.{kind}"
    response.headers["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return response
