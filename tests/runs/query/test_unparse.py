import pytest

from apps.runs.query.compile import to_q
from apps.runs.query.parse import parse
from apps.runs.query.sentence import sentence
from apps.runs.query.unparse import unparse
from apps.threads.filtering import THREAD_FIELDS, parse_thread_filter

FILTERS = [
    'eq(status, "error")',
    "eq(execution_order, 1)",
    "neq(is_root, true)",
    'not(gt(latency, "500ms"))',
    'in(name, ["a \\"quoted\\" name", "b\\\\", "天気"])',
    'and(eq(metadata_key, "plan"), like(metadata_value, "ent%"), neq(name, "x"))',
    'and(and(eq(metadata_key, "a"), gt(metadata_value, 3)), and(eq(metadata_key, "b"), gt(metadata_value, "3")))',
    'and(in(metadata_key, ["session_id", "thread_id"]), eq(metadata_value, "chat-42"))',
    'and(neq(input_key, "a.b"), neq(input_value, true))',
    'eq(output_value, "x")',
    'or(has(tags, "a"), has(metadata, \'{"a": {"b": [1, "\\\\""]}}\'), exists(metadata, "user.id"))',
    'and(search("two words"), search(name, "x"), eq(error, null))',
    'gte(start_time, "2026-03-01T12:00:00.123456+02:00")',
    'eq(trace_id, "0195a6c1-7d1f-7000-8000-000000000000")',
    "gt(total_cost, 0.0000000001)",
]


@pytest.mark.parametrize("text", FILTERS)
def test_what_is_written_reads_as_the_same_condition(text: str) -> None:
    node = parse(text)
    assert str(to_q(parse(unparse(node)))) == str(to_q(node))
    assert sentence(parse(unparse(node))) == sentence(node)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('and(gt(turn_count, 3), lt(duration, "5m"))', "turns over 3 and duration under 300 s"),
        ("eq(last_error, null)", "has no last error"),
        ('search("refund order")', "text contains refund and order"),
    ],
)
def test_a_filter_of_threads_reads_in_plain_words(text: str, said: str) -> None:
    node = parse_thread_filter(text)
    assert sentence(node, THREAD_FIELDS) == said
    assert parse_thread_filter(unparse(node)) == node
