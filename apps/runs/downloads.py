"""The bytes of an attachment for whoever holds its signed link."""

import mimetypes
import re
from typing import Final

from django.core.files.base import File
from django.core.signing import BadSignature, SignatureExpired
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from apps.runs.attachments import Attachment, key_of_file, storage

MAX_RANGE: Final = 4 * 1024 * 1024
"""A player asks for the rest of a file at once, and again from where the answer ended."""
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, max-age=3600",
}
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f/\\":*?<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')


@require_safe
def attachment(request: HttpRequest, token: str) -> HttpResponseBase:
    try:
        found = Attachment.objects.signed(token)
        file = storage().open(key_of_file(found.file_id)) if found else None
    except SignatureExpired:
        return _text(403, "This link has expired. Open or read the run again for a new one.")
    except (BadSignature, FileNotFoundError):
        found = file = None
    if found is None or file is None:
        return _text(404, "There is no such attachment, or no longer.")
    asked = _span(request.headers.get("range", ""), found.size)
    return _guarded(_part(file, asked, found) if asked else FileResponse(file, content_type=found.mime_type), found)


def _span(header: str, size: int) -> range | None:
    """The bytes asked for, if it is one stretch that the file has."""
    match = _RANGE.fullmatch(header)
    if match is None:
        return None
    first = int(match[1])
    return range(first, min(int(match[2] or size) + 1, size, first + MAX_RANGE)) or None


def _part(file: "File[bytes]", asked: range, found: Attachment) -> HttpResponse:
    with file:
        file.seek(asked.start)
        answer = HttpResponse(file.read(len(asked)), status=206, content_type=found.mime_type)
    answer.headers["Content-Range"] = f"bytes {asked.start}-{asked.stop - 1}/{found.size}"
    return answer


def _guarded(answer: HttpResponseBase, found: Attachment) -> HttpResponseBase:
    """The bytes are a stranger's: nothing of them may run, whatever they say they are."""
    for name, value in HEADERS.items():
        answer.headers[name] = value
    disposition = content_disposition_header(found.kind == "file", file_name(found))
    answer.headers["Content-Disposition"] = disposition or "attachment"
    return answer


def file_name(found: Attachment) -> str:
    """Fit for a header and a disk, with the ending of its type where the client gave none."""
    name = _UNFIT.sub("_", found.name).strip(". ") or "attachment"
    ending = mimetypes.guess_extension(found.mime_type.partition(";")[0]) or ""
    return name if "." in name else name + ending


def _text(status: int, words: str) -> HttpResponse:
    return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
