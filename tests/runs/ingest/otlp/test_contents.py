"""Inputs and outputs by each convention, as they are stored and as the thread page reads them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from apps.runs import payload
from apps.runs.messages import inputs_of, outputs_of
from apps.runs.models import Run
from apps.runs.parts import Call, Image, Message, Result, Text

type Stored = Callable[..., Run]
CHAT = {"gen_ai.operation.name": "chat"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q": "tea"}'}}
HISTORY = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Find tea."},
    {"role": "assistant", "content": None, "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "green"},
]
ANSWER = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Green tea."}, "finish_reason": "stop"}]}


def inputs(run: Run) -> Any:
    return payload.load(run.inputs) if run.inputs else None


def outputs(run: Run) -> Any:
    return payload.load(run.outputs) if run.outputs else None


def flattened(prefix: str, value: Any) -> dict[str, Any]:
    """As the instrumentations write objects: one attribute a leaf, its path in the name."""
    if isinstance(value, dict):
        return {key: leaf for name, item in value.items() for key, leaf in flattened(f"{prefix}.{name}", item).items()}
    if isinstance(value, list):
        return flattened(prefix, {str(index): item for index, item in enumerate(value)})
    return {} if value is None else {prefix: value}


def openinference(message: dict[str, Any]) -> dict[str, Any]:
    calls = [{"tool_call": {"id": call["id"], "function": call["function"]}} for call in message.get("tool_calls", [])]
    return {"message": {**message, "tool_calls": calls}}


def openllmetry(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "tool_calls": [{"id": call["id"], **call["function"]} for call in message.get("tool_calls", [])]}


def parts(message: dict[str, Any]) -> dict[str, Any]:
    if message["role"] == "tool":
        told = [{"type": "tool_call_response", "id": message["tool_call_id"], "response": message["content"]}]
    else:
        told = [{"type": "text", "content": message["content"]}] if message["content"] else []
        for call in message.get("tool_calls", []):
            arguments = json.loads(call["function"]["arguments"])
            told.append(
                {"type": "tool_call", "id": call["id"], "name": call["function"]["name"], "arguments": arguments}
            )
    return {"role": message["role"], "parts": told, "name": None}


def events(messages: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for message in messages:
        told = {key: value for key, value in message.items() if value is not None and key != "tool_call_id"}
        if "tool_calls" in told:
            told["tool_calls"] = json.dumps(told["tool_calls"])
        if "tool_call_id" in message:
            told["id"] = message["tool_call_id"]
        found.append((f"gen_ai.{message['role']}.message", told))
    return found


CHOICE_TEXT = (
    "gen_ai.choice",
    {"index": 0, "finish_reason": "stop", "message": '{"role": "assistant", "content": "Green tea."}'},
)
CHOICE_FIELDS = ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": {"content": "Green tea."}})
TOLD: dict[str, dict[str, Any]] = {
    "LangSmith": {
        "attributes": {"gen_ai.prompt": json.dumps({"messages": HISTORY}), "gen_ai.completion": json.dumps(ANSWER)},
    },
    "OpenTelemetry": {
        "attributes": {
            "gen_ai.input.messages": json.dumps([parts(message) for message in HISTORY]),
            "gen_ai.output.messages": json.dumps([parts(ANSWER["choices"][0]["message"]) | {"finish_reason": "stop"}]),
        },
    },
    "OpenTelemetry, structured": {
        "attributes": {
            "gen_ai.system_instructions": [{"type": "text", "content": "Be brief."}],
            "gen_ai.input.messages": [parts(message) | {"name": ""} for message in HISTORY[1:]],
            "gen_ai.output.messages": [parts(ANSWER["choices"][0]["message"]) | {"name": ""}],
            "gen_ai.response.finish_reasons": ["stop"],
        },
    },
    "OpenTelemetry, events": {"events": [*events(HISTORY), CHOICE_TEXT]},
    "OpenTelemetry, structured events": {"events": [*events(HISTORY), CHOICE_FIELDS]},
    "OpenTelemetry, one details event": {
        "events": [(
            "gen_ai.client.inference.operation.details",
            {
                "gen_ai.input.messages": json.dumps([parts(message) for message in HISTORY]),
                "gen_ai.output.messages": json.dumps([parts(ANSWER["choices"][0]["message"]) | {"finish_reason": "stop"}]),
            },
        )],
    },
    "OpenInference": {
        "attributes": {
            "input.value": "not this",
            **flattened("llm.input_messages", [openinference(message) for message in HISTORY]),
            **flattened("llm.output_messages", [openinference(ANSWER["choices"][0]["message"])]),
            "llm.finish_reason": "stop",
        },
    },
    "OpenLLMetry": {
        "attributes": {
            **flattened("gen_ai.prompt", [openllmetry(message) for message in HISTORY]),
            **flattened("gen_ai.completion", [{**ANSWER["choices"][0]["message"], "finish_reason": "stop"}]),
        },
    },
}  # fmt: skip


def plain(message: Any) -> Any:
    """Without what conventions leave out: null fields, and how arguments are spaced."""
    found = {key: value for key, value in message.items() if value not in (None, "")}
    for call in found.get("tool_calls", []):
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    return found


@pytest.mark.parametrize("convention", TOLD)
def test_chat_is_stored_as_openais_messages(stored: Stored, convention: str) -> None:
    told = TOLD[convention]
    run = stored(CHAT | told.get("attributes", {}), events=told.get("events"))
    expected = json.loads(json.dumps(HISTORY))
    assert [plain(message) for message in inputs(run)["messages"]] == [plain(message) for message in expected]
    (choice,) = outputs(run)["choices"]
    assert plain(choice["message"]) == {"role": "assistant", "content": "Green tea."}
    assert choice["finish_reason"] == "stop"


@pytest.mark.parametrize("convention", TOLD)
def test_chat_reads_as_one_on_the_pages(stored: Stored, convention: str) -> None:
    told = TOLD[convention]
    run = stored(CHAT | told.get("attributes", {}), events=told.get("events"))
    asked = inputs_of(inputs(run)).messages
    assert [message.role for message in asked] == ["system", "user", "assistant", "tool"]
    assert asked[1].parts == [Text("Find tea.")]
    assert asked[2].parts == [Call("search", {"q": "tea"}, "call_1")]
    assert isinstance(asked[3].parts[0], Result)
    assert outputs_of(outputs(run)).messages == [Message("assistant", [Text("Green tea.")])]
    assert (run.inputs_preview, run.outputs_preview) == ("Find tea.", "Green tea.")


@pytest.mark.parametrize("convention", TOLD)
def test_contents_are_not_repeated_in_the_metadata(stored: Stored, convention: str) -> None:
    told = TOLD[convention]
    run = stored(CHAT | told.get("attributes", {}), events=told.get("events"))
    assert "Green tea." not in json.dumps(run.metadata)
    assert run.events is None


def test_images_stay_images(stored: Stored) -> None:
    flat = flattened(
        "llm.input_messages",
        [{"message": {"role": "user", "contents": [
            {"message_content": {"type": "text", "text": "What is it?"}},
            {"message_content": {"type": "image", "image": {"image": {"url": "https://example.org/a.png"}}}},
        ]}}],
    )  # fmt: skip
    (message,) = inputs_of(inputs(stored(CHAT | flat))).messages
    assert message.parts == [Text("What is it?"), Image("https://example.org/a.png")]


def test_image_parts_of_opentelemetry_stay_images(stored: Stored) -> None:
    told = [{"role": "user", "parts": [
        {"type": "blob", "modality": "image", "mime_type": "image/png", "content": "AAAA"},
        {"type": "uri", "modality": "image", "uri": "https://example.org/a.png"},
    ]}]  # fmt: skip
    (message,) = inputs_of(inputs(stored(CHAT | {"gen_ai.input.messages": json.dumps(told)}))).messages
    assert message.parts == [Image("data:image/png;base64,AAAA"), Image("https://example.org/a.png")]


def test_more_than_ten_flattened_messages_keep_their_order(stored: Stored) -> None:
    told = flattened("gen_ai.prompt", [{"role": "user", "content": str(number)} for number in range(12)])
    shuffled = dict(sorted(told.items()))
    assert [message["content"] for message in inputs(stored(CHAT | shuffled))["messages"]] == [
        str(n) for n in range(12)
    ]


def test_offered_tools_stand_beside_the_messages(stored: Stored) -> None:
    schema = {"type": "function", "function": {"name": "search"}}
    messages = flattened("llm.input_messages", [{"message": {"role": "user", "content": "Hi"}}])
    told = inputs(stored(CHAT | messages | {"llm.tools.0.tool.json_schema": json.dumps(schema)}))
    assert told == {"messages": [{"role": "user", "content": "Hi"}], "tools": [schema]}


def test_an_agents_answer_is_a_message(stored: Stored) -> None:
    told = [{"role": "assistant", "parts": [{"type": "text", "content": "Done."}]}]
    run = stored({"gen_ai.operation.name": "invoke_agent", "gen_ai.output.messages": json.dumps(told)})
    assert outputs(run) == {"messages": [{"role": "assistant", "content": "Done."}]}


CASES: list[tuple[dict[str, Any], Any, Any]] = [
    ({"input.value": "Hi", "output.value": "Hello"}, {"input": "Hi"}, {"output": "Hello"}),
    (
        {"input.value": '{"q": 1}', "input.mime_type": "application/json", "output.value": '["a"]'},
        {"q": 1},
        {"output": ["a"]},
    ),
    ({"input.value": '{"q": 1}', "input.mime_type": "text/plain"}, {"input": '{"q": 1}'}, None),
    (
        {"traceloop.entity.input": '{"args": ["Hi"], "kwargs": {}}', "traceloop.entity.output": '"Hello"'},
        {"args": ["Hi"], "kwargs": {}},
        {"output": "Hello"},
    ),
    ({"gen_ai.prompt": "Hi", "gen_ai.completion": "Hello"}, {"input": "Hi"}, {"output": "Hello"}),
    (
        {"gen_ai.prompt": '[{"role": "user", "content": "Hi"}]'},
        {"messages": [{"role": "user", "content": "Hi"}]},
        None,
    ),
    (
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.call.arguments": '{"q": "tea"}',
            "gen_ai.tool.call.result": "green",
        },
        {"q": "tea"},
        {"output": "green"},
    ),
    (
        {"openinference.span.kind": "TOOL", "tool.parameters": '{"q": "tea"}', "output.value": "green"},
        {"q": "tea"},
        {"output": "green"},
    ),
    (
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "tea",
            **flattened("retrieval.documents", [{"document": {"content": "Green", "id": "1", "score": 0.5, "metadata": '{"page": 2}'}}]),
        },
        {"input": "tea"},
        {"documents": [{"page_content": "Green", "metadata": {"id": "1", "score": 0.5, "page": 2}}]},
    ),
    (
        {
            "gen_ai.operation.name": "retrieval",
            "gen_ai.retrieval.query.text": "tea",
            "gen_ai.retrieval.documents": '[{"id": "1", "content": "Green"}]',
        },
        {"query": "tea"},
        {"documents": [{"page_content": "Green", "metadata": {"id": "1"}}]},
    ),
    (
        {"openinference.span.kind": "EMBEDDING", "embedding.embeddings.0.embedding.text": "tea"},
        {"input": ["tea"]},
        None,
    ),
    (
        {"openinference.span.kind": "LLM", "llm.prompts.0.prompt.text": "Hi", "llm.choices.0.completion.text": "Hello"},
        {"messages": [{"role": "user", "content": "Hi"}]},
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": None}]},
    ),
    ({"gen_ai.prompt.name": "greeting"}, None, None),
]  # fmt: skip


@pytest.mark.parametrize(("attributes", "expected_inputs", "expected_outputs"), CASES)
def test_contents(stored: Stored, attributes: dict[str, Any], expected_inputs: Any, expected_outputs: Any) -> None:
    run = stored(attributes)
    assert (inputs(run), outputs(run)) == (expected_inputs, expected_outputs)


def test_prompt_events_of_2024(stored: Stored) -> None:
    told = [
        ("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role": "user", "content": "Hi"}]'}),
        ("gen_ai.content.completion", {"gen_ai.completion": '[{"role": "assistant", "content": "Hello"}]'}),
    ]
    run = stored(CHAT, events=told)
    assert inputs(run) == {"messages": [{"role": "user", "content": "Hi"}]}
    assert outputs(run) == {"messages": [{"role": "assistant", "content": "Hello"}]}
