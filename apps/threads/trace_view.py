"""The trees of a window of turns as one tree, and the run picked in it."""

import uuid
from collections.abc import Sequence

from django.db.models import FETCH_RAISE, F, Window
from django.db.models.functions import RowNumber

from apps.runs.models import Run, RunQuerySet, Trace
from apps.runs.place import Place
from apps.runs.show import RunView
from apps.runs.shown import in_tree, of_thread
from apps.runs.tree import MAX_ROWS, Marks, Tree, grow
from apps.runs.tree_filter import Sought
from apps.threads.models import Thread

LEAST_ROWS = 10
"""Runs of each turn that are listed where all turns together have more than MAX_ROWS."""


def tree_of(thread: Thread, traces: Sequence[Trace], first: int, place: Place) -> Tree:
    """`first` is the number of the first of the traces, which are turns of the thread."""
    sought = Sought.of(place.words, only=place.only)
    ids = [trace.trace_id for trace in traces]
    within = Run.objects.in_project(thread.project).fetch_mode(FETCH_RAISE).in_traces(ids)
    if sought.only or sum(trace.run_count for trace in traces) > MAX_ROWS:
        rows = list(_bounded(sought.narrowed(within), traces, sought).for_tree())
    else:
        rows = in_tree(thread.project, ids, MAX_ROWS)
    branches = grow(traces, rows, first, Marks(place.to_run, sought.hits_among(within)))
    return Tree(place, sought, branches)


def _bounded(runs: RunQuerySet, traces: Sequence[Trace], sought: Sought) -> RunQuerySet:
    """Of a window with too many runs the same number of each turn, so that every turn is there."""
    if sought.only:
        return runs[:MAX_ROWS]
    share = max(LEAST_ROWS, MAX_ROWS // len(traces))
    place = Window(RowNumber(), partition_by="trace_id", order_by=[F("dotted_order"), F("id")])
    kept = runs.annotate(place=place).filter(place__lte=share).values_list("trace_id", "id")
    keys = list(kept[:MAX_ROWS])
    return runs.filter(id__in=[run_id for _, run_id in keys])


def picked(thread: Thread, tree: Tree, number: int) -> RunView | None:
    """The run that ?run= names, else the first one of the turn with that number."""
    first = next((row.run.id for branch in tree.branches if branch.number == number for row in branch.rows), None)
    return run_of(thread, tree.place.asked.get("run") or first, tree.place)


def run_of(thread: Thread, run_id: uuid.UUID | str | None, place: Place) -> RunView | None:
    """None for what is no run of the thread."""
    found = as_uuid(run_id) if isinstance(run_id, str) else run_id
    run = of_thread(thread.project, thread.thread_id, found) if found else None
    return RunView(run, place) if run else None


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
