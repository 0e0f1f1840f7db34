"""Who reviews which item: taking the next one, keeping it while at it, and being done.

An item has room for as many reviews as its queue needs, given or promised. Whoever promises or gives one holds the lock of the item.
"""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.feedback.models import Feedback, FeedbackQuerySet
from apps.feedback.queues.models import (
    AnnotationQueue,
    QueueItem,
    QueueItemQuerySet,
    QueueReview,
    QueueReviewQuerySet,
    Section,
    reservation,
)
from apps.feedback.queues.rubric import rows_of
from apps.projects.models import Project
from apps.runs.models import Run
from apps.threads.models import Thread

ATTEMPTS: Final = 20
"""Items that others took in the same instant, or that are gone, before we give up on finding one."""


class Unanswered(ValueError):
    """Required keys without a verdict of this person; the sentence names them."""


class Full(ValueError):
    """The item has no room for another review."""


def allowed(queue: AnnotationQueue, membership: Membership | None) -> bool:
    """Whether the member may review this queue."""
    if membership is None or not membership.may("annotator"):
        return False
    return not queue.assigned_only or queue.reviewers.contains(membership)


def held(queue: AnnotationQueue, user: User) -> QueueItem | None:
    """What the person is at, unless it is gone meanwhile."""
    reviews = QueueReview.objects.in_queue(queue).by(user).held(timezone.now()).select_related("item")
    review = reviews.order_by("-reserved_until").first()
    return None if review is None or is_gone(review.item) else review.item


def take(queue: AnnotationQueue, user: User, after: QueueItem | None = None) -> QueueItem | None:
    """Hold the next item that waits for the person, in the order of the queue, from the start again when there is none after.

    None when nothing waits. Items whose run or thread is gone are dropped on the way.
    """
    for start in (after, None) if after else (None,):
        for waiting in (False, True):
            if item := _take(queue, user, start, waiting=waiting):
                return item
    return None


def _take(queue: AnnotationQueue, user: User, after: QueueItem | None, *, waiting: bool) -> QueueItem | None:
    """Past items that others are taking, or waiting for those: they may need another review, or be left."""
    lost: list[QueueItem] = []
    for _ in range(ATTEMPTS):
        with transaction.atomic():
            found = _waiting(queue, user, after).exclude(pk__in=[item.pk for item in lost])
            item = found.select_for_update(of=("self",), skip_locked=not waiting).first()
            if item is None:
                return None
            if is_gone(item):
                item.delete()
            elif _hold(item, user, queue):
                return item
            else:
                lost.append(item)
    return None


def _waiting(queue: AnnotationQueue, user: User, after: QueueItem | None) -> QueueItemQuerySet:
    items = QueueItem.objects.in_queue(queue)
    return (
        (items.after(after) if after else items.order_by("queued_at", "pk"))
        .open()
        .for_person(user)
        .in_section(Section.MINE)
    )


def hold(queue: AnnotationQueue, item: QueueItem, user: User) -> bool:
    """Keep the item for the person, who has opened it; False when it has no room."""
    with transaction.atomic():
        locked = QueueItem.objects.filter(pk=item.pk).select_for_update().first()
        return locked is not None and locked.completed_at is None and _hold(locked, user, queue)


def _hold(item: QueueItem, user: User, queue: AnnotationQueue) -> bool:
    """With the lock of the item. Counts in a statement of its own, which sees what the holder of the lock before has written."""
    now = timezone.now()
    if _others(item, user).counting(now).count() >= queue.reviews_needed:
        return False
    QueueReview.objects.in_queue(queue).by(user).undone().exclude(item=item).delete()
    review, _ = QueueReview.objects.get_or_create(item=item, user=user)
    if review.done_at is None:
        review.reserved_until = reservation(queue, now)
        review.save(update_fields=["reserved_until"])
    return True


def _others(item: QueueItem, user: User) -> QueueReviewQuerySet:
    return QueueReview.objects.of(item).by_others(user)


def finish(queue: AnnotationQueue, item: QueueItem, user: User) -> None:
    """Raises Unanswered, or Full where others have completed the item meanwhile."""
    if missing := unanswered(queue, item, user):
        raise Unanswered(f"Still needed: {', '.join(missing)}.")
    mark_done(queue, item, user)


def mark_done(queue: AnnotationQueue, item: QueueItem, user: User) -> None:
    """Raises Full."""
    now = timezone.now()
    with transaction.atomic():
        locked = QueueItem.objects.select_for_update().get(pk=item.pk)
        others = _others(item, user).done().count()
        if others >= queue.reviews_needed:
            raise Full("Others have completed this item meanwhile. Your feedback is kept.")
        QueueReview.objects.update_or_create(item=locked, user=user, defaults={"done_at": now, "reserved_until": None})
        locked.last_reviewed_at = now
        locked.completed_at = now if others + 1 >= queue.reviews_needed else None
        locked.save(update_fields=["last_reviewed_at", "completed_at"])


def unanswered(queue: AnnotationQueue, item: QueueItem, user: User) -> list[str]:
    """The required keys under which the person has said nothing of the item."""
    required = [row.key for row in rows_of(queue.workspace, queue.rubric) if row.required]
    given = {feedback.key for feedback in verdicts_on(item).filter(user=user, key__in=required)} if required else set()
    return [key for key in required if key not in given]


def verdicts_on(item: QueueItem) -> FeedbackQuerySet:
    """The current feedback about the run, or about the thread as a whole."""
    if item.is_thread:
        return Feedback.objects.on_threads([item.place]).newest().for_list()
    return Feedback.objects.of_run(item.place, item.run).newest()


def requeue(queue: AnnotationQueue, item: QueueItem, user: User) -> None:
    """To the end of the queue, and free for others."""
    with transaction.atomic():
        QueueReview.objects.of(item).by(user).undone().delete()
        move(item, timezone.now())


def move(item: QueueItem, moment: datetime) -> None:
    """To another place in the queue, which is in the order of these moments."""
    QueueItem.objects.filter(pk=item.pk).update(queued_at=moment)


def may_reopen(queue: AnnotationQueue, item: QueueItem, user: User) -> bool:
    """Not once the verdicts of others could be read: a second look would not be blind."""
    reviews = QueueReview.objects.of(item).done()
    return reviews.by(user).exists() and not (queue.blind and reviews.by_others(user).exists())


def reopen(queue: AnnotationQueue, item: QueueItem, user: User) -> None:
    """The person's review of the item is to be done again."""
    with transaction.atomic():
        locked = QueueItem.objects.select_for_update().get(pk=item.pk)
        QueueReview.objects.of(item).by(user).delete()
        locked.completed_at = None
        locked.save(update_fields=["completed_at"])


def is_gone(item: QueueItem) -> bool:
    """With its project, whose runs follow in the background."""
    if not Project.objects.among([item.project_id]).exists():
        return True
    if item.is_thread:
        return not Thread.objects.among([item.place]).exists()
    return not Run.objects.in_trace(item.place).with_id(item.run).exists()
