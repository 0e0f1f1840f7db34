"""Spans and requests as OpenTelemetry exporters send them."""

from typing import Any
from uuid import UUID

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

PROTOBUF = "application/x-protobuf"
START = 1_772_366_400_000_000_000
SECOND = 1_000_000_000
TRACE = 0xA1


def any_value(value: Any) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case bytes():
            return AnyValue(bytes_value=value)
        case list() | tuple():
            return AnyValue(array_value=ArrayValue(values=[any_value(item) for item in value]))
        case dict():
            return AnyValue(kvlist_value=KeyValueList(values=attributes_of(value)))
    return AnyValue(string_value=value)


def attributes_of(values: dict[str, Any] | None) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in (values or {}).items()]


def span_id(number: int) -> bytes:
    return number.to_bytes(8)


def run_id(number: int) -> UUID:
    return UUID(int=number)


def span(
    number: int = 1,
    parent: int = 0,
    *,
    trace: int = TRACE,
    at: float = 0,
    seconds: float = 1,
    attributes: dict[str, Any] | None = None,
    events: list[tuple[str, dict[str, Any]]] | None = None,
    error: str | None = None,
    ok: bool = False,
    **fields: Any,
) -> Span:
    """Span `number` of the trace, starting `at` seconds after START; events come half a second later."""
    start = START + int(at * SECOND)
    code = Status.STATUS_CODE_ERROR if error is not None else Status.STATUS_CODE_OK if ok else Status.STATUS_CODE_UNSET
    values: dict[str, Any] = {
        "trace_id": trace.to_bytes(16),
        "span_id": span_id(number),
        "parent_span_id": span_id(parent) if parent else b"",
        "name": f"span {number}",
        "start_time_unix_nano": start,
        "end_time_unix_nano": start + int(seconds * SECOND),
        "attributes": attributes_of(attributes),
        "events": [
            Span.Event(name=name, time_unix_nano=start + SECOND // 2, attributes=attributes_of(told))
            for name, told in events or []
        ],
        "status": Status(code=code, message=error or ""),
    }
    return Span(**values | fields)


def request(*spans: Span, resource: dict[str, Any] | None = None, scope: str = "test") -> ExportTraceServiceRequest:
    scoped = ScopeSpans(spans=spans)
    scoped.scope.name = scope
    group = ResourceSpans(scope_spans=[scoped])
    group.resource.attributes.extend(attributes_of(resource))
    return ExportTraceServiceRequest(resource_spans=[group])
