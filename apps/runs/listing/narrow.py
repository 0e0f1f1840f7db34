"""What a list of runs is asked for, as one query: rows, counts and whatever else is said about them start here."""

from datetime import datetime

from django.utils import timezone
from django.utils.module_loading import import_string

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.models import Run, RunQuerySet, RunType, Trace


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
    threads = import_string("apps.threads.narrow.narrowed")(project, Asked(thread_filter=thread_filter))
    traces = Trace.objects.in_project(project).of_threads(threads)
    return runs.filter(trace_id__in=traces.values("trace_id"))
