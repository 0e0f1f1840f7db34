"""Links by which anybody reads one trace or one thread without signing in."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Final, Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.projects.models import Project
from apps.runs.models import Run, RunQuerySet, Trace, TraceQuerySet
from apps.threads.hide import Hide

LEFT_OUT: Final = {
    "system": ("hide_system", "system prompts"),
    "tools": ("hide_tools", "what tools and retrievers answered"),
    "mask": ("mask", "e-mail addresses and numbers of seven digits and more"),
}
"""What can be left out of a shared thread: the field, and how it is called."""


class SharedLinkQuerySet(models.QuerySet["SharedLink"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace).select_related("project", "created_by").order_by("-created_at")

    def live(self) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)

    def to_run(self, run_id: uuid.UUID) -> Self:
        return self.filter(kind=SharedLink.Kind.RUN, run_id=run_id)

    def to_runs(self, runs: Iterable[Run]) -> Self:
        places = {(run.project_id, run.id) for run in runs}
        projects, ids = {project for project, _ in places}, {run_id for _, run_id in places}
        return self.filter(kind=SharedLink.Kind.RUN, project__in=projects, run_id__in=ids)

    def to_trace(self, project: Project, trace_id: uuid.UUID) -> Self:
        return self.filter(kind=SharedLink.Kind.RUN, project=project, trace_id=trace_id)

    def to_thread(self, project: Project, thread_id: str) -> Self:
        if "\0" in thread_id:  # PostgreSQL refuses even to look for it
            return self.none()
        return self.filter(kind=SharedLink.Kind.THREAD, project=project, thread_id=thread_id)


class SharedLink(models.Model):
    """Whoever has the token reads one trace or one thread, and nothing else, until the link is revoked or expires."""

    class Kind(models.TextChoices):
        RUN = "run"
        THREAD = "thread"

    token = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="shared_links")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="shared_links")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    trace_id = models.UUIDField(null=True, help_text="of a run")
    run_id = models.UUIDField(null=True, help_text="the run that was shared; its whole trace can be read")
    thread_id = models.TextField(null=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    key_name = models.CharField(max_length=100, blank=True, help_text="the API key it was made with")
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="null: not by itself")

    hide_system = models.BooleanField(default=False, db_default=False, help_text="of a thread: without system prompts")
    hide_tools = models.BooleanField(
        default=False, db_default=False, help_text="of a thread: without what tools answered"
    )
    mask = models.BooleanField(
        default=False, db_default=False, help_text="of a thread: without e-mail addresses and long numbers"
    )

    objects = SharedLinkQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(F("workspace"), F("created_at").desc(), name="shared_latest"),
            models.Index(F("run_id"), name="shared_run"),
            models.Index(F("project"), F("thread_id"), name="shared_thread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.thread_id or self.run_id}"

    @property
    def ended_at(self) -> datetime | None:
        """When it ceased to work; None while it does."""
        over = self.expires_at if self.expires_at and self.expires_at <= timezone.now() else None
        return self.revoked_at or over

    @property
    def hide(self) -> Hide:
        """Where anything is left out, the link leads to the conversation and to no run: there all of it could be read."""
        return Hide(self.hide_system, self.hide_tools, self.mask)

    @property
    def left_out(self) -> list[str]:
        return [words for field, words in LEFT_OUT.values() if getattr(self, field)]

    @property
    def place(self) -> str:
        """What stands in the URLs of its pages where a member's have the project."""
        return f"/public/{self.token}"

    @property
    def path(self) -> str:
        return f"{self.place}/r"

    @property
    def traces(self) -> TraceQuerySet:
        within = Trace.objects.in_project(self.project)
        return within.in_thread(self.thread_id) if self.thread_id is not None else within.filter(pk=self._trace)

    @property
    def runs(self) -> RunQuerySet:
        """All that can be read with it."""
        return self.narrow(Run.objects.in_project(self.project))

    def narrow(self, runs: RunQuerySet) -> RunQuerySet:
        if self.hide:
            return runs.none()
        if self.thread_id is None:
            return runs.filter(trace_id=self._trace)
        return runs.filter(trace_id__in=self.traces.order_by().values("trace_id"))

    @property
    def _trace(self) -> uuid.UUID:
        assert self.trace_id is not None
        return self.trace_id
