from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from apps.runs.models import Run, Trace
from apps.runs.tree import MAX_DEPTH, SCALE, Branch, grow
from tests.factories import EPOCH, ProjectFactory, RunFactory, TraceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> Run:
    return RunFactory.create(name="root", start_time=EPOCH, end_time=EPOCH + timedelta(seconds=10))


def child(parent: Run, name: str, begin: float, end: float | None, **fields: object) -> Run:
    stop = None if end is None else EPOCH + timedelta(seconds=end)
    return RunFactory.create(
        parent=parent, name=name, start_time=EPOCH + timedelta(seconds=begin), end_time=stop, **fields
    )


def branch(root: Run) -> Branch:
    trace = Trace(trace_id=root.trace_id, project=root.project, run_count=Run.objects.in_trace(root.trace_id).count())
    return grow([trace], list(Run.objects.in_trace(root.trace_id).light()))[0]


def test_children_stand_below_their_parent_in_order_of_start(root: Run) -> None:
    second = child(root, "second", 3, 4)
    first = child(root, "first", 1, 2)
    child(second, "inner", 3, 4)
    child(first, "inner of first", 1, 2)
    assert [(row.run.name, row.depth) for row in branch(root).rows] == [
        ("root", 0),
        ("first", 1),
        ("inner of first", 2),
        ("second", 1),
        ("inner", 2),
    ]


def test_bars_show_when_and_how_long(root: Run) -> None:
    child(root, "second half", 5, 10)
    rows = branch(root).rows
    assert (rows[0].bar_x, rows[0].bar_width) == (0, SCALE)
    assert (rows[1].bar_x, rows[1].bar_width) == (SCALE // 2, SCALE // 2)


@pytest.mark.parametrize(("begin", "end"), [(10, 10), (9.999, 12), (2, 1), (0, 100), (0, 0)])
def test_a_bar_never_leaves_its_place(root: Run, begin: float, end: float) -> None:
    child(root, "odd", begin, end)
    for row in branch(root).rows:
        assert row.bar_x >= 0
        assert row.bar_width > 0
        assert row.bar_x + row.bar_width <= SCALE


def test_a_run_that_goes_on_lasts_until_now() -> None:
    root = RunFactory.create(start_time=timezone.now() - timedelta(seconds=100), end_time=None)
    RunFactory.create(parent=root, start_time=timezone.now() - timedelta(seconds=50), end_time=None)
    assert 480 <= branch(root).rows[1].bar_x <= 520


def test_parents_that_never_arrived_or_form_a_loop_do_no_harm(root: Run) -> None:
    lost = RunFactory.build(parent=root)
    one = RunFactory.create(project=root.project, trace_id=root.trace_id, parent_run_id=lost.id,
                            dotted_order=f"{lost.dotted_order}.x")  # fmt: skip
    Run.objects.with_id(root.id).update(parent_run_id=one.id)
    assert [row.depth for row in branch(root).rows] == [0, 2]


def test_very_deep_runs_are_indented_no_further(root: Run) -> None:
    parent = root
    for at in range(MAX_DEPTH + 5):
        parent = child(parent, str(at), at * 0.1, 5)
    assert max(row.depth for row in branch(root).rows) == MAX_DEPTH


def test_runs_that_are_not_listed_are_counted(root: Run) -> None:
    trace = TraceFactory.build(root=root, run_count=12)
    assert grow([trace], [root])[0].hidden == 11


def test_turns_are_numbered_from_the_window_on() -> None:
    project = ProjectFactory.create()
    traces = [TraceFactory.create(root__project=project) for _ in range(3)]
    assert [one.number for one in grow(traces, [], 31)] == [31, 32, 33]


def test_a_trace_without_runs_is_an_empty_branch(root: Run) -> None:
    assert grow([TraceFactory.build(root=root)], [])[0].rows == []


def test_latency_is_unknown_while_a_run_goes_on(root: Run) -> None:
    child(root, "running", 1, None)
    assert [row.latency for row in branch(root).rows] == [timedelta(seconds=10), None]


def test_a_moment_has_no_width() -> None:
    at: datetime = EPOCH
    root = RunFactory.create(start_time=at, end_time=at)
    row = branch(root).rows[0]
    assert (row.bar_x, row.bar_width) == (0, SCALE)
