from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any, Final
from uuid import UUID

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from apps.runs.attachments import FOLDERS, sweep
from apps.runs.ingest.reconcile import refresh_threads
from apps.runs.ingest.store import delete_traces

SETTLE_SECONDS = 5
# The rows of a file that is just being stored are not committed yet.
FILE_AGE: Final = timedelta(days=1)


@app.task(name="refresh_long_thread")
def refresh_long_thread(thread: str) -> None:
    refresh_threads([UUID(thread)])


def refresh_long_thread_later(thread: UUID) -> None:
    """Once for all writes of the next seconds: a thread of a million turns is read whole, so not with every batch."""
    job: Any = refresh_long_thread.configure(queueing_lock=f"thread:{thread}", schedule_in={"seconds": SETTLE_SECONDS})
    with suppress(AlreadyEnqueued):
        job.defer(thread=str(thread))


@app.periodic(cron="41 * * * *")
@app.task(queueing_lock="sweep_attachments")
def sweep_attachments(timestamp: int) -> None:
    """A part of the folders each hour, all of them in a day: each is compared with a walk through the table of attachments."""
    now = datetime.fromtimestamp(timestamp, UTC)
    for folder in FOLDERS[now.hour :: 24]:
        sweep(folder, now - FILE_AGE)


TRACES_PER_JOB: Final = 1_000
TRACES_AT_ONCE: Final = 200


def delete_traces_later(traces: Iterable[UUID]) -> None:
    job: Any = delete_traces_job
    for some in batched(traces, TRACES_PER_JOB):
        job.defer(traces=[str(trace) for trace in some])


@app.task(name="delete_traces", retry=5)
def delete_traces_job(traces: list[str]) -> None:
    delete_some_traces(map(UUID, traces))


def delete_some_traces(traces: Iterable[UUID]) -> None:
    """Chunk by chunk: many in one transaction would hold their locks for minutes."""
    for some in batched(traces, TRACES_AT_ONCE):
        delete_traces(some)
