"""The routes of the ingest in OpenAPI, by hand: they are plain views, for the sake of their speed."""

from typing import Any, Final

from apps.projects.schemas import (
    ANYTHING,
    FLAG,
    ID,
    NUMBER,
    OBJECT,
    TEXT,
    WHOLE,
    Json,
    answers,
    array,
    by_name,
    maybe,
    object_of,
)
from apps.runs.models import RunType

_TIME: Final[Json] = {
    "anyOf": [TEXT, NUMBER, {"type": "null"}],
    "description": "ISO 8601, UTC unless it says otherwise; or milliseconds since 1970",
}
_RUN: Final[Json] = {
    "type": "object",
    "description": "null and absent both mean: not given. Fields that are not listed are ignored.",
    "properties": {
        "id": maybe(ID),
        "trace_id": maybe(ID),
        "parent_run_id": maybe(ID),
        "dotted_order": maybe(TEXT),
        "session_name": {**maybe(TEXT), "description": "the project, made when it is new; without one, `default`"},
        "session_id": {**maybe(ID), "description": "the project by its id; counts more than its name"},
        "name": maybe(TEXT),
        "run_type": maybe({"enum": sorted(RunType.values)}),
        "start_time": _TIME,
        "end_time": _TIME,
        "inputs": ANYTHING,
        "outputs": ANYTHING,
        "error": maybe(TEXT),
        "events": ANYTHING,
        "extra": {**maybe(OBJECT), "description": "`metadata` in it holds what filters and threads go by"},
        "serialized": ANYTHING,
        "tags": maybe(array(TEXT)),
        "reference_example_id": maybe(ID),
    },
}
_LEFT_OUT: Final = object_of({"detail": TEXT}, {"errors": array(object_of({"id": TEXT, "reason": TEXT}))})
_TRACE: Final = "0195a6c1-7d1f-7000-8000-000000000001"
_MODEL: Final = "0195a6c1-8107-7000-8000-000000000002"
ROOT: Final[Json] = {
    "id": _TRACE,
    "trace_id": _TRACE,
    "dotted_order": f"20260301T120000000000Z{_TRACE}",
    "name": "agent",
    "run_type": "chain",
    "session_name": "shop",
    "start_time": "2026-03-01T12:00:00Z",
    "inputs": {"question": "Where is my order?"},
    "extra": {"metadata": {"thread_id": "chat-42", "user_id": "u-7"}},
}
CALL: Final[Json] = {
    "id": _MODEL,
    "trace_id": _TRACE,
    "parent_run_id": _TRACE,
    "dotted_order": f"20260301T120000000000Z{_TRACE}.20260301T120001000000Z{_MODEL}",
    "name": "ChatOpenAI",
    "run_type": "llm",
    "session_name": "shop",
    "start_time": "2026-03-01T12:00:01Z",
    "end_time": "2026-03-01T12:00:02Z",
    "inputs": {"messages": [{"role": "user", "content": "Where is my order?"}]},
    "outputs": {
        "choices": [{"message": {"role": "assistant", "content": "On its way."}}],
        "usage_metadata": {"input_tokens": 12, "output_tokens": 4, "total_tokens": 16},
    },
    "extra": {"metadata": {"thread_id": "chat-42", "ls_model_name": "gpt-4o-mini", "ls_provider": "openai"}},
}
END: Final[Json] = {"outputs": {"answer": "On its way."}, "end_time": "2026-03-01T12:00:02Z"}
SPAN: Final[Json] = {
    "resourceSpans": [
        {
            "resource": {"attributes": []},
            "scopeSpans": [
                {
                    "scope": {"name": "shop"},
                    "spans": [
                        {
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "spanId": "eee19b7ec3c1b174",
                            "name": "chat gpt-4o-mini",
                            "startTimeUnixNano": "1772366400000000000",
                            "endTimeUnixNano": "1772366401000000000",
                            "attributes": [
                                {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
                                {"key": "gen_ai.conversation.id", "value": {"stringValue": "chat-42"}},
                                {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
                            ],
                        }
                    ],
                }
            ],
        }
    ]
}
_MULTIPART: Final = """Many runs in parts, plain or compressed (`Content-Encoding: zstd` or `gzip`), as the SDKs send them.

| name of the part | its body |
|---|---|
| `post.<run id>`, `patch.<run id>` | a run without its large fields, as JSON |
| `post.<run id>.<field>`, `patch.<run id>.<field>` | `inputs`, `outputs`, `events`, `extra`, `error` or `serialized` of that run, as JSON |
| `attachment.<run id>.<name>` | a file; its Content-Type is that of the part |
| `feedback.<feedback id>` | a feedback on a run, as JSON |

202: all are stored and can be read. 422 names what was left out, with the reason; the rest is stored. 413 names the cap that was passed."""


def _body(schema: Json, *, kind: str = "application/json", **more: Any) -> Json:
    return {"required": True, "content": {kind: {"schema": schema, **more}}}


def _stored(about: Json) -> Json:
    """An operation that stores runs."""
    found = answers(OBJECT, 202)
    found["responses"]["4XX"]["content"]["application/json"]["schema"] = _LEFT_OUT
    return {"tags": ["sending runs"], **about, **found}


_BATCH: Final = object_of({}, {"post": maybe(array(_RUN)), "patch": maybe(array(_RUN))}) | {
    "additionalProperties": True
}
_INFO: Final = object_of({
    "version": TEXT,
    "batch_ingest_config": by_name({"anyOf": [WHOLE, FLAG]}),
    "instance_flags": by_name(FLAG),
})  # fmt: skip
_PARTIAL: Final = object_of({}, {"partialSuccess": object_of({"rejectedSpans": TEXT, "errorMessage": TEXT})})
_STATUS: Final = object_of({"code": WHOLE, "message": TEXT})


def _spans() -> Json:
    found = answers(_PARTIAL)
    found["responses"]["4XX"]["content"]["application/json"]["schema"] = _STATUS
    body = _body(OBJECT, example=SPAN)
    body["content"]["application/x-protobuf"] = {"schema": {"type": "string", "format": "binary"}}
    return {
        "tags": ["sending runs"],
        "summary": "Send spans of OpenTelemetry (OTLP over HTTP)",
        "description": "Also at `/v1/traces`. The header `Langsmith-Project` names the project of spans that name none.",
        "requestBody": body,
        **found,
    }


OPERATIONS: Final[dict[str, Json]] = {
    "/info": {
        "get": {
            "tags": ["sending runs"],
            "summary": "What this server can take",
            "description": "Needs no key.",
            "security": [],
            **answers(_INFO),
        }
    },
    "/runs/multipart": {
        "post": _stored({
            "summary": "Send many runs in parts",
            "description": _MULTIPART,
            "requestBody": _body(OBJECT, kind="multipart/form-data", example={f"post.{_TRACE}": ROOT}),
        })
    },
    "/runs/batch": {
        "post": _stored({
            "summary": "Send many runs in one JSON object",
            "requestBody": _body(_BATCH, example={"post": [ROOT, CALL], "patch": [{"id": _TRACE, **END}]}),
        })
    },
    "/runs": {
        "post": _stored({"summary": "Send one run", "requestBody": _body(_RUN, example=ROOT)}),
    },
    "/runs/{run_id}": {
        "patch": _stored({
            "summary": "Send what one run did later",
            "parameters": [{"name": "run_id", "in": "path", "required": True, "schema": ID}],
            "requestBody": _body(_RUN, example=END),
        })
    },
    "/otel/v1/traces": {"post": _spans()},
}  # fmt: skip
