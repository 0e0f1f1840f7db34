"""From bytes to parts and JSON values, with every cap checked before the thing it bounds is built."""

import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

import msgspec
import zstandard
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest

from apps.projects.values import nests_deeper

CHUNK = 1 << 18


class Refused(Exception):
    """The request cannot be taken; the message says why and, past a cap, which setting raises it."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Part(NamedTuple):
    name: str
    head: bytes
    body: bytes


def past_cap(what: str, cap: int, setting: str) -> Refused:
    return Refused(413, f"{what} exceeds the cap of {cap:,}. Send less at a time, or raise {setting}.")


def read_body(request: HttpRequest) -> bytes:
    """The body, decompressed.

    Read from the WSGI stream, because Django's own reading loses chunked bodies.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in _DECOMPRESS:
        raise Refused(415, f"Content-Encoding {encoding} is not supported; use zstd, gzip or none.")
    return _DECOMPRESS[encoding](_read_raw(cast(WSGIRequest, request)))


def _read_raw(request: WSGIRequest) -> bytes:
    cap = settings.MAX_BODY_BYTES
    declared = request.environ.get("CONTENT_LENGTH")
    stream = request.environ["wsgi.input"]
    if declared:
        if not declared.isdigit():
            raise Refused(400, f"Content-Length {declared!r} is not a number.")
        if int(declared) > cap:
            raise past_cap("The body", cap, "THREADLINE_MAX_BODY_BYTES")
        return _exactly(stream, int(declared))
    if not is_chunked(request):
        return b""
    return _bounded(stream.read, cap, "The body", "THREADLINE_MAX_BODY_BYTES")


def is_chunked(request: WSGIRequest) -> bool:
    """Such a body has no Content-Length, so Django takes it for an empty one."""
    return bool(request.environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked")


def _exactly(stream: Any, length: int) -> bytes:
    pieces, left = [], length
    while left and (piece := stream.read(left)):
        pieces.append(piece)
        left -= len(piece)
    if left:
        raise Refused(400, f"The body ended {left:,} bytes before its Content-Length.")
    return b"".join(pieces)


def _bounded(read: Callable[[int], bytes], cap: int, what: str, setting: str) -> bytes:
    content = read_at_most(read, cap)
    if content is None:
        raise past_cap(what, cap, setting)
    return content


def read_at_most(read: Callable[[int], bytes], cap: int) -> bytes | None:
    """None past the cap."""
    pieces, size = [], 0
    while piece := read(CHUNK):
        size += len(piece)
        if size > cap:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _unzstd(body: bytes) -> bytes:
    """A stream, since the SDK's frames do not tell their content's size."""
    reader = zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(
        io.BytesIO(body), read_across_frames=True
    )
    try:
        return _bounded(
            reader.read, settings.MAX_DECOMPRESSED_BYTES, "The decompressed body", "THREADLINE_MAX_DECOMPRESSED_BYTES"
        )
    except zstandard.ZstdError as error:
        raise Refused(422, f"The body is not valid zstd: {error}") from None


def _gunzip(body: bytes) -> bytes:
    """One member after the other, as RFC 1952 has it."""
    inflater = zlib.decompressobj(wbits=31)
    pending = body

    def read(size: int) -> bytes:
        nonlocal inflater, pending
        piece = b""
        while not piece and pending:
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
            piece = inflater.decompress(pending, size)
            pending = inflater.unconsumed_tail or inflater.unused_data
        return piece

    try:
        content = _bounded(
            read, settings.MAX_DECOMPRESSED_BYTES, "The decompressed body", "THREADLINE_MAX_DECOMPRESSED_BYTES"
        )
    except zlib.error as error:
        raise Refused(422, f"The body is not valid gzip: {error}") from None
    if not inflater.eof:
        raise Refused(422, "The body is not valid gzip: it is cut short.")
    return content


_DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {"": bytes, "identity": bytes, "zstd": _unzstd, "gzip": _gunzip}

_BOUNDARY = re.compile(r'boundary="?([^";,]{1,200})"?', re.IGNORECASE)


_NAME = re.compile(rb'name="([^"]*)"')


def multipart(body: bytes, content_type: str) -> Iterator[Part]:
    """The parts in order. The boundary decides where a part ends: the SDKs' part lengths are only informative."""
    match = _BOUNDARY.search(content_type)
    if match is None:
        raise Refused(422, "Content-Type must be multipart/form-data with a boundary.")
    delimiter = b"--" + match[1].encode()
    if body.count(delimiter) > settings.MAX_PARTS + 1:
        raise past_cap("The number of parts", settings.MAX_PARTS, "THREADLINE_MAX_PARTS")
    first, *rest = body.split(b"\r\n" + delimiter)
    if not first.startswith(delimiter) or not rest or not rest[-1].startswith(b"--"):
        raise Refused(422, "The multipart body is cut short: its closing boundary is missing.")
    for raw in (first[len(delimiter) :], *rest[:-1]):
        head, separator, content = raw.partition(b"\r\n\r\n")
        named = _NAME.search(head)
        if not separator or named is None:
            raise Refused(422, "A part of the multipart body has no name in its Content-Disposition header.")
        yield Part(named[1].decode(errors="replace"), head, content)


class NotJson(ValueError):
    """Not JSON, or nested too deep. The message fits behind the name of a field."""


def parse(text: bytes) -> tuple[Any, bytes]:
    """The value and its JSON text, both free of what PostgreSQL or a UTF-8 client cannot hold: NUL, lone surrogates, NaN."""
    check_depth(text)
    return parse_part(text)


def parse_part(text: bytes) -> tuple[Any, bytes]:
    """Of a JSON text whose depth is known."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parse_leniently(text)
    if b"\\u0000" in text:
        return _cleaned(value)
    return value, text


def _parse_leniently(text: bytes) -> tuple[Any, bytes]:
    try:
        value = json.loads(text.decode("utf-8", "replace"), parse_constant=lambda _: None, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise NotJson(f"is not valid JSON: {error}") from None
    return _cleaned(value)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if number - number == 0 else None


def _cleaned(value: Any) -> tuple[Any, bytes]:
    value = clean(value)
    return value, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


_UNFIT = re.compile("[\x00\ud800-\udfff]")


def clean_text(text: str) -> str:
    return _UNFIT.sub("\ufffd", text)


def clean(value: Any) -> Any:
    """Depth is bounded by check_depth, so this may recurse."""
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(key): clean(item) for key, item in value.items()}
        case list():
            return [clean(item) for item in value]
    return value


def check_depth(text: bytes) -> None:
    if nests_deeper(text, settings.MAX_JSON_DEPTH):
        raise NotJson(f"is nested deeper than the cap of {settings.MAX_JSON_DEPTH} levels (THREADLINE_MAX_JSON_DEPTH)")
