import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runs.query.parse import parse
from apps.runs.query.sentence import sentence
from tests.runs.query.test_compile import filters


@pytest.mark.parametrize(
    ("text", "english"),
    [
        (
            'and(eq(metadata_key, "plan"), eq(metadata_value, "enterprise"), gt(latency, "5s"))',
            "metadata plan is enterprise and latency over 5 s",
        ),
        ('gt(latency, "500ms")', "latency over 500 ms"),
        ("lte(latency, 1.5)", "latency at most 1.5 s"),
        ("gte(total_tokens, 5000)", "total tokens at least 5,000"),
        ("lt(total_cost, 0.01)", "cost under $0.01"),
        ("neq(error, null)", "has an error"),
        ("eq(end_time, null)", "has no end"),
        ("eq(is_root, true)", "is a root run"),
        ("neq(is_root, true)", "is not a root run"),
        ("eq(execution_order, 1)", "is a root run"),
        ('neq(status, "pending")', "status is not pending"),
        ('in(run_type, ["llm", "tool", "chain"])', "type is llm, tool or chain"),
        ('like(name, "Chat%")', "name starts with Chat"),
        ('like(name, "%50\\\\%%")', "name contains “50%”"),
        ('like(name, "a_c")', "name is like a_c"),
        ('gt(start_time, "2026-03-01")', "start after 2026-03-01 UTC"),
        ('lte(end_time, "2026-03-01T12:30:00Z")', "end until 2026-03-01 12:30:00 UTC"),
        ('has(tags, "beta")', "tag beta"),
        ('has(metadata, \'{"a": 1, "b": "x y"}\')', "metadata a is 1 and metadata b is “x y”"),
        ('exists(metadata, "user.id")', "metadata has user.id"),
        ('search("image classification")', "text contains image and classification"),
        ('search(name, "chat")', "text contains chat in name"),
        ('eq(metadata_key, "plan")', "metadata has plan"),
        ('neq(metadata_key, "plan")', "metadata has no plan"),
        ('in(metadata_key, ["a", "b"])', "metadata has a or b"),
        ('and(neq(metadata_key, "a"), eq(metadata_value, "x"))', "metadata has no a and another metadata value is x"),
        ('eq(metadata_value, "x")', "any metadata value is x"),
        ('and(eq(name, "a"), or(eq(name, "b"), eq(name, "c")))', "name is a and (name is b or name is c)"),
        ('or(and(eq(name, "a"), eq(name, "b")), eq(name, "c"))', "(name is a and name is b) or name is c"),
        ('not(eq(name, "a b"))', "not (name is “a b”)"),
    ],
)
def test_a_filter_reads_as_english(text: str, english: str) -> None:
    assert sentence(parse(text)) == english


@settings(max_examples=200)
@given(filters)
def test_every_filter_has_a_sentence(text: str) -> None:
    assert sentence(parse(text)).strip()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00'\\"), min_size=1))
def test_names_are_quoted_as_they_are(name: str) -> None:
    assert name in sentence(parse(f"eq(name, '{name}')"))
