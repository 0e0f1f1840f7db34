"""What the Threads tab is asked for, as one query: rows, counts, statistics, facets, exports and bulk actions all start here."""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.models import Run, RunQuerySet, Trace
from apps.runs.query.nodes import Node
from apps.threads.models import Thread, ThreadQuerySet


def narrowed(project: Project, asked: Asked, now: datetime | None = None) -> ThreadQuerySet:
    """The threads that pass all that is asked for; none where a part of it cannot be read.

    Each condition on runs is met by one run of the thread at least, be it another run for each. A thread is in a time range when any of
    it is: it began before the end of the range and was active at its start or later.
    """
    threads = Thread.objects.in_project(project)
    if asked.problems:
        return threads.none()
    threads = threads.overlapping(*asked.period(now or timezone.now()))
    if condition := asked.nodes.get("thread_filter"):
        threads = threads.matching(condition, project)
    runs = Run.objects.in_project(project)
    scopes = {"filter": runs, "trace_filter": runs.roots(), "tree_filter": runs, "q": runs}
    wanted = [(node, scopes[name]) for name, node in asked.nodes.items() if name in scopes]
    return having_runs(threads, project, wanted)


def latest_of(project: Project, asked: Asked, most: int) -> tuple[ThreadQuerySet, bool]:
    """So many of the threads asked for, those of the latest activity, and whether there are more. All of them where nothing is asked: their
    own rows tell at once."""
    threads = narrowed(project, asked)
    return threads.latest_by_key(most) if asked.is_narrow else (threads, False)


def having_runs(
    threads: ThreadQuerySet, project: Project, conditions: Iterable[tuple[Node, RunQuerySet]]
) -> ThreadQuerySet:
    """Those of the threads that have, for each condition, a run among the given ones that meets it."""
    for node, runs in conditions:
        threads = threads.of_traces(Trace.objects.in_project(project).of_runs(runs.matching(node)))
    return threads
