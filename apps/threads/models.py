"""One rollup row a thread: the Threads tab is an index scan of this table, so its cost does not grow with the number of runs."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, Self

from django.db import connection, models
from django.db.models import FETCH_RAISE, F, Sum, Value
from django.utils import timezone

from apps.common.sql import Statement, Written, columns_of
from apps.projects.models import Project
from apps.runs.columns import unenforced
from apps.runs.models import Totals, Trace, TraceQuerySet, thread_uuid
from apps.runs.query.compile import Among
from apps.runs.query.nodes import Node
from apps.threads.filtering import to_thread_q

IDLE: Final = timedelta(minutes=5)
"""A pause from which on a conversation rests: it is told between two turns, and after the last one."""


class ThreadQuerySet(models.QuerySet["Thread"]):
    def in_project(self, project: Project) -> Self:
        return self.filter(project=project)

    def for_table(self) -> Self:
        """Most recent activity first: what the index thread_latest holds."""
        return self.order_by("-last_activity", "-id").fetch_mode(FETCH_RAISE)

    def matching(self, condition: Node, project: Project) -> Self:
        """A condition on whole threads of the project, from parse_thread_filter."""
        return self.filter(to_thread_q(condition, project))

    def of_traces(self, traces: TraceQuerySet) -> Self:
        """The threads that some of the traces belong to. In one project, or their ids would be mistaken for one another."""
        return self.filter(thread_id__in=traces.in_some_thread().values("thread_id"))

    def started(self, since: datetime, before: datetime | None) -> Self:
        """Perhaps with a turn between the two; certainly where before is None."""
        return self.filter(last_start__gte=since, **({} if before is None else {"first_start__lt": before}))

    def overlapping(self, since: datetime | None, until: datetime | None) -> Self:
        """Active at since or later, and begun before until; None is open."""
        bounds = {"last_activity__gte": since, "first_start__lt": until}
        return self.filter(**{bound: moment for bound, moment in bounds.items() if moment is not None})

    def latest_by_key(self, most: int) -> "tuple[ThreadQuerySet, bool]":
        """So many of the threads by their keys, those of the latest activity, and whether there are more. Read now: for several questions
        about what a dear condition finds."""
        keys = list(self.order_by("-last_activity", "-id").values_list("pk", flat=True)[: most + 1])
        return self.model.objects.filter(Among(F("pk"), Value(keys[:most]))), len(keys) > most

    def among(self, keys: Iterable[uuid.UUID]) -> Self:
        return self.filter(pk__in=list(keys))

    def keys(self) -> "models.QuerySet[Thread, uuid.UUID]":
        return self.order_by("pk").values_list("pk", flat=True)

    def ids_of(self, keys: Iterable[uuid.UUID]) -> list[str]:
        return list(self.among(keys).order_by("pk").values_list("thread_id", flat=True))

    def turn_count(self) -> int:
        return int(self.aggregate(all_turns=Sum("turns", default=0))["all_turns"])

    def active_since(self, moment: datetime) -> Self:
        return self.filter(last_activity__gt=moment)

    def beside(self, thread: "Thread", most: int) -> tuple[str | None, str | None, int, int]:
        """The ids of the threads above and below in the table: the one active next, and the one active before. And how many are above,
        counted up to most, and in the project."""
        at = [thread.project_id, thread.last_activity, thread.pk]
        with connection.cursor() as cursor:
            cursor.execute(_BESIDE, [*at, *at, *at, most, thread.project_id])
            above, below, before, total = cursor.fetchone()
        return above, below, before, total


# Each is one step along thread_latest; written as a row comparison, because the planner starts there only for one.
_BESIDE = """
SELECT (SELECT thread_id FROM threads_thread WHERE project_id = %s AND (last_activity, id) > (%s, %s)
        ORDER BY last_activity, id LIMIT 1),
       (SELECT thread_id FROM threads_thread WHERE project_id = %s AND (last_activity, id) < (%s, %s)
        ORDER BY last_activity DESC, id DESC LIMIT 1),
       (SELECT count(*) FROM (SELECT FROM threads_thread WHERE project_id = %s AND (last_activity, id) > (%s, %s) LIMIT %s) AS before),
       (SELECT coalesce(sum(threads), 0)::bigint FROM projects_projecttally WHERE project_id = %s)
"""


class Thread(Totals):
    """Written by apps.runs.ingest only. Sums are over whole traces.

    latency_p50 and latency_p99 are seconds, percentile_cont over the ended root runs.
    """

    first_start = models.DateTimeField(null=True)
    last_start = models.DateTimeField(null=True)
    last_activity = models.DateTimeField(null=True)
    latency_p50 = models.FloatField(null=True)
    latency_p99 = models.FloatField(null=True)
    turns = models.IntegerField(default=0)
    errored_turns = models.IntegerField(default=0)
    id = models.UUIDField(primary_key=True, editable=False)
    project = unenforced(Project, "threads")
    thread_id = models.TextField()
    first_trace_id = models.UUIDField(null=True)
    last_trace_id = models.UUIDField(null=True)
    first_input = models.TextField(null=True)
    last_output = models.TextField(null=True)
    last_error = models.TextField(null=True)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(F("project"), F("last_activity").desc(), F("id").desc(), name="thread_latest")]

    def __str__(self) -> str:
        return self.thread_id

    def turns_from(self, number: int, count: int) -> list[Trace]:
        """So many of its turns, the first of which has that number, counted from 1."""
        return _TURNS.rows(self.project_id, self.thread_id, count, number - 1)

    @property
    def duration(self) -> timedelta | None:
        """From the first start to the last activity, pauses included."""
        return self.last_activity - self.first_start if self.last_activity and self.first_start else None

    @property
    def idle_for(self) -> timedelta | None:
        """Since when nothing happens; None while it is active."""
        idle = timezone.now() - self.last_activity if self.last_activity else None
        return idle if idle and idle >= IDLE else None


_TURNS: Final = Statement(
    Trace,
    columns_of(Trace),
    f"""
SELECT {", ".join(columns_of(Trace))} FROM runs_trace WHERE project_id = %s AND thread_id = %s
ORDER BY start_time, trace_id LIMIT %s OFFSET %s
""",
)
_ONE: Final = Written(
    lambda project, key: Thread.objects.in_project(Project(project)).among([key]), uuid.uuid4(), uuid.uuid4()
)


def thread_with_id(project: Project, thread_id: str) -> Thread | None:
    for thread in _ONE(project.pk, thread_uuid(project.pk, thread_id)):
        thread.project = project
        return thread
    return None


# Django finds the models of an app through this module.
from apps.threads import shared, tagging, view_paths  # noqa: E402, F401
