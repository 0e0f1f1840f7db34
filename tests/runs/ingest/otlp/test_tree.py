"""Runs from spans: ids, parents, and trees that arrive in pieces."""

import itertools

from apps.runs.ingest.reconcile import reconcile
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
