"""A span to the run object that the other wire formats bring too: name, kind, project, metadata, tags, error, events."""

from typing import Any

import msgspec

from apps.runs.ingest.otlp.attributes import Attributes, decoded
from apps.runs.ingest.otlp.contents import inputs_of, outputs_of
from apps.runs.ingest.otlp.messages import CHOICE, is_message
from apps.runs.ingest.otlp.metadata import metadata_of
from apps.runs.ingest.otlp.span import STATUS_ERROR, STATUS_OK, Event, Span, moment
from apps.runs.ingest.otlp.tree import Node
from apps.runs.ingest.otlp.vercel import translated
from apps.runs.ingest.schema import RUN_TYPES, RunIn

type Fields = dict[str, Any]

OPERATIONS = {
    "chat": "llm",
    "completion": "llm",
    "text_completion": "llm",
    "generate_content": "llm",
    "responses": "llm",
    "execute_tool": "tool",
    "embeddings": "embedding",
    "retrieval": "retriever",
    "rerank": "retriever",
    "embedding": "embedding",
    "llm": "llm",
    "tool": "tool",
    "retriever": "retriever",
    "reranker": "retriever",
    "prompt": "prompt",
    "parser": "parser",
}
_KINDS = (
    "langsmith.span.kind",
    "gen_ai.operation.name",
    "openinference.span.kind",
    "traceloop.span.kind",
    "llm.request.type",
)
# The second is that of the metric, which Vercel's AI SDK 7 puts on the span.
_SECONDS_TO_FIRST_CHUNK = ("gen_ai.response.time_to_first_chunk", "gen_ai.client.operation.time_to_first_chunk")
_FIRST_TOKEN = frozenset({
    "First Token Stream Event", "gen_ai.content.completion.chunk", "llm.content.completion.chunk", "new_token",
})  # fmt: skip
_TOLD_ELSEWHERE = frozenset({"exception", CHOICE, "gen_ai.content.prompt", "gen_ai.content.completion"})
DETAILS_EVENT = "gen_ai.client.inference.operation.details"


def run_of(node: Node, project: str | None) -> RunIn:
    """`project` is what the request's header names."""
    span = node.span
    told = Attributes(_attributes(span))
    run_type = run_type_of(told)
    run = RunIn(
        id=str(node.run_id),
        parent_run_id=None if node.parent_id is None else str(node.parent_id),
        trace_id=told.take("langsmith.trace.id"),
        dotted_order=told.take("langsmith.span.dotted_order"),
        name=told.text("langsmith.trace.name") or span.name or run_type,
        run_type=run_type,
        start_time=moment(span.start),
        end_time=moment(span.end),
        tags=_tags(told),
        reference_example_id=told.take("langsmith.reference_example_id"),
    )
    run.session_id = told.take("langsmith.trace.session_id")
    run.session_name = _project(told, span, project)
    told.take("langsmith.span.id", "langsmith.span.parent_id", "langsmith.root_span")
    _payload(run, told, span)
    return run


def _attributes(span: Span) -> Fields:
    """Contents may also come on an event of the span; those are as good as the span's own."""
    found: Fields = {}
    for event in span.events:
        if event.name == DETAILS_EVENT:
            found |= event.attributes
    return translated(found | span.attributes)


def run_type_of(told: Attributes) -> str:
    """By the first kind that a convention tells; agents, workflows and the like are chains. A model without a kind was called."""
    for key in _KINDS:
        kind = str(told.peek(key) or "").lower()
        if kind in RUN_TYPES:
            return kind
        if kind in OPERATIONS:
            return OPERATIONS[kind]
        if kind:
            return "chain"
    return "llm" if told.peek("gen_ai.request.model", "llm.model_name") else "chain"


def _project(told: Attributes, span: Span, header: str | None) -> Any:
    """What the span says, else the header, else Phoenix's resource attribute. Never service.name: every SDK fills that in."""
    own = told.take("langsmith.trace.session_name")
    return own or header or span.source.resource.get("openinference.project.name")


def _payload(run: RunIn, told: Attributes, span: Span) -> None:
    inputs, outputs = inputs_of(told, span.events, run.run_type), outputs_of(told, span.events, run.run_type)
    metadata, rest = metadata_of(told, outputs)
    serialized = told.under("gen_ai.serialized.")
    run.inputs, run.outputs = _raw(inputs), _raw(outputs)
    run.error = _raw(_error(span))
    waited = [metadata.pop(name, None) for name in _SECONDS_TO_FIRST_CHUNK]
    run.events = _raw(_events(span, next((seconds for seconds in waited if seconds is not None), None)))
    run.serialized = _raw(serialized or None)
    run.extra = _raw({"metadata": metadata, "runtime": _runtime(span), "otel": _otel(span), **rest})


def _raw(value: Any) -> msgspec.Raw | msgspec.UnsetType:
    return msgspec.UNSET if value is None else msgspec.Raw(msgspec.json.encode(value))


def _tags(told: Attributes) -> list[Any] | None:
    own, flat = told.take("langsmith.span.tags"), told.json("tag.tags")
    tags = [tag.strip() for tag in own.split(",")] if isinstance(own, str) else own
    return [*(tags if isinstance(tags, list) else ()), *(flat if isinstance(flat, list) else ())] or None


def _error(span: Span) -> str | None:
    """Where the status is OK, an exception was dealt with."""
    exceptions = [event for event in span.events if event.name == "exception"]
    if span.status == STATUS_OK or (span.status != STATUS_ERROR and not exceptions):
        return None
    if exceptions:
        return _exception(exceptions[-1].attributes)
    return span.message or str(span.attributes.get("error.type") or "") or "The span's status is ERROR."


def _exception(fields: Fields) -> str:
    kind, message, stack = (str(fields.get(f"exception.{name}") or "") for name in ("type", "message", "stacktrace"))
    if "Traceback (most recent call last)" in message:  # the LangSmith SDK puts all of its error here
        return message
    head = f"{kind}: {message}" if kind and message else kind or message or "exception"
    if stack.startswith(head):  # as JavaScript and Java write them
        return stack
    return f"{head}\n\n{stack}" if stack else head


def _events(span: Span, seconds_to_first_chunk: Any) -> list[Fields] | None:
    """LangSmith's events. Of the chunks of a stream the first is enough: it tells the time to the first token."""
    found = []
    first_token: str | None = None
    if isinstance(seconds_to_first_chunk, int | float) and seconds_to_first_chunk >= 0:
        first_token = moment(span.start + int(seconds_to_first_chunk * 1e9))
    for event in span.events:
        if event.name in _FIRST_TOKEN:
            first_token = first_token or moment(event.time)
        elif event.name not in _TOLD_ELSEWHERE and event.name != DETAILS_EVENT and not is_message(event):
            found.append(_event(event))
    if first_token:
        found.append({"name": "new_token", "time": first_token})
    return found or None


def _event(event: Event) -> Fields:
    told: Fields = {"name": event.name, "time": moment(event.time)}
    return told | ({"kwargs": event.attributes} if event.attributes else {})


def _runtime(span: Span) -> Fields:
    resource = span.source.resource
    found = {
        "sdk": resource.get("telemetry.sdk.name"),
        "sdk_version": resource.get("telemetry.sdk.version"),
        "language": resource.get("telemetry.sdk.language"),
        "library": span.source.scope,
        "library_version": span.source.scope_version,
        "service": resource.get("service.name"),
    }
    return {name: value for name, value in found.items() if value}


def _otel(span: Span) -> Fields:
    """The ids by which the span is known elsewhere."""
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_id.hex() or None,
        "kind": span.kind,
        "resource": span.source.resource,
    }


def is_duplicate(span: Span) -> bool:
    """A LangSmith SDK in hybrid mode sends the same run over its own protocol too, under another id."""
    mode = decoded(span.attributes.get("langsmith.metadata.LANGSMITH_TRACING_MODE"))
    internal = span.source.resource.get("langsmith.internal_provider")
    return internal in (True, "true") and mode == "hybrid"
