"""The only way from an id to a queue or one of its items."""

import uuid

from django.http import Http404

from apps.accounts.models import User, Workspace
from apps.feedback.queues.models import AnnotationQueue, QueueItem


def queue_or_404(workspace: Workspace, queue_id: uuid.UUID) -> AnnotationQueue:
    queue = AnnotationQueue.objects.in_workspace(workspace).filter(pk=queue_id).first()
    if queue is None:
        raise Http404(f"No annotation queue {queue_id} in this workspace")
    queue.workspace = workspace
    return queue


def item_or_404(queue: AnnotationQueue, item_id: uuid.UUID, user: User | None) -> QueueItem:
    """With the section in which it is for the person."""
    item = QueueItem.objects.in_queue(queue).for_person(user).filter(pk=item_id).first()
    if item is None:
        raise Http404(f"No item {item_id} in this queue")
    item.queue = queue
    return item


def run_item_or_404(queue: AnnotationQueue, name: uuid.UUID) -> QueueItem:
    """By the id of the run, or of the item itself."""
    item = QueueItem.objects.in_queue(queue).called(name).first()
    if item is None:
        raise Http404(f"No run {name} in this queue")
    return item


def workspace_item_or_404(workspace: Workspace, item_id: uuid.UUID) -> QueueItem:
    item = QueueItem.objects.in_workspace(workspace).select_related("queue").filter(pk=item_id).first()
    if item is None:
        raise Http404(f"No queue item {item_id} in this workspace")
    return item
