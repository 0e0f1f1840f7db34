"""Threads that are deleted go trace by trace through the one write path, so that all totals stay exact."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from apps.accounts.services import record
from apps.common.templatetags.threadline import plural
from apps.projects.models import Project
from apps.runs.ingest.store import delete_traces
from apps.runs.models import Trace
from apps.runs.tasks import delete_some_traces
from apps.threads import retention
from apps.threads.models import Thread
from apps.threads.tagging import ThreadTag

CHUNK: Final = 200
THREADS_PER_JOB: Final = 1_000
MOST_OUTDATED: Final = 20_000
"""Threads, and traces without one, that a project loses in one round; the next is an hour later."""


def delete_later(project: Project, keys: Iterable[UUID]) -> None:
    """The threads of these keys and no others, however long the jobs wait."""
    job: Any = delete_threads_job
    for some in batched(keys, THREADS_PER_JOB):
        job.defer(project_id=str(project.pk), threads=[str(key) for key in some])


@app.task(name="delete_threads", retry=5)
def delete_threads_job(project_id: str, threads: list[str]) -> None:
    delete_threads(UUID(project_id), [UUID(key) for key in threads])


def delete_threads(project_id: UUID, keys: list[UUID]) -> None:
    """With all their turns. Chunk by chunk: a long thread in one transaction would hold its locks for minutes."""
    project = Project(pk=project_id)
    for thread_id in Thread.objects.in_project(project).ids_of(keys):
        turns = Trace.objects.in_project(project).in_thread(thread_id).values_list("trace_id", flat=True)
        for some in batched(turns, CHUNK):
            delete_traces(some)
    with transaction.atomic():
        ThreadTag.objects.of_threads(keys).delete()


@app.periodic(cron="37 * * * *")
@app.task(queueing_lock="forget_outdated", lock="forget_outdated")
def forget_outdated(timestamp: int) -> None:
    for project in Project.objects.forgetful():
        _forget(project, datetime.fromtimestamp(timestamp, UTC))


def _forget(project: Project, now: datetime) -> None:
    before = now - timedelta(days=project.keep_days or 0)
    threads = list(retention.outdated(project, before).keys()[:MOST_OUTDATED])
    for some in batched(threads, CHUNK):
        delete_threads(project.pk, list(some))
    traces = list(retention.lone(project, before).values_list("trace_id", flat=True)[:MOST_OUTDATED])
    delete_some_traces(traces)
    if threads or traces:
        gone = f"{plural(len(threads), 'thread')}, {plural(len(traces), 'trace')} without one"
        record(project.workspace, None, "deleted what was outdated", f"{project.name}: {gone}")
