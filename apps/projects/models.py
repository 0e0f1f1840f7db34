"""A project holds the runs of one application. The SDKs call it a session: their top-level session_id is this id, never a thread's."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self

from django.db import models
from django.db.models import FETCH_RAISE, Max, Sum
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.common.sql import prepared

DEFAULT_PROJECT = "default"


class ProjectQuerySet(models.QuerySet["Project"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace)

    def named_like(self, text: str) -> Self:
        return self.filter(name__icontains=text) if text else self

    def others_named(self, project: "Project", name: str) -> Self:
        return self.filter(name=name).exclude(pk=project.pk)

    def have_runs(self) -> bool:
        return self.filter(tallies__runs__gt=0).exists()

    def among(self, ids: Iterable[uuid.UUID]) -> Self:
        return self.filter(pk__in=list(ids))

    def ids(self) -> list[uuid.UUID]:
        return list(self.values_list("pk", flat=True))

    def forgetful(self) -> Self:
        """Those that keep conversations for so many days only."""
        return self.filter(keep_days__isnull=False).select_related("workspace").order_by("pk")

    def named(self, name: str) -> "Project | None":
        return self.filter(name=name).first()

    def asked_for(
        self,
        *,
        ids: Iterable[uuid.UUID] | None = None,
        name: str | None = None,
        part_of_name: str | None = None,
        metadata: dict[str, Any] | None = None,
        datasets: Iterable[uuid.UUID] | None = None,
        without_dataset: bool = False,
    ) -> Self:
        """The parameters of the API's list, each left out when it is None; newest first."""
        asked = {
            "pk__in": None if ids is None else list(ids),
            "name": name,
            "name__icontains": part_of_name,
            "extra__metadata__contains": metadata,
            "reference_dataset_id__in": None if datasets is None else list(datasets),
            "reference_dataset_id__isnull": without_dataset or None,
        }
        given = {lookup: value for lookup, value in asked.items() if value is not None}
        return self.filter(**given).order_by("-start_time", "-pk").fetch_mode(FETCH_RAISE)

    def of_types(self, *, experiments: bool, others: bool) -> Self:
        """Experiments are those that evaluate a dataset."""
        wanted = [null for null, asked in ((False, experiments), (True, others)) if asked]
        return (
            self.filter(reference_dataset_id__isnull=wanted[0]) if len(wanted) == 1 else self if wanted else self.none()
        )

    def last_activity(self, project_id: uuid.UUID) -> datetime | None:
        at: datetime | None = self.filter(pk=project_id).aggregate(at=Max("traces__last_activity"))["at"]
        return at

    def for_list(self) -> Self:
        """With the totals that the projects page shows, most recent activity first."""
        return self.annotate(
            thread_count=Sum("tallies__threads", default=0),
            trace_count=Sum("tallies__traces", default=0),
            run_count=Sum("tallies__runs", default=0),
            error_count=Sum("tallies__errored_runs", default=0),
            total_tokens=Sum("tallies__total_tokens", default=0),
            total_cost=Sum("tallies__total_cost", default=Decimal(0)),
            last_activity=Max("tallies__last_activity"),
        ).order_by(models.F("last_activity").desc(nulls_last=True), "name")


class Totals(NamedTuple):
    """What a project adds up to."""

    thread_count: int
    trace_count: int
    run_count: int
    error_count: int
    total_tokens: int
    total_cost: Decimal
    last_activity: datetime | None


# Each list begins with it, and an annotated project takes three times as long.
_TOTALS = """
SELECT coalesce(sum(threads), 0)::bigint, coalesce(sum(traces), 0)::bigint, coalesce(sum(runs), 0)::bigint,
    coalesce(sum(errored_runs), 0)::bigint, coalesce(sum(total_tokens), 0)::bigint, coalesce(sum(total_cost), 0), max(last_activity)
FROM projects_projecttally WHERE project_id = %s
"""


class Project(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="projects")
    name = models.CharField(max_length=500)
    description = models.TextField(blank=True)
    extra = models.JSONField(default=dict, blank=True)
    start_time = models.DateTimeField(default=timezone.now)
    end_time = models.DateTimeField(null=True, blank=True)
    reference_dataset_id = models.UUIDField(null=True, blank=True)
    keep_days = models.PositiveIntegerField(
        null=True, blank=True, help_text="after the last activity of a conversation; null keeps all"
    )

    objects = ProjectQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "name"], name="project_name_per_workspace")]

    def __str__(self) -> str:
        return self.name

    def totals(self) -> Totals:
        [found] = prepared(_TOTALS, [self.pk])
        return Totals(*found)


class ProjectTally(models.Model):
    """Running totals of a project, kept by the ingest in the transaction that writes the runs.

    Several rows a project: a batch adds to the row of its own shard, so concurrent batches do not wait for one another.
    """

    SHARDS = 8

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="tallies")
    shard = models.SmallIntegerField()
    threads = models.BigIntegerField(default=0)
    traces = models.BigIntegerField(default=0)
    runs = models.BigIntegerField(default=0)
    errored_runs = models.BigIntegerField(default=0)
    total_tokens = models.BigIntegerField(default=0)
    total_cost = models.DecimalField(max_digits=30, decimal_places=12, default=Decimal(0))
    last_activity = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "shard"], name="one_tally_per_shard")]

    def __str__(self) -> str:
        return f"{self.project_id}/{self.shard}"
