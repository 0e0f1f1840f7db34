from contextlib import suppress
from typing import Any
from uuid import UUID

from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from apps.runs.ingest.reconcile import refresh_threads

SETTLE_SECONDS = 5


@app.task(name="refresh_long_thread")
def refresh_long_thread(thread: str) -> None:
    refresh_threads([UUID(thread)])


def refresh_long_thread_later(thread: UUID) -> None:
    """Once for all writes of the next seconds: a thread of a million turns is read whole, so not with every batch."""
    job: Any = refresh_long_thread.configure(queueing_lock=f"thread:{thread}", schedule_in={"seconds": SETTLE_SECONDS})
    with suppress(AlreadyEnqueued):
        job.defer(thread=str(thread))
