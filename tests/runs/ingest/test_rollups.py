"""What traces, threads and projects add up to."""

from datetime import timedelta
from decimal import Decimal

import pytest

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.ingest import sql, store
from apps.runs.ingest.deliver import deliver
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Trace
from apps.threads.models import Thread
from tests.runs.ingest.wire import START, llm, patch_of, wire_run

pytestmark = pytest.mark.django_db


def test_tokens_are_those_of_the_leaf_llm_runs(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    outer = llm(root, tokens=(100, 50))
    deliver(workspace, [root, outer, llm(outer, tokens=(100, 50)), llm(root, tokens=(7, 3))])
    assert Trace.objects.get().total_tokens == 160
    assert Thread.objects.get().total_tokens == 160


def test_a_parent_that_comes_after_its_child_is_not_counted_twice(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    outer = llm(root, tokens=(100, 50))
    deliver(workspace, [root, llm(outer, tokens=(100, 50))])
    deliver(workspace, [outer])
    assert Thread.objects.get().total_tokens == 150


def test_an_outer_llm_run_counts_where_the_inner_ones_tell_nothing(workspace: Workspace) -> None:
    root = wire_run()
    outer = llm(root, tokens=(100, 50))
    deliver(workspace, [root, outer, wire_run(outer, run_type="llm")])
    assert Trace.objects.get().total_tokens == 150


def test_usage_on_a_chain_run_is_not_counted(workspace: Workspace) -> None:
    deliver(workspace, [wire_run(outputs={"usage_metadata": {"input_tokens": 5, "output_tokens": 5}})])
    assert Trace.objects.get().total_tokens == 0


def test_costs_add_up_to_the_last_digit(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    deliver(workspace, [root, *(llm(root, cost=0.1) for _ in range(3)), llm(root, cost=0.00000001)])
    assert Thread.objects.get().total_cost == Decimal("0.30000001")


def test_an_unpriced_thread_has_no_known_cost(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    deliver(workspace, [root, llm(root), llm(root)])
    thread = Thread.objects.get()
    assert (thread.llm_count, thread.unpriced_count, thread.known_cost) == (2, 2, None)


def test_a_partly_priced_thread_tells_how_many_runs_are_unpriced(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    deliver(workspace, [root, llm(root), llm(root, cost=0.5)])
    thread = Thread.objects.get()
    assert (thread.llm_count, thread.unpriced_count, thread.known_cost) == (2, 1, Decimal("0.5"))


def test_totals_are_for_whole_traces_and_coverage_is_told(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    deliver(workspace, [root, llm(root, tokens=(10, 0)), llm(root, tokens=(1, 0), thread="t")])
    thread = Thread.objects.get()
    assert (thread.run_count, thread.carried_count) == (3, 2)
    assert (thread.total_tokens, thread.carried_tokens) == (11, 1)


def test_a_trace_whose_root_has_no_thread_takes_that_of_its_earliest_run(workspace: Workspace) -> None:
    root = wire_run()
    deliver(workspace, [root, wire_run(root, at=3, thread="late"), wire_run(root, at=2, thread="early")])
    assert Trace.objects.get().thread_id == "early"


def test_the_roots_thread_wins_over_a_childs(workspace: Workspace) -> None:
    root = wire_run(thread="mine")
    child = wire_run(root, thread="subagent")
    deliver(workspace, [child])
    assert Thread.objects.get().thread_id == "subagent"
    deliver(workspace, [root])
    assert Thread.objects.get().thread_id == "mine"
    assert Thread.objects.get().carried_count == 1


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"session_id": "s", "conversation_id": "c", "thread_id": "t"}, "s"),
        ({"conversation_id": "c", "thread_id": "t"}, "c"),
        ({"session_id": None, "conversation_id": "", "thread_id": "t"}, "t"),
        ({"session_id": 42}, "42"),
        ({"other": "x"}, None),
    ],
)
def test_the_thread_id_is_the_first_of_the_three_keys(
    workspace: Workspace, metadata: dict, expected: str | None
) -> None:
    deliver(workspace, [wire_run(extra={"metadata": metadata})])
    assert Trace.objects.get().thread_id == expected


def test_very_long_thread_ids_stay_apart(workspace: Workspace) -> None:
    deliver(workspace, [wire_run(thread="x" * 3000 + end) for end in "ab"])
    assert Thread.objects.count() == 2


def test_the_same_thread_id_in_two_projects_is_two_threads(workspace: Workspace) -> None:
    deliver(workspace, [wire_run(thread="t"), wire_run(thread="t", session_name="other")])
    assert [thread.turns for thread in Thread.objects.all()] == [1, 1]


def test_first_input_and_last_output_come_from_the_first_and_last_turn(workspace: Workspace) -> None:
    turns = [
        wire_run(at=index * 10, thread="t", inputs={"question": f"q{index}"}, outputs={"answer": f"a{index}"})
        for index in (2, 0, 1)
    ]
    for turn in turns:
        deliver(workspace, [turn])
    thread = Thread.objects.get()
    assert (thread.first_input, thread.last_output) == ("q0", "a2")
    assert (thread.first_start, thread.last_start) == (START, START + timedelta(seconds=20))
    assert thread.last_activity == START + timedelta(seconds=21)


def test_percentiles_interpolate_over_ended_turns(workspace: Workspace) -> None:
    deliver(workspace, [wire_run(at=at, seconds=seconds, thread="t") for at, seconds in ((0, 1), (10, 2), (20, None))])
    thread = Thread.objects.get()
    assert thread.latency_p50 == pytest.approx(1.5)
    assert thread.latency_p99 == pytest.approx(1.99)


def test_errored_turns_and_the_last_error_follow_the_roots(workspace: Workspace) -> None:
    failing = wire_run(at=5, thread="t", error="RateLimitError: 429")
    tool_failed = wire_run(at=9, thread="t")
    deliver(workspace, [wire_run(thread="t"), failing, tool_failed, wire_run(tool_failed, error="tool broke")])
    thread = Thread.objects.get()
    assert (thread.turns, thread.errored_turns, thread.last_error) == (3, 1, "RateLimitError: 429")


def test_moving_a_turn_to_another_thread_moves_its_totals(workspace: Workspace) -> None:
    turn = wire_run(thread="old", seconds=None)
    deliver(workspace, [turn, wire_run(at=-50, thread="old"), llm(turn)])
    deliver(workspace, [], [patch_of(turn, extra={"metadata": {"session_id": "new"}})])
    threads = {thread.thread_id: (thread.turns, thread.total_tokens) for thread in Thread.objects.all()}
    assert threads == {"old": (1, 0), "new": (1, 15)}
    assert Thread.objects.get(thread_id="old").last_activity == START - timedelta(seconds=49)


def test_deleting_traces_takes_their_totals_along(workspace: Workspace) -> None:
    keep, gone = wire_run(thread="t"), wire_run(at=9, thread="t")
    lonely = wire_run(thread="lonely")
    deliver(workspace, [keep, gone, llm(gone), lonely])
    assert store.delete_traces([Trace.objects.get(trace_id=run["id"]).pk for run in (gone, lonely)]) == 3
    thread = Thread.objects.get()
    assert (thread.thread_id, thread.turns, thread.total_tokens) == ("t", 1, 0)
    assert list(reconcile()) == []


def test_project_totals_follow(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    deliver(workspace, [root, llm(root, cost=0.25), wire_run(thread="u", error="no")])
    project = Project.objects.for_list().get(name="app")
    assert (project.thread_count, project.trace_count, project.run_count, project.error_count) == (2, 2, 3, 1)
    assert (project.total_tokens, project.total_cost) == (15, Decimal("0.25"))
    assert project.last_activity == START + timedelta(seconds=1)


def test_long_threads_get_their_percentiles_from_the_worker(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "EXACT_TURNS", 2)
    later: list = []
    monkeypatch.setattr("apps.runs.ingest.rollup._refresh_later", later.extend)
    monkeypatch.setattr("django.db.transaction.on_commit", lambda call: call())
    for at, seconds in ((0, 1), (10, 2), (20, 9)):
        deliver(workspace, [wire_run(at=at, seconds=seconds, thread="t")])
    thread = Thread.objects.get()
    assert thread.latency_p50 == pytest.approx(1.5)
    assert thread.turns == 3
    assert later == [thread.pk]


def test_the_first_token_of_a_trace_is_that_of_its_llm_runs(workspace: Workspace) -> None:
    root = wire_run(thread="t")
    events = [
        {"name": "start", "time": "2026-03-01T12:00:00Z"},
        {"name": "new_token", "time": "2026-03-01T12:00:00.25Z"},
    ]
    deliver(workspace, [root, llm(root, events=events)])
    assert Trace.objects.get().first_token_time == START + timedelta(seconds=0.25)
