"""JSON Schemas of answers, for the API's description. Nothing is checked against them as it goes out: tests do that."""

from typing import Any, Final

type Json = dict[str, Any]

ANYTHING: Final[Json] = {}
TEXT: Final[Json] = {"type": "string"}
WHOLE: Final[Json] = {"type": "integer"}
NUMBER: Final[Json] = {"type": "number"}
FLAG: Final[Json] = {"type": "boolean"}
ID: Final[Json] = {"type": "string", "format": "uuid"}
OBJECT: Final[Json] = {"type": "object"}
TIME: Final[Json] = {"type": "string", "format": "date-time"}
# UTC without an offset, six digits of a second: see apps/runs/wire.py.
V1_TIME: Final[Json] = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$"}


def maybe(schema: Json) -> Json:
    """Or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Json) -> Json:
    return {"type": "array", "items": items}


def by_name(values: Json) -> Json:
    """An object whose keys are data."""
    return {"type": "object", "additionalProperties": values}


def object_of(fields: Json, optional: Json | None = None) -> Json:
    """An object with all of the fields, perhaps some of the optional ones, and no others."""
    return {
        "type": "object",
        "properties": fields | (optional or {}),
        "required": list(fields),
        "additionalProperties": False,
    }


def page(items: Json) -> Json:
    return object_of({"items": array(items), "next_cursor": maybe(TEXT)})


ERROR: Final = object_of({"detail": TEXT})


def answers(schema: Json | None, status: int = 200) -> Json:
    """openapi_extra of a route; None for an answer without a body."""
    content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
    problem = {"description": "What is wrong, in a sentence", "content": {"application/json": {"schema": ERROR}}}
    return {"responses": {status: {"description": "OK", **content}, "4XX": problem}}


def streamed(schema: Json) -> Json:
    """As answers, of a route that also answers in patches to the same document (Accept: text/event-stream)."""
    found = answers(schema)
    found["responses"][200]["content"]["text/event-stream"] = {"schema": TEXT}
    return found


COUNTS: Final = dict.fromkeys(("run_count", "total_tokens", "prompt_tokens", "completion_tokens"), WHOLE)
COSTS: Final = {name: maybe(NUMBER) for name in ("total_cost", "prompt_cost", "completion_cost")}
LENGTHS: Final = {name: maybe(NUMBER) for name in ("latency_p50", "latency_p99", "first_token_p50", "first_token_p99")}
RATES: Final = {name: maybe(NUMBER) for name in ("median_tokens", "error_rate", "streaming_rate")}
FEEDBACK_STATS: Final = maybe(by_name(OBJECT))
FACETS: Final = array(OBJECT)

_PROJECT: Final = {
    "id": ID,
    "tenant_id": ID,
    "name": TEXT,
    "description": maybe(TEXT),
    "start_time": TIME,
    "end_time": maybe(TIME),
    "extra": maybe(OBJECT),
    "reference_dataset_id": maybe(ID),
    "default_dataset_id": maybe(ID),
    "trace_tier": maybe(TEXT),
    "last_run_start_time": maybe(TIME),
}
_STATS: Final = {
    **COUNTS,
    **COSTS,
    **LENGTHS,
    **RATES,
    "last_run_start_time": maybe(TIME),
    "last_run_start_time_live": maybe(TIME),
    "feedback_stats": FEEDBACK_STATS,
    "session_feedback_stats": FEEDBACK_STATS,
    "run_facets": FACETS,
}
PROJECT: Final = object_of(_PROJECT, _STATS)
PROJECT_V2: Final = object_of(_PROJECT | {"type": {"enum": ["PROJECT", "AGENT", "EXPERIMENT"]}}, _STATS)
