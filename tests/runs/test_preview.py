import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runs.preview import LIMIT, call_line, compact, preview_inputs, preview_outputs

OPENAI = {
    "messages": [
        {"role": "system", "content": "You are terse."},
        {"role": "user", "content": "Hi, I am Sally."},
        {"role": "assistant", "content": "Hello Sally."},
        {"role": "user", "content": [{"type": "text", "text": "Where is my order?"}, {"type": "image_url"}]},
    ]
}

CALL = {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"who":"sally","n":5}'}}
LC_CALL = {"name": "t", "args": {"a": 1}, "id": "call_2"}


def responses(text: str) -> dict[str, object]:
    return {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": text}]}


def lc(kind: str, **kwargs: object) -> dict[str, object]:
    return {"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", kind], "kwargs": kwargs}


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (OPENAI, "Where is my order?"),
        ({"messages": [{"role": "system", "content": "Only a prompt."}]}, "Only a prompt."),
        ({"input": "One string"}, "One string"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "Responses"}]}]}, "Responses"),
        ({"system": "S", "messages": [{"role": "user", "content": [{"type": "text", "text": "Claude?"}]}]}, "Claude?"),
        (
            {
                "messages": [
                    {"role": "user", "content": "weather?"},
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "w", "input": {}}]},
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "12 C"}]},
                ]
            },
            "weather?",
        ),
        (
            {"messages": [[lc("SystemMessage", content="S"), lc("HumanMessage", content="Chain", type="human")]]},
            "Chain",
        ),
        ({"messages": [{"type": "human", "data": {"content": "dumped"}}]}, "dumped"),
        ({"messages": [["system", "no"], ["human", "a pair"]]}, "a pair"),
        ({"contents": [{"role": "user", "parts": [{"text": "Gemini"}]}]}, "Gemini"),
        ({"messages": [{"role": "user", "parts": [{"type": "text", "content": "OTel"}]}]}, "OTel"),
        ({"prompts": ["a plain completion"]}, "a plain completion"),
        ({"question": "What is it?", "chat_history": [{"role": "user", "content": "old"}]}, "What is it?"),
        ({"input": {"messages": [{"role": "user", "content": "nested"}]}}, "nested"),
        ({"args": ["from JavaScript"]}, "from JavaScript"),
        ({"user_id": "u-83920", "ticket": "The chair arrived broken.", "retry": 3}, "The chair arrived broken."),
        ({"app_id": "app-8f7a6b5c4d", "body": "hello"}, "hello"),
        ({"type": "agent", "question": "not a message"}, "not a message"),
        ({"n": 3}, '{"n":3}'),
        ({}, None),
        (None, None),
        ("bare", "bare"),
    ],
)
def test_inputs_show_the_last_words_of_the_user(inputs: object, words: str | None) -> None:
    assert preview_inputs(inputs) == words


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ({"id": "chatcmpl-AuQ1", "choices": [{"message": {"role": "assistant", "content": "Hello."}}]}, "Hello."),
        ({"choices": [{"text": " a completion"}]}, "a completion"),
        ({"choices": [{"message": {"content": None, "refusal": "I will not."}}]}, "I will not."),
        ({"choices": [{"message": {"content": None, "tool_calls": [CALL]}}]}, 'find(who="sally", n=5)'),
        ({"output": [{"type": "reasoning", "summary": []}, responses("R")]}, "R"),
        ({"output_text": "js", "output": []}, "js"),
        ({"output": [{"type": "function_call", "name": "f", "arguments": "{}"}]}, "f()"),
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "A"}]}, "A"),
        ({"role": "assistant", "content": [{"type": "tool_use", "name": "w", "input": {"c": "Rome"}}]}, 'w(c="Rome")'),
        ({"generations": [[{"text": "generated", "message": {}}]]}, "generated"),
        ({"generations": [[{"text": "", "message": lc("AIMessage", tool_calls=[LC_CALL])}]]}, "t(a=1)"),
        ({"messages": [lc("HumanMessage", content="q"), lc("AIMessage", content="graph")]}, "graph"),
        ({"output": lc("AIMessage", content="chain")}, "chain"),
        ({"candidates": [{"content": {"role": "model", "parts": [{"text": "G"}]}}]}, "G"),
        ({"output": "42"}, "42"),
        ({"output": 42}, "42"),
        ({"output": False}, "false"),
        ({"outputs": "js"}, "js"),
        ({"answer": "yes", "documents": []}, "yes"),
        ({"documents": [{"page_content": "A page", "metadata": {}}]}, "A page"),
        ({"output": {"rows": [1, 2]}}, '{"rows":[1,2]}'),
        ({"id": "chatcmpl-AuQ12345", "n": 1}, '{"id":"chatcmpl-AuQ12345","n":1}'),
    ],
)  # fmt: skip
def test_outputs_show_the_reply(outputs: object, words: str) -> None:
    assert preview_outputs(outputs) == words


@pytest.mark.parametrize("ident", ["chatcmpl-AuQ1b2c3d4", "msg_0123456789ab", "c41afbfd-fff3-4e7f-b12d-3006cf7b1a11"])
def test_an_object_id_is_never_the_words(ident: str) -> None:
    assert preview_outputs({"output": ident, "note": "real words"}) == "real words"


def test_a_preview_is_one_clean_line_of_at_most_the_limit() -> None:
    line = preview_inputs({"question": "a\x00b\n\n c\u202ed\t" + "long words " * 5_000})
    assert line is not None
    assert line.startswith("ab cd long words")
    assert len(line) == LIMIT
    assert line.endswith("…")


def test_bold_words_lose_their_stars_and_powers_keep_theirs() -> None:
    assert preview_outputs({"output": "## **Yes**, 2**8 is **256**."}) == "Yes, 2**8 is 256."


def test_joiners_of_scripts_and_emoji_stay() -> None:
    text = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👨\u200d👩\u200d👧"
    assert preview_inputs({"question": text}) == text


def test_a_deep_value_is_cut_not_followed() -> None:
    value = msgspec.json.decode(b'{"input":' * 150 + b"1" + b"}" * 150)
    assert (preview_inputs(value) or "").startswith('{"input":')


def test_compact_json_stops_growing() -> None:
    assert len(compact({"rows": ["x" * 50] * 100_000}, 100)) <= 100


def test_a_call_with_broken_arguments_keeps_them_as_text() -> None:
    assert call_line("f", '{"half') == 'f("{\\"half")'


NAMES = (
    "messages role content type output choices message tool_calls function name arguments parts lc kwargs id data text"
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(
    SCALARS | st.sampled_from(["user", "assistant", "human", "tool_use", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES.split()) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_no_shape_of_json_raises(value: object) -> None:
    for line in (preview_inputs(value), preview_outputs(value)):
        assert line is None or (0 < len(line) <= LIMIT and "\n" not in line)
