"""Text to nodes: every filter that was found in the wild, and every way of getting one wrong."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runs.query.fields import FIELDS
from apps.runs.query.nodes import Check, Compare, FilterError, Op, Pair, Search
from apps.runs.query.parse import MAX_PATTERN, MAX_WORDS, OPERATORS, parse
from apps.runs.query.sentence import sentence
from apps.runs.query.syntax import MAX_CALLS, MAX_DEPTH, MAX_ITEMS, MAX_LENGTH

ROOT = Path(__file__).parents[3]
ID = "0195a6c1-7d1f-7000-8000-000000000000"

IN_THE_WILD = [
    'and(eq(run_type, "chain"), gt(latency, 10), gt(total_tokens, 5000))',
    'eq(name, "extractor")',
    'and(or(has(tags, "experimental"), has(tags, "beta")), gt(latency, 2))',
    'and(eq(thread_id, "T\\"1"), eq(is_root, true))',
    'and(not(has(metadata, \'{"foo": "bar"}\')), exists(metadata, "tenant_id"))',
    'and(eq(run_type, "llm"), gt(latency, 5))',
    'eq(status, "error")',
    'has(tags, "production")',
    'lt(start_time, "2025-01-01T00:00:00Z")',
    f'eq(trace_id, "{ID}")',
    "eq(name, 'my-project')",
    "and(eq(metadata_key,'test_run'),eq(metadata_value,'…'))",
    f'eq(id, "{ID}")',
    'exists(metadata, "baz")',
    'has("metadata", \'{"foo": "bar"}\')',
    "eq(name, 'add_negligible_value')",
    'and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "…"))',
    'gt(latency, "5s")',
    "gt(total_tokens, 5000)",
    "neq(error, null)",
    'search("image classification")',
    "eq(metadata_key, 'user_id')",
    "and(eq(metadata_key, 'conversation_id'), neq(metadata_value, '…'))",
    "and(neq(metadata_key, 'conversation_id'))",
    "and(neq(metadata_key, 'conversation_id'), eq(metadata_value, '…'))",
    "and(neq(metadata_key, 'conversation_id'), neq(metadata_value, '…'))",
    "and(eq(name, 'ChatOpenAI'), eq(metadata_key, 'conversation_id'), eq(metadata_value, '…'))",
    'and(gt(start_time, "2023-07-15T12:34:56Z"), lt(end_time, "2023-07-15T12:34:56"))',
    "eq(is_root, true)",
    'neq(status,"pending")',
    'has(metadata, \'{"runId": "…"}\')',
    'and(eq(run_type, "llm"), eq(name, "x"), eq(input_key, "messages.content"), like(input_value, "%x%"))',
    'search(inputs, "words")',
    'and(eq(feedback_key, "user_score"), eq(feedback_score, 1))',
]


@pytest.mark.parametrize("text", IN_THE_WILD)
def test_filters_found_in_the_wild_are_read(text: str) -> None:
    assert sentence(parse(f"\n\t {text} \r\n")) == sentence(parse(text)) != ""


def test_words_of_the_language_ignore_case() -> None:
    assert parse("eq(is_root, TRUE)") == parse("eq(is_root, true)")
    assert parse("eq(error, None)".replace("None", "NULL")) == parse("eq(error, null)")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"a\\"b"', 'a"b'),
        ("'a\\'b'", "a'b"),
        ("'a\"b'", 'a"b'),
        ('"\\n\\t\\\\\\/"', "\n\t\\/"),
        ('"\\u00e9\\ud83d\\ude00"', "é😀"),
        ("'C:\\dir 100\\%'", "C:\\dir 100\\%"),
        ("5", "5"),
        ("1e3", "1000"),
        ("true", "true"),
    ],
)
def test_texts_are_read_as_json_writes_them(written: str, read: str) -> None:
    assert parse(f"eq(name, {written})") == Compare("name", Check(Op.EQ, (read,)))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200))
def test_any_text_that_a_json_encoder_quotes_is_read_back(text: str) -> None:
    assert parse(f"eq(thread_id, {json.dumps(text)})") == Compare("thread_id", Check(Op.EQ, (text,)))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("5", 5),
        ("0.25", "0.25"),
        ('"5s"', 5),
        ('"500ms"', "0.5"),
        ('"1m"', 60),
        ('"1.5 h"', 5400),
        ('"2d"', 172800),
        ('"7"', 7),
    ],
)
def test_durations_are_seconds(written: str, seconds: Any) -> None:
    assert parse(f"gt(latency, {written})") == Compare("latency", Check(Op.GT, (Decimal(seconds),)))


@pytest.mark.parametrize(
    "written", ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01T12:00:00", "2026-03-01 12:00"]
)
def test_times_are_utc_unless_they_say_otherwise(written: str) -> None:
    assert parse(f'eq(start_time, "{written}")') == parse('eq(start_time, "2026-03-01T12:00:00.000000Z")')


def test_a_second_key_in_one_and_starts_a_new_pair() -> None:
    node: Any = parse(
        'and(eq(metadata_key, "a"), eq(metadata_value, "1"), eq(metadata_key, "b"), eq(metadata_value, "2"))'
    )
    assert node.parts == (
        Pair("metadata", ("a",), False, (Check(Op.EQ, ("1",)),)),
        Pair("metadata", ("b",), False, (Check(Op.EQ, ("2",)),)),
    )


def test_groups_and_negation_bind_their_own_pair() -> None:
    node: Any = parse('and(eq(metadata_key, "a"), not(eq(metadata_value, "1")), and(eq(metadata_value, "2")))')
    assert node.parts[0] == Pair("metadata", ("a",), False, ())
    assert node.parts[1].part == Pair("metadata", (), False, (Check(Op.EQ, ("1",)),))


def test_a_value_may_stand_before_its_key() -> None:
    node: Any = parse('and(eq(metadata_value, "1"), eq(name, "n"), eq(metadata_key, "a"))')
    assert node.parts[0] == Pair("metadata", ("a",), False, (Check(Op.EQ, ("1",)),))


def test_search_takes_each_word_once() -> None:
    assert parse('search(name, " a  b a ")') == Search(("a", "b"), ("name",))


def test_json_in_single_quotes_needs_no_second_escaping() -> None:
    text = json.dumps({"k": 'a "quoted" \\ word'})
    assert parse(f"has(metadata, '{text}')") == parse(f"has(metadata, {json.dumps(text)})")


WRONG = {
    "": "Expected a name, found the end (at character 1 of the filter)",
    "eq(name": "Expected “(” or “)” or “,”, found the end (at character 8 of the filter)",
    "eq(name, 'x') and": "Expected the end, found “a” (at character 15 of the filter)",
    "eq(name, 'x": "This quote is not closed, or a text is not expected here (at character 10 of the filter)",
    "equal(name, 'x')": "There is no operator equal",
    "eq(nmae, 'x')": "There is no field nmae; did you mean name? (at character 4 of the filter)",
    "eq(name)": "eq takes two arguments: eq(field, value) (at character 1 of the filter)",
    "eq(name, 'x', 'y')": "eq takes two arguments",
    "eq(name, x)": "Put x in quotes: “x” (at character 10 of the filter)",
    "eq(name, ['x'])": "Expected one value, not a list",
    "in(name, 'x')": "Expected a list such as [1, 2]",
    "in(name, [])": "The list is empty",
    "in(name, [null])": "null only goes with eq and neq",
    "in(name, [['x']])": "Expected a value here",
    "eq(5, 'x')": "Expected a field such as name or metadata_key",
    "eq(eq(name, 'x'), 'x')": "Expected a field such as name or metadata_key",
    "and()": "and takes at least one condition",
    "and(name)": 'and takes conditions such as eq(status, "error")',
    "not(eq(name, 'x'), eq(name, 'y'))": "not takes one condition",
    "gt(latency, 'soon')": "Expected seconds, or a duration such as “500ms”, “5s” or “1m”",
    "gt(latency, null)": "null only goes with eq and neq",
    "gt(total_tokens, 'many')": "Expected a number here",
    "gt(total_tokens, true)": "Expected a number here",
    "gt(start_time, 'yesterday')": "Expected a time such as",
    "eq(trace_id, 'x')": "Expected an id such as",
    "eq(is_root, 'maybe')": "Expected true or false",
    "gt(is_root, true)": "gt does not go with is_root; use eq, neq",
    "eq(is_root, null)": "is_root is never null",
    "eq(execution_order, 2)": "Only execution_order 1, the root of a trace, can be asked for",
    "eq(tags, 'x')": "eq does not go with tags; use has",
    "eq(metadata, 'x')": "eq does not go with metadata; use has, exists",
    "eq(inputs, 'x')": "eq does not go with inputs; use search(field, …), neq(field, null)",
    "has(name, 'x')": "has goes with tags and metadata, not with name",
    "has(metadata, '[1]')": "Expected a JSON object in quotes",
    "has(metadata, 'x')": "Expected a JSON object in quotes",
    "has(metadata, '{\"a\": 1e999}')": "Expected a JSON object in quotes",
    "exists(name, 'x')": "exists goes with metadata; for name use neq(name, null)",
    "exists(metadata, 5)": "Expected a text in quotes",
    "search()": "search takes one or two arguments",
    "search('')": f"search takes between 1 and {MAX_WORDS} words",
    "search(id, 'x')": "search looks in error, inputs, metadata, name, outputs, tags, not in id",
    'exists(outputs, "k")': "exists goes with metadata; for outputs use neq(outputs, null)",
    "like(name, 5)": "Expected a pattern in quotes",
    "like(latency, '5%')": "like does not go with latency",
    "gt(metadata_key, 'a')": "gt does not go with metadata_key; use eq, in, neq",
    "gt(metadata_value, true)": "Expected a number or a text here",
    "eq(metadata_value, null)": "A pair always has a value",
    "eq(total_tokens, 1e31)": "Numbers go from 1e-30 to 1e30",
    'eq(name, "\\u0000")': "\\u0000 cannot be stored",
    'eq(name, "\\ud800")': "half of a character",
    "eq(name, '\x00')": "This character cannot be stored, so no run has it (at character 11 of the filter)",
    "eq(name, '\ud800')": "This character cannot be stored",
    "true(name)": "Expected an operator such as and(…) or eq(…)",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(FilterError, match=re.escape(message)):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "eq(name, '" + "x" * MAX_LENGTH + "')",
        "not(" * MAX_DEPTH + "eq(is_root, true)" + ")" * MAX_DEPTH,
        "and(" + ", ".join(["eq(is_root, true)"] * MAX_CALLS) + ")",
        "and(" + ", ".join([f"search('{' '.join(map(str, range(MAX_WORDS)))}')"] * (MAX_CALLS // MAX_WORDS)) + ")",
        "in(total_tokens, [" + ",".join("1" for _ in range(MAX_ITEMS + 1)) + "])",
        "like(name, '" + "x" * (MAX_PATTERN + 1) + "')",
        "search('" + " ".join(str(n) for n in range(MAX_WORDS + 1)) + "')",
        "has(metadata, '" + '{"a":' * 51 + "1" + "}" * 51 + "')",
        "has(metadata, '" + '{"a":' * 1500 + "1" + "}" * 1500 + "')",
        "in(name, " + "[" * 4000 + "]" * 4000 + ")",
    ],
    ids=[
        "length",
        "depth",
        "conditions",
        "words in all",
        "list",
        "pattern",
        "words",
        "json",
        "deep json",
        "nested lists",
    ],
)
def test_each_cap_holds(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)


TOKENS = st.sampled_from(
    [
        *OPERATORS,
        *FIELDS,
        "(",
        ")",
        "[",
        "]",
        ",",
        " ",
        '"',
        "'",
        "\\",
        '"x"',
        "'{}'",
        "5",
        "-",
        "1e5",
        "null",
        "true",
        "\x00",
        "é",
        ".",
    ]
)


@settings(max_examples=500)
@given(st.one_of(st.text(max_size=60), st.lists(TOKENS, max_size=25).map("".join)))
def test_no_text_breaks_the_parser(text: str) -> None:
    position = 0
    try:
        parse(text)
    except FilterError as error:
        position = error.position
    assert 0 <= position <= len(text)


def test_the_documentation_names_every_field_and_operator() -> None:
    documentation = (ROOT / "docs" / "filter-language.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)[`(]", documentation, re.MULTILINE))
    assert rows >= set(FIELDS) | set(OPERATORS)


def test_every_example_of_the_documentation_is_read() -> None:
    documentation = (ROOT / "docs" / "filter-language.md").read_text()
    examples = re.findall(r"^    (\w+\(.*\))$", documentation, re.MULTILINE)
    assert len(examples) > 10
    for example in examples:
        parse(example)
