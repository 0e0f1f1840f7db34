"""OTLP in protobuf: the request to spans, and the answers."""

import base64
import math
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from apps.runs.ingest.otlp.span import MAX_ATTRIBUTES, MAX_EVENTS, Event, Malformed, Source, Span


def read(body: bytes) -> Iterator[Span]:
    try:
        request = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise Malformed(f"The body is not an ExportTraceServiceRequest in protobuf: {error}") from None
    for group in request.resource_spans:
        resource = _attributes(group.resource.attributes)
        for scoped in group.scope_spans:
            source = Source(resource, scoped.scope.name, scoped.scope.version)
            for span in scoped.spans:
                yield _span(span, source)


def _span(span: Message, source: Source) -> Span:
    return Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_span_id,
        name=span.name,
        kind=span.kind,
        start=span.start_time_unix_nano,
        end=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        events=[
            Event(event.name, event.time_unix_nano, _attributes(event.attributes))
            for event in islice(span.events, MAX_EVENTS)
        ],
        status=span.status.code,
        message=span.status.message,
        source=source,
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in islice(pairs, MAX_ATTRIBUTES)}


def _value(value: AnyValue) -> Any:
    """Bounded in depth, because protobuf refuses messages nested deeper than 100."""
    match value.WhichOneof("value"):
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return {pair.key: _value(pair.value) for pair in value.kvlist_value.values}
        case "bytes_value":
            return base64.b64encode(value.bytes_value).decode()
        case "double_value":
            return value.double_value if math.isfinite(value.double_value) else None
        case "string_value" | "bool_value" | "int_value" as kind:
            return getattr(value, kind)
    return None


def success(rejected: int, message: str) -> bytes:
    if not rejected:
        return ExportTraceServiceResponse().SerializeToString()
    partial = ExportTracePartialSuccess(rejected_spans=rejected, error_message=message)
    return ExportTraceServiceResponse(partial_success=partial).SerializeToString()


def failure(code: int, message: str) -> bytes:
    """A google.rpc.Status {code = 1, message = 2}, by hand: two fields are not worth another dependency."""
    text = message.encode()[:1_000]
    return bytes([0x08, code, 0x12]) + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
