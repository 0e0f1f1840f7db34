"""Putting runs and threads into a queue."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.feedback.queues.models import AnnotationQueue, Kind, QueueItem
from apps.projects.models import Project
from apps.runs.models import Run, RunQuerySet, thread_uuid
from apps.threads.models import Thread, ThreadQuerySet

MOST_ADDED: Final = 10_000
BATCH: Final = 1_000


class Unknown(LookupError):
    """Some of what was to be added is not there; the sentence names it."""


def add_runs(queue: AnnotationQueue, run_ids: Iterable[uuid.UUID]) -> list[QueueItem]:
    """The items of these runs in their order, those that were in the queue before too. Raises Unknown, and then adds none."""
    wanted = list(dict.fromkeys(run_ids))
    runs = _runs(queue.workspace, wanted)
    if missing := [run_id for run_id in wanted if run_id not in runs]:
        raise Unknown(f"No run {missing[0]} in this workspace")
    _store(queue, [runs[run_id] for run_id in wanted])
    found = {item.run_id: item for item in QueueItem.objects.in_queue(queue).of_runs(wanted)}
    return [found[run_id] for run_id in wanted]


def _runs(workspace: Workspace, run_ids: list[uuid.UUID]) -> dict[uuid.UUID, Run]:
    """By id; of an id that two traces claim the latest counts."""
    runs = Run.objects.in_workspace(workspace).filter(id__in=run_ids).order_by("received_at")
    return {run.id: run for run in runs.only("id", "trace_id", "project_id", "start_time")}


def add_threads(queue: AnnotationQueue, keys: Iterable[tuple[Project, str]]) -> list[QueueItem]:
    """keys are (project, thread id). The items in their order. Raises Unknown, and then adds none."""
    wanted = {thread_uuid(project.pk, thread_id): thread_id for project, thread_id in keys}
    threads = {thread.pk: thread for thread in Thread.objects.among(wanted)}
    if missing := [thread_id for key, thread_id in wanted.items() if key not in threads]:
        raise Unknown(f"No thread {missing[0]} in its project")
    _store(queue, [threads[key] for key in wanted])
    found = {item.thread: item for item in QueueItem.objects.in_queue(queue).of_threads(wanted)}
    return [found[key] for key in wanted]


def add_selected(queue: AnnotationQueue, threads: ThreadQuerySet) -> tuple[int, int]:
    """The most recently active first, at most MOST_ADDED. Returns how many were added and how many were there already."""
    chosen = list(threads.for_table().only("id", "project_id", "thread_id", "first_start")[:MOST_ADDED])
    return _put(queue, chosen)


def add_selected_runs(queue: AnnotationQueue, runs: RunQuerySet) -> tuple[int, int]:
    """As add_selected, by their start."""
    chosen = list(runs.order_by("-start_time", "-id").only("id", "trace_id", "project_id", "start_time")[:MOST_ADDED])
    return _put(queue, chosen)


def _put(queue: AnnotationQueue, chosen: Sequence[Run | Thread]) -> tuple[int, int]:
    before = QueueItem.objects.in_queue(queue).count()
    _store(queue, chosen)
    added = QueueItem.objects.in_queue(queue).count() - before
    return added, len(chosen) - added


@transaction.atomic
def _store(queue: AnnotationQueue, chosen: Sequence[Run | Thread]) -> None:
    """A microsecond apart: items that are added together keep their order."""
    now = timezone.now()
    moments = (now + timedelta(microseconds=place) for place in range(len(chosen)))
    items = (
        QueueItem(queue=queue, project_id=subject.project_id, added_at=moment, queued_at=moment, **_about(subject))
        for subject, moment in zip(chosen, moments, strict=True)
    )
    QueueItem.objects.bulk_create(items, batch_size=BATCH, ignore_conflicts=True)


def _about(subject: Run | Thread) -> dict[str, Any]:
    """The columns of an item that name what it is about."""
    if isinstance(subject, Thread):
        start = subject.first_start
        return {"kind": Kind.THREAD, "thread": subject.pk, "thread_id": subject.thread_id, "start_time": start}
    return {"kind": Kind.RUN, "run_id": subject.id, "trace_id": subject.trace_id, "start_time": subject.start_time}
