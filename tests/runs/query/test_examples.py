"""The filters that SDKs, their documentation and their users write, each with a run that it must find and one that it must not."""

import uuid
from datetime import timedelta
from typing import Any, Final

import pytest

from apps.accounts.models import Workspace
from apps.feedback import services
from apps.feedback.draft import Draft
from apps.runs.models import Run
from apps.runs.query.parse import parse
from tests.factories import EPOCH
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

ONE, OTHER = "0195a6c1-7d1f-7000-8000-000000000001", "0195a6c1-7d1f-7000-8000-000000000002"
LATER = EPOCH + timedelta(days=1)
THREAD_KEYS = '["session_id","conversation_id","thread_id"]'


def metadata(**values: Any) -> dict[str, Any]:
    return {"metadata": values}


def spent(tokens: int) -> dict[str, Any]:
    return {"outputs": {"usage_metadata": {"input_tokens": 0, "output_tokens": tokens}}}


def scored(key: str, score: float) -> dict[str, Any]:
    return {"feedback": (key, score)}


# (filter, fields of the run that it finds, fields of the one that it does not). Of wire.run, but for feedback.
FOUND: Final[list[tuple[str, dict[str, Any], dict[str, Any]]]] = [
    ('and(eq(run_type, "llm"), gt(latency, 10), gt(total_tokens, 5000))',
     {"run_type": "llm", "seconds": 11, **spent(5001)}, {"run_type": "llm", "seconds": 11, **spent(5000)}),
    ('eq(name, "extractor")', {"name": "extractor"}, {"name": "Extractor"}),
    ('and(gt(start_time, "2026-03-01T12:00:00Z"), or(neq(error, null), and(eq(feedback_key, "Correctness"), eq(feedback_score, 0.0))))',
     {"start": LATER, **scored("Correctness", 0)}, {"start": LATER, **scored("Correctness", 1)}),
    ('and(or(has(tags, "experimental"), has(tags, "beta")), gt(latency, 2))',
     {"tags": ["beta", "x"], "seconds": 3}, {"tags": ["betas"], "seconds": 3}),
    ('and(eq(thread_id, "T\\"1"), eq(is_root, true))', {"thread_id": 'T"1'}, {"thread_id": "T1"}),
    ('and(not(has(metadata, \'{"foo": "bar"}\')), exists(metadata, "tenant_id"))',
     metadata(tenant_id=1), metadata(tenant_id=1, foo="bar")),
    ('and(eq(run_type, "llm"), gt(latency, 5))', {"run_type": "llm", "seconds": 6}, {"run_type": "llm", "seconds": 5}),
    ('eq(status, "error")', {"error": "boom"}, {}),
    ('eq(status, "success")', {}, {"seconds": None}),
    ('has(tags, "production")', {"tags": ["production"]}, {"tags": ["prod"]}),
    ('lt(start_time, "2026-03-02T00:00:00Z")', {}, {"start": LATER}),
    (f'eq(trace_id, "{ONE}")', {"id": ONE}, {"id": OTHER}),
    (f'eq(id, "{ONE}")', {"id": ONE}, {"id": OTHER}),
    ("and(eq(metadata_key,'test_run'),eq(metadata_value,'1'))", metadata(test_run="1"), metadata(test_run="2", other="1")),
    ('exists(metadata, "baz")', metadata(baz=0), metadata(baz=None)),
    ('has("metadata", \'{"foo": "bar"}\')', metadata(foo="bar", more=1), metadata(foo=["bar"])),
    (f'and(in(metadata_key, {THREAD_KEYS}), eq(metadata_value, "c"))', metadata(conversation_id="c"), metadata(user="c")),
    ('and(eq(feedback_key, "star_rating"), gt(feedback_score, 4))', scored("star_rating", 5), scored("star_rating", 4)),
    ('gt(latency, "5s")', {"seconds": 5.5}, {"seconds": 5}),
    ('gt(latency, "500ms")', {"seconds": 0.6}, {"seconds": None}),
    ("gt(total_tokens, 5000)", {"run_type": "llm", **spent(6000)}, {"run_type": "chain", **spent(6000)}),
    ("neq(error, null)", {"error": "boom"}, {}),
    ('gt(start_time, "2026-03-01T23:00:00Z")', {"start": LATER}, {}),
    ('search("substring")', {"inputs": {"q": "a Substrings b"}}, {"inputs": {"q": "sub string"}}),
    ('search("image classification")', {"name": "image", "error": "of classification"}, {"name": "image"}),
    ('search(outputs, "refund")', {"outputs": {"a": "your refund"}}, {"inputs": {"a": "your refund"}}),
    ("eq(metadata_key, 'user_id')", metadata(user_id=""), metadata(user="user_id")),
    # The table of pairs.
    ('and(eq(metadata_key, "k"), in(metadata_value, ["a", "b"]))', metadata(k="b"), metadata(k="c", l="a")),
    ('and(eq(metadata_key, "k"), like(metadata_value, "a%"))', metadata(k="abc"), metadata(k="bac", l="abc")),
    ("and(eq(metadata_key, 'k'), neq(metadata_value, 'v'))", metadata(k="w"), metadata(k="v", l="w")),
    ("and(eq(metadata_key, 'k'), neq(metadata_value, 'v'))", metadata(k="w"), metadata(l="w")),
    ("and(neq(metadata_key, 'k'))", metadata(l=1), metadata(k=1, l=1)),
    ("and(neq(metadata_key, 'k'), eq(metadata_value, 'v'))", metadata(l="v"), metadata(k="w", l="v")),
    ("and(neq(metadata_key, 'k'), eq(metadata_value, 'v'))", metadata(l="v"), metadata(l="w")),
    ("and(neq(metadata_key, 'k'), neq(metadata_value, 'v'))", metadata(l="w"), metadata(l="v")),
    ("and(and(eq(metadata_key, 'k'), eq(metadata_value, 'v')), and(eq(metadata_key, 'l'), eq(metadata_value, 'w')))",
     metadata(k="v", l="w"), metadata(k="w", l="v")),
    ("and(eq(metadata_key, 'k'), eq(metadata_value, 'v'), eq(metadata_key, 'l'), eq(metadata_value, 'w'))",
     metadata(k="v", l="w"), metadata(k="w", l="v")),
    ("or(and(eq(metadata_key, 'k'), eq(metadata_value, 'v')), eq(name, 'n'))", metadata(k="v"), metadata(l="v")),
    ("and(eq(metadata_key, 'k'), not(eq(metadata_value, 'v')))", metadata(k="w"), metadata(k="v")),
    ("and(eq(metadata_key, 'a.b'), eq(metadata_value, 3))", metadata(a={"b": 3}), metadata(a=3, b=3)),
    ("and(eq(metadata_key, 'a.b'), eq(metadata_value, '3'))", metadata(a=[{"b": 1}, {"b": 3}]), metadata(a=[{"c": 3}])),
    ("and(eq(metadata_key, 'k'), eq(metadata_value, true))", metadata(k=True), metadata(k=1)),
    ("and(eq(metadata_key, 'k'), gt(metadata_value, 9))", metadata(k=10), metadata(k="10")),
    ("and(eq(name, 'ChatOpenAI'), eq(metadata_key, 'k'), eq(metadata_value, 'v'))",
     {"name": "ChatOpenAI", **metadata(k="v")}, metadata(k="v")),
    # Pairs of inputs and outputs.
    ('and(eq(run_type, "llm"), eq(input_key, "messages.content"), like(input_value, "%hello%"))',
     {"run_type": "llm", "inputs": {"messages": [{"role": "user", "content": "say hello now"}]}},
     {"run_type": "llm", "inputs": {"messages": [{"role": "hello", "content": "say"}]}}),
    ('and(eq(input_key, "messages.kwargs.content"), eq(input_value, "hi"))',
     {"inputs": {"messages": [[{"lc": 1, "kwargs": {"content": "hi"}}]]}}, {"inputs": {"messages": [[{"content": "hi"}]]}}),
    ('and(eq(input_key, "n"), eq(input_value, 3))', {"inputs": {"n": 3}}, {"inputs": {"n": 4, "m": 3}}),
    ('and(eq(input_key, "n"), eq(input_value, "3"))', {"inputs": {"n": 3}}, {"inputs": {"n": None}}),
    ('and(eq(output_key, "ok"), eq(output_value, false))', {"outputs": {"ok": False}}, {"outputs": {"ok": True}}),
    ('and(eq(output_key, "tags"), eq(output_value, "b"))', {"outputs": {"tags": ["a", "b"]}}, {"outputs": {"tags": ["ab"]}}),
    ('eq(output_key, "a")', {"outputs": {"a": 0}}, {"outputs": {"a": None, "b": 0}}),
    ('neq(output_key, "a")', {"outputs": {"a": None, "b": 0}}, {"outputs": {"a": ""}}),
    ('and(gt(start_time, "2026-03-01T00:00:00Z"), lt(end_time, "2026-03-01T12:00:02"))', {"seconds": 1}, {"seconds": 2}),
    ("eq(is_root, true)", {}, {"below": True}),
    ('neq(status,"pending")', {}, {"seconds": None}),
    ('has(metadata, \'{"runId": "x"}\')', metadata(runId="x"), metadata(runid="x")),
]  # fmt: skip


def sent(workspace: Workspace, fields: dict[str, Any]) -> str:
    """The id of a run with these fields; of the child of one where it is to stand below."""
    given = dict(fields)
    feedback, below = given.pop("feedback", None), given.pop("below", False)
    parent = run("parent") if below else None
    one = run(parent=parent, **given)
    send(workspace, *([parent] if parent else []), one)
    if feedback:
        services.record(workspace, Draft(key=feedback[0], score=feedback[1], run_id=uuid.UUID(one["id"])))
    return str(one["id"])


@pytest.mark.parametrize(("text", "match", "other"), FOUND)
def test_a_filter_finds_what_it_asks_for_and_nothing_else(
    workspace: Workspace, text: str, match: dict[str, Any], other: dict[str, Any]
) -> None:
    wanted, left = sent(workspace, match), sent(workspace, other)
    found = {str(one.id) for one in Run.objects.in_workspace(workspace).matching(parse(text))}
    assert wanted in found
    assert left not in found


def test_the_tokens_of_a_chain_are_those_of_its_trace_as_the_answer_shows_them(workspace: Workspace) -> None:
    """and(eq(run_type, "chain"), gt(latency, 10), gt(total_tokens, 5000)): the first example of the SDK's own documentation."""
    for tokens in (5001, 5000):
        root = run(seconds=11)
        send(workspace, root, run("model", parent=root, run_type="llm", seconds=11, **spent(tokens)))
    text = 'and(eq(run_type, "chain"), gt(latency, 10), gt(total_tokens, 5000))'
    assert Run.objects.in_workspace(workspace).matching(parse(text)).count() == 1
    assert Run.objects.in_workspace(workspace).matching(parse(f"not({text})")).count() == 3


def test_the_three_filters_of_the_documentation_go_together(workspace: Workspace) -> None:
    """filter of a run, trace_filter of its root, tree_filter of any run of its trace."""
    ids = []
    for score, step in ((1, "ExpandQuery"), (0, "ExpandQuery"), (1, "Other")):
        root = run()
        docs = run("RetrieveDocs", parent=root)
        send(workspace, root, docs, run(step, parent=root))
        services.record(workspace, Draft(key="user_score", score=score, run_id=uuid.UUID(root["id"])))
        ids.append(docs["id"])
    within = Run.objects.in_workspace(workspace)
    found = within.matching(parse('eq(name, "RetrieveDocs")'))
    found = found.matching_trace(parse('and(eq(feedback_key, "user_score"), eq(feedback_score, 1))'), within)
    found = found.matching_tree(parse('eq(name, "ExpandQuery")'), within)
    assert [str(one.id) for one in found] == [ids[0]]
