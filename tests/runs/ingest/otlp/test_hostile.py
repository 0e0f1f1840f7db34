"""What nobody's exporter sends: nothing of it is an error of the server, and everything is bounded."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from apps.accounts.models import ApiKey
from apps.runs.ingest.otlp.attributes import Attributes
from apps.runs.ingest.otlp.run import run_of
from apps.runs.ingest.otlp.span import MAX_ATTRIBUTES, Event, Source, Span
from apps.runs.ingest.otlp.tree import MAX_DEPTH, Node, place
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run
from tests.runs.ingest.otlp.conftest import Export
from tests.runs.ingest.otlp.wire import PROTOBUF, START, any_value, request, run_id, span

NAMES = (
    "gen_ai.prompt", "gen_ai.prompt.0.role", "gen_ai.prompt.0", "gen_ai.prompt.0.tool_calls.0.name", "gen_ai.completion",
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments", "gen_ai.usage.input_tokens", "gen_ai.usage.input_token_details", "gen_ai.request.model",
    "gen_ai.response.finish_reasons", "gen_ai.response.time_to_first_chunk", "gen_ai.operation.name",
    "llm.input_messages", "llm.input_messages.0", "llm.input_messages.0.message", "llm.input_messages.0.message.contents",
    "llm.input_messages.0.message.tool_calls", "llm.input_messages.0.message.contents.0.message_content.image",
    "llm.tools.0.tool.json_schema", "llm.invocation_parameters", "llm.token_count.prompt", "llm.cost.total",
    "retrieval.documents.0.document", "retrieval.documents", "gen_ai.retrieval.documents", "embedding.embeddings.0",
    "input.value", "input.mime_type", "traceloop.entity.output", "metadata", "tag.tags", "langsmith.span.tags",
    "langsmith.usage_metadata", "langsmith.metadata.usage_metadata", "langsmith.metadata.session_id", "session.id",
    "langsmith.trace.name", "gen_ai.serialized.name", "llm.request.functions.0", "llm.prompts.0.prompt", "llm.request.type",
)  # fmt: skip
EVENTS = ("gen_ai.user.message", "gen_ai.choice", "gen_ai.content.prompt", "exception", "new_token",
          "gen_ai.client.inference.operation.details")  # fmt: skip
PARTS = ("type", "text", "content", "parts", "role", "tool_call", "tool_call_response", "blob", "uri", "id", "name",
         "arguments", "response", "message", "tool_calls", "function", "index")  # fmt: skip
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | (
    st.sampled_from(PARTS) | st.text(max_size=5)
)  # fmt: skip
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PARTS), inner, max_size=4),
    max_leaves=8,
)
values = trees | trees.map(json.dumps)


@settings(max_examples=300, deadline=None)
@given(
    attributes=st.dictionaries(st.sampled_from(NAMES), values, max_size=6),
    events=st.lists(st.tuples(st.sampled_from(EVENTS), st.dictionaries(st.sampled_from((*PARTS, *NAMES)), values, max_size=4)), max_size=3),
    status=st.integers(0, 3),
)  # fmt: skip
def test_no_attribute_breaks_the_mapping(attributes: dict[str, Any], events: list[Any], status: int) -> None:
    told = [Event(name, START, fields) for name, fields in events]
    one = Span(b"t" * 16, b"s" * 8, b"", "n", 1, START, START, attributes, told, status, "", Source({}))
    assert run_of(Node(run_id(1), None, one), None).id


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(attributes=st.dictionaries(st.sampled_from(NAMES), values.filter(lambda value: value is not None), max_size=4))
@example(attributes={"llm.input_messages.0.message.tool_calls": True})
def test_no_attribute_breaks_the_request(client: Client, key: ApiKey, attributes: dict[str, Any]) -> None:
    told = {name: value for name, value in attributes.items() if fits(value)}
    body = request(span(attributes=told)).SerializeToString()
    assert client.post("/v1/traces", body, PROTOBUF, headers={"x-api-key": key.secret}).status_code == 200


def fits(value: Any) -> bool:
    """Whether protobuf can hold it: text without lone surrogates."""
    try:
        any_value(value)
    except (UnicodeEncodeError, TypeError, ValueError):
        return False
    return True


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(("resourceSpans", "scopeSpans", "spans", "spanId", "traceId", "attributes", "key", "value", "events", "status",
                         "code", "intValue", "arrayValue", "values", "startTimeUnixNano", "scope", "resource")), inner, max_size=4),
    max_leaves=12,
))  # fmt: skip
def test_no_json_breaks_the_request(client: Client, key: ApiKey, body: Any) -> None:
    answer = client.post("/v1/traces", json.dumps(body).encode(), "application/json", headers={"x-api-key": key.secret})
    assert answer.status_code in (200, 400)


def test_spans_that_are_each_others_parents(export: Export) -> None:
    for _ in range(2):
        export(span(1, 3), span(2, 1), span(3, 2), span(4, 4))
    assert Run.objects.count() == 4
    assert list(reconcile()) == []


def test_parents_in_a_circle_over_requests(export: Export) -> None:
    for number, parent in [(1, 3), (2, 1), (3, 2), (1, 3), (2, 1)]:
        export(span(number, parent))
    assert Run.objects.count() == 3
    assert list(reconcile()) == []


def test_a_chain_deeper_than_the_cap_loses_its_end(export: Export) -> None:
    answer = export(*(span(number, number - 1) for number in range(1, MAX_DEPTH + 6)))
    assert answer.partial_success.rejected_spans == 5
    assert str(MAX_DEPTH) in answer.partial_success.error_message
    assert Run.objects.count() == MAX_DEPTH


def test_parents_first_for_any_order_of_a_long_chain() -> None:
    chain = [
        Span(b"t" * 16, n.to_bytes(8), (n - 1).to_bytes(8), "", 0, 0, 0, {}, [], 0, "", Source({}))
        for n in range(1, 400)
    ]
    placed, _ = place(reversed(chain))
    assert [node.run_id.int for node in placed] == list(range(1, 400))


def test_attributes_past_the_cap_are_left_out(stored: Callable[..., Run]) -> None:
    run = stored({f"a{number}": number for number in range(MAX_ATTRIBUTES + 5)})
    assert len(run.metadata or {}) == MAX_ATTRIBUTES


@pytest.mark.parametrize(
    "names",
    [
        ["m.0." + "a." * 5_000],
        ["m.999999999.role", "m.1.role"],
        ["m." + "9" * 6_000 + ".role"],
        ["m.0", "m.0.role"],
        ["m.0.role", "m.0"],
        ["m.0..", "m..", "m."],
        ["m.٣.role"],
        ["m.².role"],
    ],
)
def test_hostile_names_of_list_items(names: list[str]) -> None:
    found = Attributes(dict.fromkeys(names, "x")).listed("m")
    assert len(found) <= 2
    json.dumps(found)


@pytest.mark.parametrize(
    "text", ["a\x00b", "\\ud800", '{"a": "\\u0000", "b": "\\ud800"}', '{"n": NaN}', "[" * 1_000, '"']
)
def test_texts_that_a_database_cannot_hold(stored: Callable[..., Run], text: str) -> None:
    run = stored({"input.value": text, "session.id": text, "http.route": text}, name=text)
    assert run.inputs is not None


def test_json_nested_deeper_than_the_cap_stays_text(stored: Callable[..., Run]) -> None:
    run = stored({"input.value": "[" * 250 + "]" * 250})
    assert (run.inputs_preview or "").startswith("[[[")


def test_times_out_of_range_are_not_told(stored: Callable[..., Run]) -> None:
    run = stored(start_time_unix_nano=2**64 - 1, end_time_unix_nano=2**64 - 1)
    assert run.start_time.year == 2554


def test_repr_bomb_is_no_usage(stored: Callable[..., Run]) -> None:
    bomb = {"gen_ai.usage.input_token_details": "(" * 1_500, "gen_ai.usage.output_token_details": "9**9**9"}
    assert stored({"langsmith.span.kind": "llm", "gen_ai.usage.input_tokens": 1} | bomb).usage_details is None
