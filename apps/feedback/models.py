"""Judgements of people and programs on runs, threads and projects, and their totals by thread. Only apps.feedback.store writes them."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import FETCH_RAISE, F, Q
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.columns import unenforced
from apps.runs.models import thread_uuid

SCORE_DIGITS, SCORE_PLACES = 24, 6


def score_field(**options: Any) -> Any:
    return models.DecimalField(max_digits=SCORE_DIGITS, decimal_places=SCORE_PLACES, **options)


class Level(models.TextChoices):
    """What a feedback is about."""

    RUN = "run"
    THREAD = "thread"
    PROJECT = "project"


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace)

    def in_project(self, project: Project) -> Self:
        return self.filter(project=project)

    def with_id(self, feedback_id: uuid.UUID) -> Self:
        return self.filter(id=feedback_id).order_by("-created_at")

    def newest(self) -> Self:
        """Without the verdicts that their judge has replaced."""
        return self.filter(current=True)

    def of_run(self, trace_id: uuid.UUID, run_id: uuid.UUID) -> Self:
        return self.filter(place=trace_id, run_id=run_id, level=Level.RUN).for_list()

    def of_runs(self, keys: Iterable[tuple[uuid.UUID, uuid.UUID]]) -> Self:
        """keys are (trace id, run id)."""
        pairs = list(keys)
        places, runs = {trace for trace, _ in pairs}, {run for _, run in pairs}
        return self.filter(place__in=places, run_id__in=runs, level=Level.RUN)

    def in_traces(self, traces: Iterable[uuid.UUID]) -> Self:
        """On any of their runs."""
        return self.filter(place__in=list(traces), level=Level.RUN, waiting=False)

    def named(self, key: str) -> Self:
        return self.filter(key=key)

    def at_level(self, level: str) -> Self:
        return self.filter(level=level)

    def on_threads(self, threads: Iterable[uuid.UUID]) -> Self:
        """About the threads as a whole; threads are their uuids."""
        return self.filter(place__in=list(threads), level=Level.THREAD)

    def in_threads(self, threads: Iterable[uuid.UUID]) -> Self:
        """About the threads or any of their runs."""
        return self.filter(thread__in=list(threads))

    def in_thread(self, projects: models.QuerySet[Project], thread_id: str) -> Self:
        """About the thread of this id in the projects, or any of its runs."""
        return self.in_threads(thread_uuid(pk, thread_id) for pk in projects.values_list("pk", flat=True))

    def asked_for(self, **conditions: Any) -> Self:
        """Lookups of the API's list, each left out when it is None."""
        return self.filter(**{lookup: value for lookup, value in conditions.items() if value is not None})

    def for_list(self) -> Self:
        """Newest first."""
        return self.select_related("user").order_by("-created_at", "-id").fetch_mode(FETCH_RAISE)


class Feedback(models.Model):
    """place is what a cluster places the row by: the trace, the thread's uuid, or the project.

    Before its run has arrived a feedback waits, in a place of its own that workspace and run give.
    """

    pk = models.CompositePrimaryKey("place", "id")
    created_at = models.DateTimeField()
    modified_at = models.DateTimeField()
    place = models.UUIDField()
    id = models.UUIDField()
    workspace = unenforced(Workspace, "+")
    project = models.ForeignKey(
        Project, models.DO_NOTHING, related_name="feedback", db_constraint=False, db_index=False, null=True
    )
    trace_id = models.UUIDField(null=True)
    run_id = models.UUIDField(null=True)
    thread = models.UUIDField(null=True, help_text="of the thread it counts in")
    group_id = models.UUIDField(null=True)
    comparative_id = models.UUIDField(null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False, null=True
    )
    first_turn = models.IntegerField(null=True, help_text="of the turns that the judge saw, from 1")
    last_turn = models.IntegerField(null=True)
    waiting = models.BooleanField(default=False, help_text="its run has not arrived")
    current = models.BooleanField(default=True, help_text="its judge has not given a newer verdict under the same key")
    error = models.BooleanField(default=False, help_text="the judge failed")
    level = models.TextField(choices=Level.choices, default=Level.RUN)
    key = models.TextField()
    thread_id = models.TextField(null=True, help_text="of a feedback about a thread")
    score = score_field(null=True)
    value = models.JSONField(null=True)
    labels = ArrayField(models.TextField(), default=list, help_text="the value as labels that are counted")
    comment = models.TextField(null=True)
    correction = models.JSONField(null=True)
    source_type = models.TextField(default="api")
    source = models.JSONField(null=True, help_text="metadata, user_id and user_name as they were sent")
    author = models.TextField(null=True, help_text="names the judge, where it says who it is")
    extra = models.JSONField(null=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(F("id"), name="feedback_by_id"),
            models.Index(F("run_id"), name="feedback_of_run"),
            models.Index(F("run_id"), condition=Q(waiting=True), name="feedback_waiting"),
            models.Index(
                F("thread"), F("level"), F("key"), F("score"), condition=Q(current=True), name="feedback_in_thread"
            ),
            models.Index(F("key"), F("score"), condition=Q(current=True), name="feedback_scored"),
            models.Index(F("project"), F("created_at").desc(), F("id").desc(), name="feedback_latest"),
            models.Index(F("workspace"), F("created_at").desc(), F("id").desc(), name="feedback_of_workspace"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.id}"


class ThreadScore(models.Model):
    """What the current feedback of one key and level adds up to in a thread. level is run (over all its runs) or thread."""

    pk = models.CompositePrimaryKey("thread", "level", "key")
    thread = models.UUIDField()
    project = unenforced(Project, "thread_scores")
    count = models.IntegerField(default=0)
    scored = models.IntegerField(default=0)
    comments = models.IntegerField(default=0)
    errors = models.IntegerField(default=0)
    level = models.TextField(choices=Level.choices)
    key = models.TextField()
    total = models.DecimalField(max_digits=40, decimal_places=SCORE_PLACES, default=0)
    squares = models.DecimalField(max_digits=60, decimal_places=2 * SCORE_PLACES, default=0)
    low = score_field(null=True)
    high = score_field(null=True)

    class Meta:
        indexes = [models.Index(F("project"), F("key"), F("level"), name="thread_score_by_key")]

    def __str__(self) -> str:
        return f"{self.key} {self.thread}"


class ThreadLabel(models.Model):
    """How often a label was given, or a source gave feedback, under one key and level in a thread. kind is value or source."""

    pk = models.CompositePrimaryKey("thread", "level", "key", "kind", "label")
    thread = models.UUIDField()
    project = unenforced(Project, "thread_labels")
    count = models.IntegerField(default=0)
    level = models.TextField(choices=Level.choices)
    key = models.TextField()
    kind = models.TextField()
    label = models.TextField()

    class Meta:
        indexes = [models.Index(F("project"), name="thread_label_in_project")]

    def __str__(self) -> str:
        return f"{self.key} {self.label}"


class KeyType(models.TextChoices):
    CONTINUOUS = "continuous", "number"
    CATEGORICAL = "categorical", "labels"
    BOOLEAN = "boolean", "yes or no"
    FREEFORM = "freeform", "text"


class FeedbackKeyQuerySet(models.QuerySet["FeedbackKey"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace).order_by("key")

    def named(self, keys: Iterable[str]) -> Self:
        return self.filter(key__in=list(keys))

    def named_like(self, text: str) -> Self:
        return self.filter(key__icontains=text)

    def by_key(self) -> "dict[str, FeedbackKey]":
        return {config.key: config for config in self}


class FeedbackKey(models.Model):
    """How feedback under one key is to be given and read, throughout a workspace."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="feedback_keys")
    key = models.CharField(max_length=180)
    type = models.CharField(max_length=12, choices=KeyType.choices)
    min = models.FloatField(null=True, blank=True)
    max = models.FloatField(null=True, blank=True)
    categories = models.JSONField(null=True, blank=True, help_text="[{value: number, label: text or null}]")
    multiple = models.BooleanField(default=False, help_text="several labels may be given at once")
    is_lower_score_better = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    modified_at = models.DateTimeField(auto_now=True)

    objects = FeedbackKeyQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "key"], name="one_config_per_feedback_key")]

    def __str__(self) -> str:
        return self.key


class FeedbackTokenQuerySet(models.QuerySet["FeedbackToken"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace).order_by("-created_at", "-pk")

    def of_run(self, run_id: uuid.UUID) -> Self:
        return self.filter(run_id=run_id)

    def usable(self, now: datetime) -> Self:
        return self.filter(expires_at__gt=now).select_related("workspace")


class FeedbackToken(models.Model):
    """Lets whoever holds its id give feedback on one run under one key, without a key of the API."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    run_id = models.UUIDField(db_index=True)
    feedback_key = models.CharField(max_length=180)
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    window_start = models.DateTimeField(default=timezone.now, help_text="of the minute in which uses are counted")
    uses = models.IntegerField(default=0)

    objects = FeedbackTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.feedback_key} {self.run_id}"


# Django finds the models of an app through this module; this one stands on the names above.
from apps.feedback.queues import models as _queues  # noqa: E402, F401
