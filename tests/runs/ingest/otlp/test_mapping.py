"""One row of the mapping table each: attributes in, columns and metadata out."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from apps.projects.models import Project
from apps.runs import payload
from apps.runs.models import Run
from tests.runs.ingest.otlp.conftest import Export
from tests.runs.ingest.otlp.wire import run_id, span

type Stored = Callable[..., Run]
ID = "0193f3a0-0000-7000-8000-000000000001"


def metadata(run: Run) -> dict[str, Any]:
    return run.metadata or {}


@pytest.mark.parametrize(
    ("attributes", "run_type"),
    [
        ({}, "chain"),
        ({"langsmith.span.kind": "retriever", "gen_ai.operation.name": "embeddings"}, "retriever"),
        ({"langsmith.span.kind": "LLM"}, "llm"),
        ({"gen_ai.operation.name": "chat"}, "llm"),
        ({"gen_ai.operation.name": "text_completion"}, "llm"),
        ({"gen_ai.operation.name": "generate_content"}, "llm"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"gen_ai.operation.name": "embeddings"}, "embedding"),
        ({"gen_ai.operation.name": "retrieval"}, "retriever"),
        ({"gen_ai.operation.name": "invoke_agent"}, "chain"),
        ({"gen_ai.operation.name": "something new"}, "chain"),
        ({"openinference.span.kind": "LLM"}, "llm"),
        ({"openinference.span.kind": "TOOL"}, "tool"),
        ({"openinference.span.kind": "RETRIEVER"}, "retriever"),
        ({"openinference.span.kind": "RERANKER"}, "retriever"),
        ({"openinference.span.kind": "EMBEDDING"}, "embedding"),
        ({"openinference.span.kind": "PROMPT"}, "prompt"),
        ({"openinference.span.kind": "AGENT"}, "chain"),
        ({"openinference.span.kind": "GUARDRAIL"}, "chain"),
        ({"traceloop.span.kind": "tool"}, "tool"),
        ({"traceloop.span.kind": "workflow"}, "chain"),
        ({"llm.request.type": "chat"}, "llm"),
        ({"gen_ai.request.model": "gpt-4o"}, "llm"),
        ({"llm.request.type": "rerank"}, "retriever"),
    ],
)
def test_kinds_become_run_types(stored: Stored, attributes: dict[str, Any], run_type: str) -> None:
    assert stored(attributes).run_type == run_type


def test_name_is_the_trace_name_else_the_span_name(export: Export) -> None:
    export(span(1, attributes={"langsmith.trace.name": "ChatOpenAI"}), span(2, trace=2, name="GET /chat"))
    assert set(Run.objects.values_list("name", flat=True)) == {"ChatOpenAI", "GET /chat"}


def test_times_keep_their_microseconds(stored: Stored) -> None:
    run = stored(start_time_unix_nano=1_772_366_400_123_456_789, end_time_unix_nano=1_772_366_401_000_001_999)
    assert run.start_time == datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
    assert run.end_time == datetime(2026, 3, 1, 12, 0, 1, 1, UTC)


def test_span_without_an_end_is_pending(stored: Stored) -> None:
    assert stored(end_time_unix_nano=0).status == "pending"


def test_langsmith_metadata_keeps_its_types(stored: Stored) -> None:
    run = stored(
        {
            "langsmith.metadata.turn": 3,
            "langsmith.metadata.user": '{"plan":"pro"}',
            "langsmith.metadata.note": '{"x',
            "langsmith.metadata.said": '"Hi"',
        }
    )
    assert metadata(run) == {"turn": 3, "user": {"plan": "pro"}, "note": '{"x', "said": '"Hi"'}


def test_attributes_of_the_application_become_metadata(stored: Stored) -> None:
    labels = {"http.route": "/chat", "retries": 2, "labels": ["a", "b"]}
    long = {"page": "x" * 2_001, "object": {"a": 1}, "objects": [{"a": 1}], "many": list(range(51)), "n" * 501: 1}
    run = stored(labels | long)
    assert metadata(run) == labels
    assert payload.load(run.extra)["attributes"] == long


@pytest.mark.parametrize(
    ("attributes", "tags"),
    [
        ({"langsmith.span.tags": "a, b"}, ["a", "b"]),
        ({"tag.tags": ["a", "b"]}, ["a", "b"]),
        ({"tag.tags": '["a", "b"]'}, ["a", "b"]),
    ],
)
def test_tags(stored: Stored, attributes: dict[str, Any], tags: list[str]) -> None:
    assert stored(attributes).tags == tags


@pytest.mark.parametrize(
    ("attributes", "thread"),
    [
        ({"langsmith.metadata.session_id": "T"}, "T"),
        ({"langsmith.metadata.conversation_id": "T"}, "T"),
        ({"langsmith.metadata.thread_id": "T"}, "T"),
        ({"langsmith.metadata.thread_id": 7}, "7"),
        ({"session.id": "T"}, "T"),
        ({"gen_ai.conversation.id": "T"}, "T"),
        ({"traceloop.association.properties.session_id": "T"}, "T"),
        ({"traceloop.association.properties.conversation_id": "T"}, "T"),
        ({"traceloop.association.properties.thread_id": "T"}, "T"),
        ({"metadata": '{"thread_id": "T"}'}, "T"),
        ({"langsmith.metadata.session_id": "T", "session.id": "browser"}, "T"),
        ({"langsmith.metadata.session_id": "", "session.id": "T"}, "T"),
        ({"langsmith.trace.name": "no thread"}, None),
    ],
)
def test_thread_ids(stored: Stored, attributes: dict[str, Any], thread: str | None) -> None:
    assert stored(attributes).thread_id == thread


def test_user_id_and_openinference_metadata(stored: Stored) -> None:
    run = stored({"user.id": "ada", "metadata": '{"plan": "pro"}', "session.id": "T"})
    assert metadata(run) == {"user_id": "ada", "plan": "pro", "session_id": "T"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (
            {"gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o", "gen_ai.request.temperature": 0.5},
            ("openai", "gpt-4o", {"temperature": 0.5}),
        ),
        ({"gen_ai.provider.name": "anthropic", "gen_ai.response.model": "claude"}, ("anthropic", "claude", None)),
        (
            {"llm.system": "openai", "llm.model_name": "gpt-4o", "llm.invocation_parameters": '{"seed": 1}'},
            ("openai", "gpt-4o", {"seed": 1}),
        ),
        ({"llm.provider": "azure", "llm.system": "openai", "embedding.model_name": "e"}, ("azure", "e", None)),
    ],
)
def test_model_and_provider(stored: Stored, attributes: dict[str, Any], expected: tuple[Any, ...]) -> None:
    run = stored(attributes | {"langsmith.span.kind": "llm"})
    told = metadata(run)
    assert (told.get("ls_provider"), told.get("ls_model_name"), told.get("ls_invocation_params")) == expected
    assert run.model == expected[1]


USAGE = [
    ({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}, (10, 5, 15), None),
    (
        {"gen_ai.usage.prompt_tokens": 10, "gen_ai.usage.completion_tokens": 5, "llm.usage.total_tokens": 16},
        (10, 5, 16),
        None,
    ),
    (
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.cache_read.input_tokens": 4,
            "gen_ai.usage.cache_creation.input_tokens": 2,
            "gen_ai.usage.reasoning.output_tokens": 3,
        },
        (10, 5, 15),
        {"prompt": {"cache_read": 4, "cache_creation": 2}, "completion": {"reasoning": 3}},
    ),
    (
        {
            "gen_ai.usage.input_tokens": 10,
            "gen_ai.usage.output_tokens": 5,
            "gen_ai.usage.input_token_details": "{'cache_read': 4}",
            "gen_ai.usage.output_token_details": "{'reasoning': 3}",
        },
        (10, 5, 15),
        {"prompt": {"cache_read": 4}, "completion": {"reasoning": 3}},
    ),
    (
        {
            "llm.token_count.prompt": 10,
            "llm.token_count.completion": 5,
            "llm.token_count.total": 15,
            "llm.token_count.prompt_details.cache_read": 4,
            "llm.token_count.prompt_details.cache_write": 2,
            "llm.token_count.prompt_details.audio": 0,
            "llm.token_count.completion_details.reasoning": 3,
        },
        (10, 5, 15),
        {"prompt": {"cache_read": 4, "cache_creation": 2}, "completion": {"reasoning": 3}},
    ),
    (
        {
            "langsmith.usage_metadata": '{"input_tokens": 10, "output_tokens": 5, "input_token_details": {"cache_read": 4}}'
        },
        (10, 5, 15),
        {"prompt": {"cache_read": 4}},
    ),
    (
        {
            "langsmith.metadata.usage_metadata": '{"input_tokens": 1, "output_tokens": 2}',
            "gen_ai.usage.input_tokens": 9,
        },
        (1, 2, 3),
        None,
    ),
    ({"gen_ai.usage.input_tokens": "10", "gen_ai.usage.output_tokens": 5.0}, (10, 5, 15), None),
]


@pytest.mark.parametrize(("attributes", "tokens", "details"), USAGE)
def test_usage(stored: Stored, attributes: dict[str, Any], tokens: tuple[int, int, int], details: Any) -> None:
    run = stored(attributes | {"langsmith.span.kind": "llm"})
    assert (run.prompt_tokens, run.completion_tokens, run.total_tokens) == tokens
    assert run.usage_details == details


def test_openinference_costs_are_the_clients(stored: Stored) -> None:
    run = stored(
        {"openinference.span.kind": "LLM", "llm.cost.prompt": 0.25, "llm.cost.completion": 0.5, "llm.cost.total": 0.75}
    )
    assert (str(run.prompt_cost), str(run.total_cost), run.cost_source) == (
        "0.250000000000",
        "0.750000000000",
        "client",
    )


def test_langsmith_outputs_keep_the_costs_in_their_own_usage(stored: Stored) -> None:
    outputs = {"usage_metadata": {"input_tokens": 10, "output_tokens": 5, "total_cost": 0.5}}
    run = stored({
        "langsmith.span.kind": "llm",
        "gen_ai.completion": json.dumps(outputs),
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    })  # fmt: skip
    assert (run.total_tokens, str(run.total_cost)) == (15, "0.500000000000")


@pytest.mark.parametrize(
    ("resource", "attributes", "headers", "project"),
    [
        ({}, {}, {}, "default"),
        ({"service.name": "shop"}, {}, {}, "default"),
        ({"openinference.project.name": "phoenix"}, {}, {}, "phoenix"),
        ({"openinference.project.name": "phoenix"}, {}, {"Langsmith-Project": "header"}, "header"),
        ({}, {}, {"Langsmith-Project": "my%20app"}, "my app"),
        ({}, {"langsmith.trace.session_name": "own"}, {"Langsmith-Project": "header"}, "own"),
    ],
)
def test_project(
    export: Export, resource: dict[str, Any], attributes: dict[str, Any], headers: dict[str, str], project: str
) -> None:
    export(span(attributes=attributes), resource=resource, **headers)
    assert Run.objects.select_related("project").get().project.name == project


def test_project_by_its_id(export: Export, workspace: Any) -> None:
    mine = Project.objects.create(workspace=workspace, name="mine")
    export(span(attributes={"langsmith.trace.session_id": str(mine.pk)}))
    assert Run.objects.get().project_id == mine.pk


def test_failed_span_tells_its_exception(stored: Stored) -> None:
    told = {"exception.type": "ValueError", "exception.message": "no", "exception.stacktrace": "Traceback …"}
    assert stored(error="no", events=[("exception", told)]).error == "ValueError: no\n\nTraceback …"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"error": "out of tea"}, "out of tea"),
        ({"error": "", "attributes": {"error.type": "timeout"}}, "timeout"),
        ({"error": ""}, "The span's status is ERROR."),
        ({"events": [("exception", {"exception.message": "no"})]}, "no"),
        ({"events": [("exception", {"exception.message": "caught"})], "ok": True}, None),
        ({"events": [("exception", {"exception.type": "Exception", "exception.message": "E\n\nTraceback (most recent call last)"})],
          "error": ""}, "E\n\nTraceback (most recent call last)"),
    ],
)  # fmt: skip
def test_errors(stored: Stored, options: dict[str, Any], error: str | None) -> None:
    assert stored(**options).error == error


@pytest.mark.parametrize("name", ["First Token Stream Event", "gen_ai.content.completion.chunk"])
def test_first_chunk_is_the_first_token(stored: Stored, name: str) -> None:
    run = stored({"langsmith.span.kind": "llm"}, events=[(name, {}), (name, {})])
    assert run.first_token_time == datetime(2026, 3, 1, 12, 0, 0, 500_000, UTC)
    assert len(payload.load(run.events)) == 1


@pytest.mark.parametrize("about", ["response", "client.operation"])
def test_time_to_first_chunk_is_the_first_token(stored: Stored, about: str) -> None:
    run = stored({"gen_ai.operation.name": "chat", f"gen_ai.{about}.time_to_first_chunk": 0.25})
    assert run.first_token_time == datetime(2026, 3, 1, 12, 0, 0, 250_000, UTC)


def test_other_events_are_kept(stored: Stored) -> None:
    events = payload.load(stored(events=[("cache miss", {"key": "k"})]).events)
    assert events == [{"name": "cache miss", "time": "2026-03-01T12:00:00.500000+00:00", "kwargs": {"key": "k"}}]


def test_serialized_and_example(stored: Stored) -> None:
    run = stored(
        {"gen_ai.serialized.name": "search", "gen_ai.serialized.doc": "Looks up.", "langsmith.reference_example_id": ID}
    )
    assert payload.load(run.serialized) == {"name": "search", "doc": "Looks up."}
    assert run.reference_example_id == UUID(ID)


def test_the_ids_of_opentelemetry_stay_with_the_run(stored: Stored) -> None:
    run = stored(resource={"service.name": "shop", "telemetry.sdk.language": "python"}, scope="lib")
    extra = payload.load(run.extra)
    assert extra["otel"]["trace_id"] == "000000000000000000000000000000a1"
    assert extra["runtime"] == {"language": "python", "library": "lib", "service": "shop"}


def test_overrides_place_a_run_under_one_of_another_protocol(export: Export) -> None:
    root = "0193f3a0-0000-7000-8000-000000000002"
    order = f"20260301T120000000000Z{root}.20260301T120001000000Z{ID}"
    told = {
        "langsmith.span.id": ID,
        "langsmith.trace.id": root,
        "langsmith.span.dotted_order": order,
        "langsmith.span.parent_id": root,
    }
    export(span(2, 1, attributes=told), span(3, 2, at=2))
    run = Run.objects.get(id=ID)
    assert (str(run.trace_id), str(run.parent_run_id), run.dotted_order) == (root, root, order)
    child = Run.objects.get(id=run_id(3))
    assert (child.trace_id, child.parent_run_id) == (run.trace_id, run.id)


def test_root_span_cuts_the_tree(export: Export) -> None:
    export(span(1), span(2, 1, attributes={"langsmith.root_span": True}))
    assert Run.objects.get(id=run_id(2)).parent_run_id is None


def test_the_parent_that_the_langsmith_sdk_makes_up_is_none(export: Export) -> None:
    trace = (9 << 64) + 77
    export(span(1, 9, trace=trace), scope="langsmith")
    run = Run.objects.get()
    assert (run.parent_run_id, run.provisional) == (None, False)


def test_hybrid_duplicates_are_taken_and_not_stored(export: Export) -> None:
    hybrid = {"langsmith.metadata.LANGSMITH_TRACING_MODE": "hybrid"}
    answer = export(span(1, attributes=hybrid), resource={"langsmith.internal_provider": True})
    assert not answer.HasField("partial_success")
    assert not Run.objects.exists()


def test_spans_of_otel_mode_are_stored(export: Export) -> None:
    otel = {"langsmith.metadata.LANGSMITH_TRACING_MODE": "otel"}
    export(span(1, attributes=otel), resource={"langsmith.internal_provider": True})
    assert Run.objects.count() == 1


def test_stack_that_begins_with_the_message_is_told_once(stored: Stored) -> None:
    told = {"exception.type": "Error", "exception.message": "no", "exception.stacktrace": "Error: no\n    at chat.js:1"}
    assert stored(error="no", events=[("exception", told)]).error == "Error: no\n    at chat.js:1"
