"""Runs from spans: ids, parents, and trees that arrive in pieces."""

import itertools
from typing import Any

import pytest

from apps.runs.ingest import rehome
from apps.runs.ingest.reconcile import reconcile
from apps.runs.ingest.rehome import find
from apps.runs.models import Run, Trace
from apps.threads.models import Thread
from tests.runs.ingest.otlp.conftest import Export
from tests.runs.ingest.otlp.wire import run_id, span


def test_run_id_is_the_span_id_right_aligned(export: Export) -> None:
    export(span(0xABCDEF))
    assert str(Run.objects.get().id) == "00000000-0000-0000-0000-000000abcdef"


def test_children_sent_before_their_parents_become_one_tree(export: Export) -> None:
    export(span(3, 2, at=2), span(2, 1, at=1), span(1))
    runs = Run.objects.in_trace(run_id(1))
    assert [(run.id.int, run.parent_run_id and run.parent_run_id.int) for run in runs] == [(1, None), (2, 1), (3, 2)]
    assert not any(run.provisional for run in runs)


def test_any_order_over_several_requests_gives_the_same_tree(export: Export) -> None:
    spans = {1: span(1), 2: span(2, 1, at=1), 3: span(3, 2, at=2), 4: span(4, 1, at=3)}
    expected = None
    for order in itertools.permutations(spans):
        Run.objects.all().delete()
        Trace.objects.all().delete()
        for number in order:
            export(spans[number])
        found = list(Run.objects.in_trace(run_id(1)).values_list("id", "parent_run_id", "dotted_order", "provisional"))
        expected = expected or found
        assert found == expected, order
    assert len(expected or []) == 4


def test_pieces_of_a_conversation_leave_no_drift(export: Export) -> None:
    chat = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5}
    for turn in range(3):
        base, trace = 10 * turn, 0xA0 + turn
        export(span(base + 3, base + 2, trace=trace, at=base + 2, attributes=chat))
        export(span(base + 2, base + 1, trace=trace, at=base + 1))
        export(span(base + 1, trace=trace, at=base, attributes={"session.id": "T"}))
    thread = Thread.objects.get()
    assert (thread.thread_id, thread.turns, thread.total_tokens) == ("T", 3, 45)
    assert list(reconcile()) == []


def test_a_parent_and_a_child_that_came_at_the_same_moment_find_each_other(
    export: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As two connections do: neither saw the other's rows before its own commit."""
    export(span(2, 1, at=1))
    blind = iter([True])
    monkeypatch.setattr(rehome, "find", lambda *told: {} if next(blind, False) else find(*told))
    export(span(1))
    assert [run.id for run in Run.objects.in_trace(run_id(1))] == [run_id(1), run_id(2)]
    assert list(reconcile()) == []


def test_a_span_whose_parent_never_comes_stands_as_a_turn(export: Export) -> None:
    """A service whose caller is traced elsewhere."""
    attributes = {"session.id": "T", "input.value": "What is tea?", "output.value": "A leaf."}
    export(span(2, 1, attributes=attributes), span(3, 2))
    thread = Thread.objects.get()
    assert (thread.turns, thread.run_count) == (1, 2)
    assert (thread.first_input, thread.last_output) == ("What is tea?", "A leaf.")


def test_a_root_that_comes_last_takes_its_place_as_the_turn(export: Export) -> None:
    export(span(2, 1, at=1, attributes={"session.id": "T", "input.value": "inner"}))
    export(span(1, attributes={"session.id": "T", "input.value": "outer"}))
    thread = Thread.objects.get()
    assert (thread.turns, thread.run_count, thread.first_input) == (1, 2, "outer")


def test_spans_of_one_trace_may_go_to_several_projects(export: Export) -> None:
    export(span(2, 1, at=1, attributes={"langsmith.trace.session_name": "search"}))
    export(span(1, attributes={"langsmith.trace.session_name": "app"}))
    runs = Run.objects.in_trace(run_id(1)).select_related("project")
    assert [(run.id, run.project.name) for run in runs] == [(run_id(1), "app"), (run_id(2), "search")]
    assert list(reconcile()) == []


def test_moving_twice_keeps_what_a_span_told(export: Export) -> None:
    """Metadata, tokens and thread id go along when the parent comes, and again when the parent's parent comes."""
    usage = {
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.usage.cache_read.input_tokens": 4,
    }
    told = {"gen_ai.operation.name": "chat", "session.id": "T", "input.value": "Hi", "langsmith.span.tags": "a"} | usage
    export(span(3, 2, at=2, attributes=told, error="no", events=[("cache miss", {})]))
    before = moved(Run.objects.get())
    export(span(2, 1, at=1))
    export(span(1))
    assert moved(Run.objects.get(id=run_id(3))) == before
    assert Thread.objects.get().total_tokens == 15


def moved(run: Run) -> dict[str, Any]:
    """All columns but the place in the tree."""
    place = ("trace_id", "dotted_order", "provisional", "project_id")
    return {
        field.name: getattr(run, field.attname) for field in Run._meta.concrete_fields if field.attname not in place
    }
