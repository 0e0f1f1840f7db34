"""Spans of Vercel's AI SDK: a call of generateText with a tool, as versions 4 and 5 tell it, and an embedding."""

import json
from typing import Any

import pytest

from apps.runs import payload
from apps.runs.models import Run
from apps.threads.models import Thread
from tests.runs.ingest.otlp.conftest import Export
from tests.runs.ingest.otlp.wire import run_id, span

pytestmark = pytest.mark.django_db

OUTER = {
    "ai.operationId": "ai.generateText",
    "operation.name": "ai.generateText shop",
    "ai.telemetry.functionId": "shop",
}
TOLD = OUTER | {
    "ai.telemetry.metadata.sessionId": "order-7",
    "ai.telemetry.metadata.plan": "plus",
    "ai.prompt": json.dumps({"system": "Be brief.", "messages": [{"role": "user", "content": "Find tea."}]}),
    "ai.response.text": "Green tea.",
    "ai.response.finishReason": "stop",
    "ai.model.id": "gpt-4o-mini",
    "ai.usage.inputTokens": 30,
    "ai.usage.outputTokens": 5,
    "ai.request.headers.authorization": "Bearer secret",
}
CALL = {"toolCallId": "call_1", "toolName": "search"}
INNER = {
    "ai.operationId": "ai.generateText.doGenerate",
    "ai.prompt.messages": json.dumps(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "Find tea."}]},
            {"role": "assistant", "content": [{"type": "tool-call", **CALL, "input": {"q": "tea"}}]},
            {
                "role": "tool",
                "content": [{"type": "tool-result", **CALL, "output": {"type": "json", "value": ["green"]}}],
            },
        ]
    ),
    "ai.prompt.tools": ['{"type": "function", "name": "search"}'],
    "ai.response.text": "Green tea.",
    "ai.response.finishReason": "stop",
    "ai.response.msToFirstChunk": 250,
    "ai.model.id": "gpt-4o-mini",
    "ai.model.provider": "openai.chat",
    "ai.usage.promptTokens": 20,
    "ai.usage.completionTokens": 3,
    "ai.usage.cachedInputTokens": 4,
    "ai.usage.reasoningTokens": 2,
}
OPENAI_CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q":"tea"}'}}
TOOL = {
    "ai.operationId": "ai.toolCall",
    "ai.toolCall.name": "search",
    "ai.toolCall.id": "call_1",
    "ai.toolCall.args": '{"q": "tea"}',
    "ai.toolCall.result": '["green"]',
}


def run_of(export: Export, attributes: dict[str, Any]) -> Run:
    export(span(attributes=attributes))
    return Run.objects.get()


def test_a_conversation_is_one_thread_whose_tokens_are_counted_once(export: Export) -> None:
    export(span(1, attributes=TOLD), span(2, 1, at=0.1, attributes=INNER), span(3, 1, at=0.2, attributes=TOOL))
    assert [run.run_type for run in Run.objects.in_traces([run_id(1)])] == ["chain", "llm", "tool"]
    thread = Thread.objects.get()
    assert (thread.thread_id, thread.turns, thread.total_tokens) == ("order-7", 1, 23)
    assert (thread.first_input, thread.last_output) == ("Find tea.", "Green tea.")


def test_the_outer_span_is_called_as_the_application_calls_it(export: Export) -> None:
    run = run_of(export, TOLD)
    assert (run.name, run.metadata["plan"]) == ("shop", "plus")
    assert payload.load(run.inputs) == {
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Find tea."}]
    }
    assert payload.load(run.outputs) == {"messages": [{"role": "assistant", "content": "Green tea."}]}


def test_headers_of_the_request_to_the_model_are_left_out(export: Export) -> None:
    run = run_of(export, TOLD)
    assert "secret" not in json.dumps([run.metadata, payload.load(run.extra)])


def test_a_call_of_the_model_is_read_as_a_chat(export: Export) -> None:
    run = run_of(export, INNER)
    assert payload.load(run.inputs) == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Find tea."},
            {"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]},
            {"role": "tool", "tool_call_id": "call_1", "name": "search", "content": '["green"]'},
        ],
        "tools": [{"type": "function", "name": "search"}],
    }
    message = {"role": "assistant", "content": "Green tea."}
    assert payload.load(run.outputs) == {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}


def test_its_model_its_tokens_and_its_first_chunk_are_known(export: Export) -> None:
    run = run_of(export, INNER)
    assert (run.run_type, run.model, run.metadata["ls_provider"]) == ("llm", "gpt-4o-mini", "openai")
    assert (run.prompt_tokens, run.completion_tokens, run.total_tokens) == (20, 3, 23)
    assert run.usage_details["prompt"]["cache_read"] == 4
    assert run.usage_details["completion"]["reasoning"] == 2
    assert run.first_token_time is not None
    assert (run.first_token_time - run.start_time).total_seconds() == 0.25


def test_the_calls_that_a_model_makes_are_its_answer(export: Export) -> None:
    calls = json.dumps([CALL | {"args": {"q": "tea"}}])
    told = {"ai.operationId": "ai.streamText.doStream", "ai.response.toolCalls": calls}
    (choice,) = payload.load(run_of(export, told).outputs)["choices"]
    assert choice["message"] == {"role": "assistant", "content": None, "tool_calls": [OPENAI_CALL]}


def test_a_tool_is_a_run_with_its_arguments_and_result(export: Export) -> None:
    run = run_of(export, TOOL)
    assert (run.name, run.run_type) == ("search", "tool")
    assert (payload.load(run.inputs), payload.load(run.outputs)) == ({"q": "tea"}, {"output": ["green"]})


def test_a_generated_object_is_the_answer(export: Export) -> None:
    told = {"ai.operationId": "ai.generateObject.doGenerate", "ai.response.object": '{"tea": "green"}'}
    (choice,) = payload.load(run_of(export, told).outputs)["choices"]
    assert choice["message"]["content"] == '{"tea":"green"}'


def test_version_3_named_the_answer_otherwise(export: Export) -> None:
    told = {"ai.operationId": "ai.generateText.doGenerate", "ai.result.text": "Green.", "ai.finishReason": "stop"}
    (choice,) = payload.load(run_of(export, told).outputs)["choices"]
    assert choice == {"index": 0, "message": {"role": "assistant", "content": "Green."}, "finish_reason": "stop"}


def test_an_embedding_keeps_its_texts_and_no_vectors(export: Export) -> None:
    told = {
        "ai.operationId": "ai.embedMany.doEmbed",
        "ai.values": ['"tea"', '"cup"'],
        "ai.embeddings": ["[0.1]", "[0.2]"],
        "ai.usage.tokens": 2,
    }
    run = run_of(export, told)
    assert (run.run_type, payload.load(run.inputs)) == ("embedding", {"input": ["tea", "cup"]})
    assert "ai.embeddings" not in run.metadata


def test_what_newer_versions_say_in_common_words_counts_more(export: Export) -> None:
    run = run_of(export, INNER | {"gen_ai.request.model": "gpt-4o", "gen_ai.usage.input_tokens": 21})
    assert (run.model, run.prompt_tokens) == ("gpt-4o", 21)


@pytest.mark.parametrize(
    "value", ["{", "[1, null, [2]]", '"text"', 7, ["x"], '{"messages": {"role": []}}', '[{"content": [1]}]']
)
@pytest.mark.parametrize(
    "name", ["ai.prompt", "ai.prompt.messages", "ai.response.toolCalls", "ai.prompt.tools", "ai.values"]
)
def test_odd_values_break_nothing(export: Export, name: str, value: Any) -> None:
    assert run_of(export, {"ai.operationId": "ai.generateText.doGenerate", name: value}).run_type == "llm"
