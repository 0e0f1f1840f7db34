from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from apps.runs import messages
from apps.runs.messages import inputs_of, new_inputs_of, new_outputs_of, outputs_of
from apps.runs.parts import Call, Data, Documents, File, Image, Message, Reasoning, Result, Text
from tests.runs.test_preview import CALL, JSON, lc

PIXEL = "data:image/png;base64,iVBORw0KGgo="
HISTORY = [
    {"role": "system", "content": "Be terse."},
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "1"},
    {"role": "user", "content": "two"},
]


def said(found: list[Message]) -> list[tuple[str, str]]:
    return [(one.role, part.text) for one in found for part in one.parts if isinstance(part, Text)]


def test_history_that_was_sent_again_is_counted_and_left_out() -> None:
    content = new_inputs_of({"messages": HISTORY, "model": "gpt-4o"})
    assert said(content.messages) == [("user", "two")]
    assert content.earlier == 3
    assert content.rest == {"model": "gpt-4o"}


def test_where_one_run_is_read_the_history_stays() -> None:
    assert said(inputs_of({"messages": HISTORY}).messages) == [
        ("system", "Be terse."),
        ("user", "one"),
        ("assistant", "1"),
        ("user", "two"),
    ]


def test_what_followed_the_last_user_message_stays_with_it() -> None:
    content = new_inputs_of(
        {
            "messages": [
                *HISTORY,
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": '{"found": 2}'},
            ]
        }
    )
    assert [one.role for one in content.messages] == ["user", "assistant", "tool"]
    assert content.messages[1].parts == [Call("find", {"who": "sally", "n": 5}, "call_1")]
    assert content.messages[2].parts == [Result("", [Data({"found": 2})], "call_1")]


def test_a_graph_that_returns_its_whole_state_shows_only_the_new_part() -> None:
    for history in (HISTORY, HISTORY[1:2]):
        content = new_outputs_of({"messages": [*history, {"role": "assistant", "content": "2"}]})
        assert said(content.messages) == [("assistant", "2")]


def test_a_system_prompt_kept_apart_comes_first() -> None:
    content = inputs_of({"system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}]})
    assert said(content.messages) == [("system", "Be kind."), ("user", "Hi")]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"question": "What?", "get_chat_history": True}, "What?"),
        ({"input": "What?"}, "What?"),
        ("What?", "What?"),
        ({"args": ["What?"]}, "What?"),
        ({"messages": [[lc("HumanMessage", content="What?", type="human")]]}, "What?"),
        ({"contents": [{"role": "user", "parts": [{"text": "What?"}]}]}, "What?"),
        ({"input": {"messages": [["human", "What?"]]}}, "What?"),
    ],
)
def test_the_user_speaks_in_every_dialect(value: object, words: str) -> None:
    assert said(inputs_of(value).messages) == [("user", words)]


@pytest.mark.parametrize(
    "value",
    [
        {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}}], "id": "chatcmpl-1"},
        {"choices": [{"text": "Yes."}]},
        {"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yes."}]}]},
        {"role": "assistant", "type": "message", "content": [{"type": "text", "text": "Yes."}]},
        {"generations": [[{"text": "Yes.", "message": lc("AIMessage", content="Yes.")}]]},
        {"candidates": [{"content": {"role": "model", "parts": [{"text": "Yes."}]}}]},
        {"output": lc("AIMessage", content="Yes.")},
        {"output": "Yes."},
        {"answer": "Yes.", "documents": [{"page_content": "p"}]},
        "Yes.",
    ],
)
def test_the_assistant_speaks_in_every_dialect(value: object) -> None:
    assert said(outputs_of(value).messages) == [("assistant", "Yes.")]


def test_a_tools_words_are_not_the_assistants() -> None:
    assert said(outputs_of({"output": "12 C"}, speaker="output").messages) == [("output", "12 C")]
    assert said(outputs_of({"role": "assistant", "content": "hi"}, speaker="output").messages) == [("assistant", "hi")]


def test_a_number_is_an_answer() -> None:
    assert said(outputs_of({"output": 42}).messages) == [("assistant", "42")]


def test_a_call_is_shown_once_where_a_message_holds_it_twice() -> None:
    block = {"type": "tool_use", "id": "t1", "name": "find", "input": {"who": "sally"}}
    fields = {"content": [block], "tool_calls": [{"name": "find", "args": {"who": "sally"}, "id": "t1"}]}
    assert outputs_of({"output": lc("AIMessage", **fields)}).messages[0].parts == [Call("find", {"who": "sally"}, "t1")]


def test_results_that_anthropic_sends_as_user_belong_to_the_tool() -> None:
    block = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [{"type": "text", "text": "12 C"}],
        "is_error": True,
    }
    found = inputs_of({"messages": [{"role": "user", "content": [block]}]}).messages[0]
    assert found == Message("tool", [Result("", [Text("12 C")], "t1", error=True)])


@pytest.mark.parametrize(
    "fields",
    [
        {"content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "A"}]},
        {"content": "A", "reasoning_content": "Hm."},
        {"content": "A", "additional_kwargs": {"reasoning_content": "Hm."}},
    ],
)
def test_reasoning_is_told_apart_from_the_answer(fields: dict[str, object]) -> None:
    assert outputs_of({"role": "assistant", **fields}).messages[0].parts == [Reasoning("Hm."), Text("A")]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": PIXEL}},
        {"type": "input_image", "image_url": PIXEL},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
        {"type": "image", "base64": "iVBORw0KGgo=", "mime_type": "image/png"},
    ],
)
def test_an_image_is_shown_from_its_own_bytes(part: object) -> None:
    image = inputs_of({"messages": [{"role": "user", "content": [part]}]}).messages[0].parts[0]
    assert image == Image(PIXEL)
    assert image.inline


@pytest.mark.parametrize(
    "url", ["https://evil.example/x.png", "data:image/svg+xml;base64,PHN2Zz4=", "javascript:alert(1)"]
)
def test_an_image_from_elsewhere_is_not_shown_by_itself(url: str) -> None:
    assert not Image(url).inline


def test_only_web_links_are_links() -> None:
    assert (Image("javascript:alert(1)").link, Image("https://x.example/y").link) == ("", "https://x.example/y")


def test_a_file_is_named_with_its_size() -> None:
    part = {"type": "file", "file": {"filename": "a.pdf", "file_data": "A" * 400}}
    assert inputs_of({"messages": [{"role": "user", "content": [part]}]}).messages[0].parts == [File("a.pdf", "", 300)]


@pytest.mark.parametrize("wrap", [lambda docs: {"documents": docs}, lambda docs: {"output": docs}, lambda docs: docs])
def test_retrieved_documents_are_documents(wrap: object) -> None:
    found = outputs_of(wrap([{"page_content": "Text", "metadata": {"source": "a.md"}, "type": "Document"}]))  # type: ignore[operator]
    part = found.messages[0].parts[0]
    assert isinstance(part, Documents)
    assert (part.documents[0].title, part.documents[0].text) == ("a.md", "Text")


@pytest.mark.parametrize("value", [{"x": {"y": [1]}}, [1, 2], 7, {"rows": []}])
def test_what_no_reader_knows_stays_json(value: object) -> None:
    content = inputs_of(value)
    assert (content.messages, content.rest) == ([], value)


def test_nothing_is_nothing() -> None:
    assert inputs_of(None) == inputs_of({}) == messages.Content()


def test_texts_are_cut_with_a_count_of_what_is_left_out() -> None:
    assert inputs_of({"question": "x" * 100}, limit=40).messages[0].parts == [Text("x" * 40, 60)]


def test_of_very_many_messages_the_last_are_shown() -> None:
    content = inputs_of({"messages": [{"role": "user", "content": str(n)} for n in range(messages.MAX_MESSAGES + 5)]})
    assert len(content.messages) == messages.MAX_MESSAGES
    assert content.earlier == 5


def test_a_deep_value_is_not_followed() -> None:
    value = msgspec.json.decode(b'{"input":' * 190 + b'"x"' + b"}" * 190)
    assert inputs_of(value).rest


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_no_shape_of_json_raises(value: object) -> None:
    for content in (inputs_of(value), outputs_of(value), new_inputs_of(value), new_outputs_of(value)):
        for found in content.messages:
            for part in found.parts:
                assert part.kind


@pytest.mark.parametrize(
    ("part", "player"),
    [
        (
            {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            "data:audio/wav;base64,UklGRg==",
        ),
        ({"type": "audio", "mime_type": "audio/mpeg", "data": "SUQz"}, "data:audio/mpeg;base64,SUQz"),
        ({"type": "input_audio", "input_audio": {"data": '"><script>', "format": "wav"}}, ""),
        ({"type": "input_audio", "input_audio": {"data": "PHN2Zz4=", "format": "svg+xml"}}, ""),
        ({"type": "file", "file": {"file_data": "JVBERg==", "filename": "a.pdf"}}, ""),
    ],
)
def test_sound_that_came_along_is_played_if_it_can_be_nothing_else(part: dict[str, Any], player: str) -> None:
    (message,) = inputs_of({"messages": [{"role": "user", "content": [part]}]}).messages
    (file,) = message.parts
    assert isinstance(file, File)
    assert file.player == player


@pytest.mark.parametrize("depth", [60, 900, 5_000])
def test_arguments_too_deep_to_show_stay_text(depth: int) -> None:
    """Python could read them, and would fail to walk them."""
    text = "[" * depth + "]" * depth
    call = {"id": "c", "type": "function", "function": {"name": "find", "arguments": text}}
    (message,) = outputs_of({"messages": [{"role": "assistant", "tool_calls": [call]}]}).messages
    (part,) = message.parts
    assert isinstance(part, Call)
    assert part.args == text
