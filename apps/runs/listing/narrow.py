"""What a list of runs is asked for, as one query: rows, counts and whatever else is said about them start here."""

from datetime import datetime
from typing import Final

from django.db.models import BooleanField, Case, F, OuterRef, Subquery, Value, When
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.models import Run, RunQuerySet, RunType, Trace
from apps.runs.query.compile import Among

FEW_THREADS: Final = 2_000
"""Up to so many, their runs are looked up; the runs of more are met soon when one goes back in time."""


def narrowed_runs(project: Project, asked: Asked, now: datetime | None = None) -> RunQuerySet:
    """The runs that pass all that is asked for, and started in the time range; none where a part of it cannot be read."""
    within = Run.objects.in_project(project)
    if asked.problems:
        return within.none()
    runs = _shown(_started(within, *asked.period(now or timezone.now())), asked.show)
    for name in ("filter", "q"):
        if node := asked.nodes.get(name):
            runs = runs.matching(node)
    if node := asked.nodes.get("trace_filter"):
        runs = runs.matching_trace(node, within)
    if node := asked.nodes.get("tree_filter"):
        runs = runs.matching_tree(node, within)
    return _in_threads(runs, project, asked.thread_filter)


def _started(runs: RunQuerySet, start: datetime | None, end: datetime | None) -> RunQuerySet:
    bounds = {"start_time__gte": start, "start_time__lt": end}
    return runs.filter(**{bound: moment for bound, moment in bounds.items() if moment is not None})


def _shown(runs: RunQuerySet, show: str) -> RunQuerySet:
    """The preset: traces, llm or all."""
    if show == "llm":
        return runs.filter(run_type=RunType.LLM)
    return runs if show == "all" else runs.roots()


def _in_threads(runs: RunQuerySet, project: Project, thread_filter: str) -> RunQuerySet:
    if not thread_filter:
        return runs
    # By name: runs may not import threads.
    threads = import_string("apps.threads.narrow.narrowed")(project, Asked(thread_filter=thread_filter)).order_by()
    ids = threads.values_list("thread_id", flat=True)
    some = list(ids[: FEW_THREADS + 1])
    if len(some) <= FEW_THREADS:
        traces = Trace.objects.in_project(project).filter(Among(F("thread_id"), Value(some)))
        return runs.filter(trace_id__in=traces.values("trace_id"))
    of_trace = Trace.objects.filter(trace_id=OuterRef("trace_id")).values("thread_id")
    # A condition that PostgreSQL cannot make a join of: it would join all runs before it sorts them.
    among = Case(When(of_thread__in=ids, then=True), default=False, output_field=BooleanField())
    return runs.alias(of_thread=Subquery(of_trace)).filter(among)
