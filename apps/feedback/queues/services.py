"""What changes a queue by hand or by program. Each change and its audit entry are one transaction."""

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Membership, User, Workspace
from apps.accounts.services import record
from apps.feedback.queues.models import AnnotationQueue, QueueItem, QueueReview


class Taken(ValueError):
    """There is a queue of this id."""


@transaction.atomic
def create(workspace: Workspace, by: User | None, values: dict[str, Any]) -> AnnotationQueue:
    """Raises Taken."""
    queue = AnnotationQueue(workspace=workspace, **values)
    if AnnotationQueue.objects.filter(pk=queue.pk).exists():
        raise Taken("id: there is a queue of this id")
    queue.save(force_insert=True)
    record(workspace, by, "created queue", queue.name)
    return queue


@transaction.atomic
def change(queue: AnnotationQueue, by: User | None, values: dict[str, Any]) -> AnnotationQueue:
    for name, value in values.items():
        setattr(queue, name, value)
    queue.save()
    if "reviews_needed" in values:
        _count_again(queue)
    record(queue.workspace, by, "changed queue", queue.name)
    return queue


@transaction.atomic
def save(
    workspace: Workspace, by: User, queue: AnnotationQueue | None, values: dict[str, Any], people: Iterable[Membership]
) -> AnnotationQueue:
    """A new queue, or the one given with other values, and its assigned reviewers."""
    saved = change(queue, by, values) if queue else create(workspace, by, values)
    saved.reviewers.set(people)
    return saved


def _count_again(queue: AnnotationQueue) -> None:
    """Items with enough reviews are completed; those with too few are open again."""
    items, needed = QueueItem.objects.in_queue(queue), queue.reviews_needed
    items.open().with_reviews(done__gte=needed).update(completed_at=timezone.now())
    items.completed().with_reviews(done__lt=needed).update(completed_at=None)


@transaction.atomic
def delete(queue: AnnotationQueue, by: User | None) -> None:
    """The feedback that was given stays."""
    record(queue.workspace, by, "deleted queue", queue.name)
    queue.delete()


@transaction.atomic
def remove(queue: AnnotationQueue, by: User | None, items: Collection[uuid.UUID]) -> int:
    """Take items out; the feedback that was given stays. Returns how many were there."""
    found = QueueItem.objects.in_queue(queue).among(items)
    count = found.count()
    if count:
        QueueReview.objects.filter(item__in=found).delete()
        found.delete()
        record(queue.workspace, by, "removed from queue", f"{queue.name}: {count}")
    return count


def change_item(item: QueueItem, **moments: datetime) -> None:
    for name, moment in moments.items():
        setattr(item, name, moment)
    item.save(update_fields=list(moments))
