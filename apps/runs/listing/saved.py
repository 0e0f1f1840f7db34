"""Saved filters: a name for the query string of a list."""

import uuid
from datetime import timedelta
from typing import Final, Self

from django.db import models
from django.db.models import FETCH_RAISE, F, Q
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.common.sql import Written
from apps.projects.models import Project
from apps.runs.listing.asked import Asked

RESTORABLE_FOR: Final = timedelta(days=30)
MAX_SAVED: Final = 200


class Kind(models.TextChoices):
    THREADS = "threads"
    RUNS = "runs"


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def in_project(self, project: Project, kind: str) -> Self:
        return self.filter(project=project, kind=kind)

    def seen_by(self, user: User) -> Self:
        """One's own and those that are shared."""
        return self.filter(Q(owner=user) | Q(shared=True))

    def live(self) -> Self:
        return self.filter(deleted_at=None)

    def kept(self) -> Self:
        """With those that can still be restored."""
        return self.exclude(deleted_at__lte=timezone.now() - RESTORABLE_FOR)

    def expired(self) -> Self:
        return self.filter(deleted_at__lte=timezone.now() - RESTORABLE_FOR)

    def with_id(self, saved_id: uuid.UUID) -> "SavedFilter | None":
        return self.select_related("project__workspace").filter(pk=saved_id).first()

    def rivals_of(self, saved: "SavedFilter") -> Self:
        """Those that would be a default for the same people."""
        same = self.filter(shared=True) if saved.shared else self.filter(shared=False, owner=saved.owner_id)
        return same.exclude(pk=saved.pk)

    def others_named(self, saved: "SavedFilter", name: str) -> Self:
        return self.live().filter(name__iexact=name).exclude(pk=saved.pk)

    def named_like(self, text: str) -> Self:
        return self.filter(Q(name__icontains=text) | Q(description__icontains=text))

    def for_tabs(self) -> Self:
        """Pinned ones first, and of one name the older first, so that tabs keep their places."""
        return self.order_by("-pinned", "created_at", "pk").fetch_mode(FETCH_RAISE)

    def for_page(self) -> Self:
        return self.select_related("owner").order_by(F("deleted_at").desc(nulls_first=True), "name", "pk")


class SavedFilter(models.Model):
    """query is a query string as Asked.query writes it, without the id of a saved filter.

    A default opens the list for its owner, and when it is shared for everybody without a default of their own.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="saved_filters")
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=300, blank=True)
    query = models.TextField(blank=True)
    shared = models.BooleanField(default=False)
    pinned = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["project", "kind"], name="saved_filter_of_list")]

    def __str__(self) -> str:
        return self.name

    @property
    def asked(self) -> Asked:
        return Asked.of_query(self.query)

    @property
    def href(self) -> str:
        """Relative to the list."""
        return "?" + self.asked.query(saved=str(self.pk))

    def may_change(self, membership: Membership) -> bool:
        """Shared ones belong to the editors, private ones to their owner."""
        return membership.may("editor") if self.shared else self.owner_id == membership.user_id


_TABS = Written(
    lambda project, kind, user: (
        SavedFilter.objects.in_project(Project(project), kind).seen_by(User(pk=user)).live().for_tabs()[:MAX_SAVED]
    ),
    uuid.uuid4(),
    "kind",
    0,
)


def tabs_of(project: Project, kind: str, user: User) -> list[SavedFilter]:
    """Those that a list offers to the user."""
    return _TABS(project.pk, kind, user.pk)


def opening(filters: "list[SavedFilter]") -> "SavedFilter | None":
    """What a list without a query opens with: one's own default before that of the project."""
    return next((saved for saved in sorted(filters, key=lambda saved: saved.shared) if saved.is_default), None)
