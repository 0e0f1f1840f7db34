"""The runs of one or several traces as the rows of a tree, with a waterfall."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from apps.runs.models import Run, Status, Trace

MAX_ROWS = 500
MAX_DEPTH = 12
"""Deeper runs are indented no further: a row keeps its width."""
SCALE = 1_000
"""Width of the waterfall in units of its viewBox."""
_LEAST_BAR = 6


@dataclass(frozen=True)
class Row:
    run: Run
    depth: int
    bar_x: int
    bar_width: int

    @property
    def latency(self) -> timedelta | None:
        return self.run.end_time - self.run.start_time if self.run.end_time else None


@dataclass(frozen=True)
class Branch:
    """One trace of the tree: a turn where the tree is a thread's."""

    trace: Trace
    rows: list[Row]
    number: int = 0
    """Of the turn; 0 outside a thread."""

    @property
    def hidden(self) -> int:
        """Runs of the trace that are past MAX_ROWS."""
        return max(0, self.trace.run_count - len(self.rows))


def grow(traces: Iterable[Trace], runs: Sequence[Run], first_number: int = 0) -> list[Branch]:
    """Branches in the order of `traces`. The runs come in preorder, which sorting by dotted_order gives.

    The depth is read from dotted_order too: parent ids may form a loop or name a run that never arrives.
    """
    by_trace: dict[UUID, list[Run]] = {}
    for run in runs:
        by_trace.setdefault(run.trace_id, []).append(run)
    return [
        Branch(trace, _rows(by_trace.get(trace.trace_id, [])), first_number + index if first_number else 0)
        for index, trace in enumerate(traces)
    ]


def _rows(runs: list[Run]) -> list[Row]:
    if not runs:
        return []
    levels = [run.dotted_order.count(".") for run in runs]
    top = min(levels)
    begin = min(run.start_time for run in runs)
    span = max(_end(run) for run in runs) - begin
    return [
        Row(
            run,
            min(level - top, MAX_DEPTH),
            *_bar(run, begin, span),
        )
        for run, level in zip(runs, levels, strict=True)
    ]


def _end(run: Run) -> datetime:
    """A pending run lasts until now; clocks of clients may put the end before the start."""
    return max(run.start_time, run.end_time or timezone.now())


def _bar(run: Run, begin: datetime, span: timedelta) -> tuple[int, int]:
    if not span:
        return 0, SCALE
    x = round((run.start_time - begin) / span * SCALE)
    width = max(_LEAST_BAR, round((_end(run) - run.start_time) / span * SCALE))
    return min(x, SCALE - _LEAST_BAR), min(width, SCALE - min(x, SCALE - _LEAST_BAR))


def pending_for(run: Run) -> timedelta | None:
    return timezone.now() - run.start_time if run.status == Status.PENDING else None
