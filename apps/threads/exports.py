"""Threads as CSV and JSON lines, streamed: a batch of rows at a time, with as many queries for each batch however long the list is."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from itertools import batched
from typing import Any, Final

import msgspec

from apps.projects.models import Project
from apps.runs.wire import money
from apps.threads.columns import COLUMNS, THREAD, Column
from apps.threads.models import Thread, ThreadQuerySet
from apps.threads.rows import loaded
from apps.threads.tagging import ThreadTag

BATCH: Final = 500
KINDS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
# A spreadsheet would run what begins like this.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_lines(project: Project, threads: ThreadQuerySet, columns: Sequence[Column]) -> Iterator[bytes]:
    """The columns as the page shows them, with the words of a cell whole."""
    # The mark by which spreadsheets know UTF-8.
    yield "\ufeff".encode() + _line([THREAD.id, *(column.id for column in columns), "thread_tags"])
    for thread, values, tags in _batches(project, threads, columns):
        yield _line([_plain(value) for value in (thread.thread_id, *values, tags)])


def json_lines(project: Project, threads: ThreadQuerySet, columns: Sequence[Column]) -> Iterator[bytes]:
    """All that a thread's row tells, and the columns beyond that are shown."""
    every = list(COLUMNS.values()) + [column for column in columns if column.id not in COLUMNS]
    for thread, values, tags in _batches(project, threads, every):
        found = {column.id: _value(value) for column, value in zip(every, values, strict=True)}
        yield msgspec.json.encode({"thread_id": thread.thread_id, **found, "thread_tags": tags}) + b"\n"


def _batches(
    project: Project, threads: ThreadQuerySet, columns: Sequence[Column]
) -> Iterator[tuple[Thread, list[Any], list[str]]]:
    for some in batched(threads.for_table().iterator(chunk_size=BATCH), BATCH):
        found = loaded(project, some, columns)
        tags = ThreadTag.objects.by_thread(thread.pk for thread in some)
        for thread in some:
            values = [
                column.value(thread, found[column.load].get(thread.thread_id) if column.load else None)
                for column in columns
            ]
            yield thread, values, tags.get(thread.pk, [])


def _value(value: Any) -> Any:
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
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(values: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode()
