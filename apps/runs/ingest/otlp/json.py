"""OTLP in JSON: the request to spans, and the answers. Ids are hex there, not base64 as in protobuf's own JSON."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from apps.runs.ingest.decode import NotJson, parse
from apps.runs.ingest.otlp.span import MAX_ATTRIBUTES, MAX_EVENTS, MAX_NANOS, Event, Malformed, Source, Span

type Fields = dict[str, Any]

_STATUS = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
_KINDS = {
    f"SPAN_KIND_{name}": number
    for number, name in enumerate(("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"))
}


def read(body: bytes) -> Iterator[Span]:
    """A span that is no object, or whose ids are not hex, comes without ids and is rejected alone."""
    try:
        request, _ = parse(body)
    except NotJson as error:
        raise Malformed(f"The body {error}") from None
    if not isinstance(request, dict):
        raise Malformed("The body must be an ExportTraceServiceRequest as a JSON object.")
    for group in _list(request, "resourceSpans", "resource_spans"):
        resource = _attributes(_dict(group, "resource"))
        for scoped in _list(group, "scopeSpans", "scope_spans"):
            scope = _dict(scoped, "scope")
            source = Source(resource, _text(scope, "name"), _text(scope, "version"))
            for span in _list(scoped, "spans"):
                yield _span(span, source)


def _span(span: Any, source: Source) -> Span:
    status = _dict(span, "status")
    return Span(
        trace_id=_hex(span, "traceId", "trace_id"),
        span_id=_hex(span, "spanId", "span_id"),
        parent_id=_hex(span, "parentSpanId", "parent_span_id"),
        name=_text(span, "name"),
        kind=_enum(_get(span, "kind"), _KINDS),
        start=_int(_get(span, "startTimeUnixNano", "start_time_unix_nano")),
        end=_int(_get(span, "endTimeUnixNano", "end_time_unix_nano")),
        attributes=_attributes(span),
        events=[
            Event(_text(event, "name"), _int(_get(event, "timeUnixNano", "time_unix_nano")), _attributes(event))
            for event in islice(_list(span, "events"), MAX_EVENTS)
        ],
        status=_enum(_get(status, "code"), _STATUS),
        message=_text(status, "message"),
        source=source,
    )


def _get(fields: Any, *names: str) -> Any:
    """lowerCamelCase as OTLP demands, else the name of the protobuf field, which protobuf's JSON readers take too."""
    if not isinstance(fields, dict):
        return None
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _dict(fields: Any, *names: str) -> Fields:
    found = _get(fields, *names)
    return found if isinstance(found, dict) else {}


def _list(fields: Any, *names: str) -> list[Any]:
    found = _get(fields, *names)
    return found if isinstance(found, list) else []


def _text(fields: Any, name: str) -> str:
    found = _get(fields, name)
    return found if isinstance(found, str) else ""


def _hex(fields: Any, *names: str) -> bytes:
    try:
        return bytes.fromhex(_get(fields, *names) or "")
    except (ValueError, TypeError):
        return b""


def _int(value: Any) -> int:
    """64-bit integers are text in protobuf's JSON; many senders write numbers."""
    if isinstance(value, str) and len(value) <= 20:
        value = _number(value, int)
    return value if isinstance(value, int) and abs(value) < MAX_NANOS else 0


def _number(text: str, kind: type[int] | type[float]) -> int | float | None:
    try:
        return kind(text)
    except ValueError:
        return None


def _enum(value: Any, names: dict[str, int]) -> int:
    return names[value] if isinstance(value, str) and value in names else _int(value)


def _attributes(holder: Any) -> Fields:
    pairs = islice(_list(holder, "attributes"), MAX_ATTRIBUTES)
    return {_text(pair, "key"): _value(_get(pair, "value")) for pair in pairs}


def _value(value: Any) -> Any:
    """The parser has bounded the depth."""
    if not isinstance(value, dict) or not value:
        return None
    kind, inner = next(iter(value.items()))
    match kind:
        case "intValue" | "int_value":
            return _int(inner)
        case "doubleValue" | "double_value":
            return _double(inner)
        case "arrayValue" | "array_value":
            return [_value(item) for item in _list(inner, "values")]
        case "kvlistValue" | "kvlist_value":
            return {_text(pair, "key"): _value(_get(pair, "value")) for pair in _list(inner, "values")}
    return inner if isinstance(inner, str | bool) else None


def _double(value: Any) -> float | None:
    """Text stands for NaN and the infinities, which PostgreSQL's JSON cannot hold; some senders write all numbers so."""
    number = _number(value, float) if isinstance(value, str) else value
    return number if isinstance(number, int | float) and number - number == 0 else None


def success(rejected: int, message: str) -> bytes:
    partial = {"partialSuccess": {"rejectedSpans": str(rejected), "errorMessage": message}}
    return msgspec.json.encode(partial if rejected else {})


def failure(code: int, message: str) -> bytes:
    return msgspec.json.encode({"code": code, "message": message})
