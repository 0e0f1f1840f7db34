"""One rollup row a thread: the Threads tab is an index scan of this table, so its cost does not grow with the number of runs."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import FETCH_RAISE, F, Q

from apps.projects.models import Project
from apps.runs.models import Totals, unenforced


class ThreadQuerySet(models.QuerySet["Thread"]):
    def in_project(self, project: Project) -> Self:
        return self.filter(project=project)

    def for_table(self) -> Self:
        """Most recent activity first: what the index thread_latest holds."""
        return self.order_by("-last_activity", "-id").fetch_mode(FETCH_RAISE)

    def active_since(self, moment: datetime) -> Self:
        return self.filter(last_activity__gt=moment)

    def beside(self, thread: "Thread") -> "tuple[Thread | None, Thread | None]":
        """The threads above and below in the table: the one active next, and the one active before."""
        at = Q(last_activity=thread.last_activity)
        above = self.filter(Q(last_activity__gt=thread.last_activity) | at & Q(id__gt=thread.pk))
        below = self.filter(Q(last_activity__lt=thread.last_activity) | at & Q(id__lt=thread.pk))
        found = above.filter(last_activity__gte=thread.last_activity).order_by("last_activity", "id")[:1]
        found = found.union(below.filter(last_activity__lte=thread.last_activity).for_table()[:1], all=True)
        beside = {(other.last_activity, other.pk) > (thread.last_activity, thread.pk): other for other in found}
        return beside.get(True), beside.get(False)


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
