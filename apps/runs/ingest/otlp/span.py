"""A span as both encodings of OTLP tell it, and the one that a request could not be read as."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_NANOS = 2**64
STATUS_OK, STATUS_ERROR = 1, 2
# OpenTelemetry's own limit is 128 unless told otherwise; a long conversation told message by message takes a few thousand.
MAX_ATTRIBUTES = 10_000
MAX_EVENTS = 2_000


class Malformed(ValueError):
    """The body as a whole cannot be read as an ExportTraceServiceRequest."""


class Event(NamedTuple):
    name: str
    time: int
    attributes: dict[str, Any]


class Source(NamedTuple):
    """What produced the spans: the attributes of the resource, and the instrumentation library."""

    resource: dict[str, Any]
    scope: str = ""
    scope_version: str = ""


class Span(NamedTuple):
    """Ids as raw bytes, times in nanoseconds since 1970, 0 and b"" where the sender told none."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    name: str
    kind: int
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[Event]
    status: int
    message: str
    source: Source


def moment(nanos: int) -> str | None:
    """ISO 8601 to the microsecond, which is what PostgreSQL keeps."""
    return (EPOCH + timedelta(microseconds=nanos // 1000)).isoformat() if 0 < nanos < MAX_NANOS else None
