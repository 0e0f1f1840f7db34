"""Queues of runs and threads that people are to judge, and who has judged or is judging which."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import FETCH_RAISE, Case, Count, Exists, F, OuterRef, Q, Subquery, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.models import Membership, User, Workspace
from apps.common.markdown import render
from apps.projects.models import Project
from apps.runs.columns import unenforced

RESERVED_FOR = 30
MOST_REVIEWS = 20
MOST_LISTED = 100
MAX_TEXT = 20_000
LONGEST_RESERVATION = 7 * 24 * 60
"""Minutes."""


class AnnotationQueueQuerySet(models.QuerySet["AnnotationQueue"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace)

    def asked_for(self, **conditions: Any) -> Self:
        """Lookups of the API's list, each left out when it is None."""
        return self.filter(**{lookup: value for lookup, value in conditions.items() if value is not None})

    def with_people(self) -> Self:
        return self.prefetch_related("reviewers__user")

    def assigned_to(self, user: User | None) -> Self:
        """Those that only named people review, this one among them."""
        return self.filter(assigned_only=True, reviewers__user=user) if user else self.none()

    def holding(self, run_id: uuid.UUID) -> Self:
        """Queues that the run is in, done or not."""
        return self.filter(items__run_id=run_id)

    def with_sizes(self) -> Self:
        """With `size`, how many of its items are not completed."""
        items = QueueItem.objects.filter(queue=OuterRef("pk")).open().order_by().values("queue")
        return self.annotate(size=Coalesce(Subquery(items.annotate(number=Count("*")).values("number")), 0))

    def for_list(self) -> Self:
        """Newest first."""
        return self.order_by("-created_at", "-pk").fetch_mode(FETCH_RAISE)

    def to_choose_from(self) -> "list[AnnotationQueue]":
        """The newest ones."""
        return list(self.for_list()[:MOST_LISTED])


class AnnotationQueue(models.Model):
    """rubric is a list of what apps.feedback.queues.rubric makes: a feedback key each, with its texts and whether it is required."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="annotation_queues")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    instructions = models.TextField(blank=True)
    rubric = models.JSONField(default=list)
    assigned_only = models.BooleanField(default=False, help_text="only the reviewers review, else any annotator")
    reviewers: "models.ManyToManyField[Membership, Any]" = models.ManyToManyField(Membership, related_name="+")
    reviews_needed = models.PositiveSmallIntegerField(default=1, help_text="by different people, until an item is done")
    reserved_minutes = models.PositiveIntegerField(
        default=RESERVED_FOR, help_text="for which an item is kept for the person who opened it; 0 keeps none"
    )
    metadata = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    size: int
    """Set by AnnotationQueueQuerySet.with_sizes."""

    objects = AnnotationQueueQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(F("workspace"), F("created_at").desc(), name="queue_latest")]

    def __str__(self) -> str:
        return self.name

    @property
    def guidance(self) -> SafeString:
        """The instructions as HTML."""
        return render(self.instructions)

    @property
    def blind(self) -> bool:
        """Whether a reviewer is kept from the verdicts of the others until the own one is given."""
        return self.reviews_needed > 1


class Kind(models.TextChoices):
    RUN = "RUN", "run"
    THREAD = "THREAD", "thread"


class Section(models.TextChoices):
    """Where an item stands for a person."""

    MINE = "needs_my_review", "Needs review"
    OTHERS = "needs_others_review", "Needs others' review"
    COMPLETED = "completed", "Completed"


class QueueItemQuerySet(models.QuerySet["QueueItem"]):
    def in_queue(self, queue: AnnotationQueue) -> Self:
        return self.filter(queue=queue)

    def in_queues(self, queues: Iterable[AnnotationQueue]) -> Self:
        return self.filter(queue__in=[queue.pk for queue in queues])

    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(queue__workspace=workspace)

    def among(self, ids: Collection[uuid.UUID]) -> Self:
        return self.filter(pk__in=list(ids))

    def of_kind(self, kind: str | None) -> Self:
        return self.filter(kind=kind) if kind else self

    def of_runs(self, run_ids: Collection[uuid.UUID]) -> Self:
        return self.filter(run_id__in=list(run_ids))

    def of_other_runs(self, run_ids: Collection[uuid.UUID]) -> Self:
        """Of any run but these."""
        return self.filter(run_id__isnull=False).exclude(run_id__in=list(run_ids))

    def about(self, subject: uuid.UUID) -> Self:
        """A run by its id, or a thread by its uuid."""
        return self.filter(Q(run_id=subject) | Q(thread=subject))

    def called(self, name: uuid.UUID) -> Self:
        """By the id of the run, or of the item itself."""
        return self.filter(Q(run_id=name) | Q(pk=name))

    def ids(self) -> list[uuid.UUID]:
        return list(self.values_list("pk", flat=True))

    def of_threads(self, threads: Collection[uuid.UUID]) -> Self:
        return self.filter(thread__in=list(threads))

    def started(self, since: datetime | None, until: datetime | None) -> Self:
        bounds = {"start_time__gte": since, "start_time__lte": until}
        return self.filter(**{bound: moment for bound, moment in bounds.items() if moment is not None})

    def open(self) -> Self:
        return self.filter(completed_at=None)

    def completed(self) -> Self:
        return self.filter(completed_at__isnull=False)

    def completed_between(self, since: datetime | None, until: datetime | None) -> Self:
        bounds = {"completed_at__gt": since, "completed_at__lt": until}
        return self.filter(**{bound: moment for bound, moment in bounds.items() if moment is not None})

    def with_reviews(self, **number: int) -> Self:
        """done__gte=2 and the like: of how many people."""
        reviews = QueueReview.objects.filter(item=OuterRef("pk")).done().order_by().values("item")
        counted = self.annotate(done=Coalesce(Subquery(reviews.annotate(number=Count("*")).values("number")), 0))
        return counted.filter(**number)

    def in_order(self) -> Self:
        return self.order_by("queued_at", "pk").fetch_mode(FETCH_RAISE)

    def after(self, item: "QueueItem") -> Self:
        later = Q(queued_at__gt=item.queued_at) | Q(queued_at=item.queued_at, pk__gt=item.pk)
        return self.filter(later).order_by("queued_at", "pk")

    def before(self, item: "QueueItem") -> Self:
        """The nearest first."""
        earlier = Q(queued_at__lt=item.queued_at) | Q(queued_at=item.queued_at, pk__lt=item.pk)
        return self.filter(earlier).order_by("-queued_at", "-pk")

    def for_person(self, user: User | None) -> Self:
        """With `section`, where the item stands for this person; None is somebody who has reviewed nothing."""
        reviews = QueueReview.objects.filter(item=OuterRef("pk"))
        taken = (
            reviews.exclude(user=user).counting(timezone.now()).order_by().values("item").annotate(number=Count("*"))
        )
        no_room = Q(taken__gte=F("queue__reviews_needed"))
        return self.annotate(
            taken=Coalesce(Subquery(taken.values("number")), 0),
            own=Exists(reviews.filter(user=user, done_at__isnull=False)),
            section=Case(
                When(completed_at__isnull=False, then=Value(Section.COMPLETED)),
                When(Q(own=True) | no_room | ~may_review(user), then=Value(Section.OTHERS)),
                default=Value(Section.MINE),
                output_field=models.TextField(),
            ),
        )

    def counts(self) -> "list[tuple[uuid.UUID, str, int]]":
        """After for_person: queue, section and how many items."""
        items: Any = self.order_by()
        return list(items.values_list("queue", "section").annotate(number=Count("pk")))

    def in_section(self, section: str | None) -> Self:
        """After for_person."""
        return self.filter(section=section) if section else self

    def blind_to(self, user: User) -> Self:
        """Open ones of blind queues that the person may still review."""
        reviewed = QueueReview.objects.filter(item=OuterRef("pk")).by(user).done()
        return self.open().filter(may_review(user), ~Exists(reviewed), queue__reviews_needed__gt=1)

    def touching(self, threads: Iterable[uuid.UUID], traces: Any) -> Self:
        """About these threads, or any run of these traces."""
        return self.filter(Q(thread__in=list(threads)) | Q(trace_id__in=traces))

    def openable(self) -> Self:
        """After for_person: what the person may look at while reviewing, which is what waits for them and what they have done."""
        return self.filter(Q(section=Section.MINE) | Q(own=True))

    def for_list(self) -> Self:
        return self.in_order().prefetch_related(
            models.Prefetch("reviews", QueueReview.objects.select_related("user").order_by("pk"))
        )


def may_review(user: User | None) -> Combinable | Q:
    """A condition on items: that the queue does not keep the person out. A program without a person is not kept out."""
    if user is None:
        return Q(queue__isnull=False)
    assigned = AnnotationQueue.reviewers.through.objects.filter(
        annotationqueue=OuterRef("queue"), membership__user=user
    )
    return Q(queue__assigned_only=False) | Exists(assigned)


class QueueItem(models.Model):
    """A run (run_id, trace_id) or a thread (thread_id and its uuid in thread). queued_at is its place in the queue."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    queue = models.ForeignKey(AnnotationQueue, on_delete=models.CASCADE, related_name="items", db_index=False)
    project = unenforced(Project, "queue_items")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    run_id = models.UUIDField(null=True)
    trace_id = models.UUIDField(null=True)
    thread = models.UUIDField(null=True)
    thread_id = models.TextField(null=True)
    start_time = models.DateTimeField(null=True)
    added_at = models.DateTimeField()
    queued_at = models.DateTimeField()
    last_reviewed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    section: str
    """Set by QueueItemQuerySet.for_person."""

    objects = QueueItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["queue", "run_id"], name="run_once_in_queue"),
            models.UniqueConstraint(fields=["queue", "thread"], name="thread_once_in_queue"),
        ]
        indexes = [
            models.Index(F("queue"), F("queued_at"), F("id"), name="queue_item_order"),
            models.Index(F("queue"), F("queued_at"), F("id"), condition=Q(completed_at=None), name="queue_item_open"),
            models.Index(F("trace_id"), condition=Q(trace_id__isnull=False), name="queue_item_of_trace"),
            models.Index(F("thread"), condition=Q(thread__isnull=False), name="queue_item_of_thread"),
            models.Index(F("project"), name="queue_item_in_project"),
        ]

    def __str__(self) -> str:
        return str(self.thread_id or self.run_id)

    @property
    def is_thread(self) -> bool:
        return self.kind == Kind.THREAD

    @property
    def place(self) -> uuid.UUID:
        """Of the feedback about it: the thread's uuid, or the trace of the run."""
        found = self.thread if self.is_thread else self.trace_id
        assert found is not None
        return found

    @property
    def run(self) -> uuid.UUID:
        assert self.run_id is not None
        return self.run_id


class QueueReviewQuerySet(models.QuerySet["QueueReview"]):
    def of(self, item: QueueItem) -> Self:
        return self.filter(item=item)

    def by(self, user: User) -> Self:
        return self.filter(user=user)

    def by_others(self, user: User) -> Self:
        return self.exclude(user=user)

    def done(self) -> Self:
        return self.filter(done_at__isnull=False)

    def undone(self) -> Self:
        return self.filter(done_at=None)

    def held(self, now: datetime) -> Self:
        return self.filter(done_at=None, reserved_until__gt=now)

    def in_queue(self, queue: AnnotationQueue) -> Self:
        return self.filter(item__queue=queue)

    def counting(self, now: datetime) -> Self:
        """Those that take up one of the reviews an item needs: given, or promised by somebody who is at it."""
        return self.filter(Q(done_at__isnull=False) | Q(reserved_until__gt=now))


class QueueReview(models.Model):
    """What one person has to do with an item: holds it until reserved_until, or has judged it at done_at."""

    item = models.ForeignKey(QueueItem, on_delete=models.CASCADE, related_name="reviews")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    reserved_until = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    objects = QueueReviewQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "user"], name="one_review_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} on {self.item_id}"

    def is_held(self, now: datetime) -> bool:
        return self.done_at is None and self.reserved_until is not None and self.reserved_until > now


def reservation(queue: AnnotationQueue, now: datetime) -> datetime | None:
    return now + timedelta(minutes=queue.reserved_minutes) if queue.reserved_minutes else None
