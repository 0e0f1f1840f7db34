from collections.abc import Iterable
from typing import Any
from uuid import UUID

from procrastinate.contrib.django import app

from apps.feedback.reconcile import link

SETTLE_SECONDS = 15
MOST_RUNS = 1_000


@app.task(name="link_feedback")
def link_feedback(runs: list[str]) -> None:
    link([UUID(run) for run in runs])


def link_later(runs: Iterable[UUID]) -> None:
    """A run that is being written at this moment does not see the feedback that waits for it, nor the feedback the run."""
    waiting = sorted({str(run) for run in runs})
    job: Any = link_feedback.configure(schedule_in={"seconds": SETTLE_SECONDS})
    for start in range(0, len(waiting), MOST_RUNS):
        job.defer(runs=waiting[start : start + MOST_RUNS])
