"""The runs of one or several traces as the rows of a tree, with a waterfall."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from apps.runs.models import Run, RunQuerySet, Status, Trace
from apps.runs.place import Place
from apps.runs.tree_filter import Sought

MAX_ROWS = 500
MAX_DEPTH = 12
"""Deeper runs are indented no further: a row keeps its width."""
SCALE = 1_000
"""Width of the waterfall in units of its viewBox."""
_LEAST_BAR = 6

type Link = Callable[[UUID, int], str]
"""URL of a run in the turn with that number."""


@dataclass(frozen=True)
class Row:
    run: Run
    depth: int
    bar_x: int
    bar_width: int
    href: str = ""
    hit: bool = False

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
    first: int = 1
    """Number of the first row among the runs of the trace."""

    @property
    def hidden(self) -> int:
        """Runs of the trace that are not among the rows."""
        return max(0, self.trace.run_count - len(self.rows))

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1

    @property
    def hits(self) -> int:
        return sum(row.hit for row in self.rows)

    @property
    def latency(self) -> timedelta | None:
        """Of the turn; None while it goes on."""
        return self.trace.end_time - self.trace.start_time if self.trace.end_time and self.trace.start_time else None


@dataclass(frozen=True)
class Tree:
    """What templates/runs/tree.html draws."""

    place: Place
    sought: Sought
    branches: list[Branch]
    selected: UUID | None = None
    earlier: str = ""
    """URLs of the runs of the trace before and after those listed, where it has too many for one page."""
    later: str = ""

    @property
    def rows(self) -> list[Row]:
        return [row for branch in self.branches for row in branch.rows]

    @property
    def hits(self) -> int:
        return sum(branch.hits for branch in self.branches)

    @property
    def steps(self) -> tuple[str, str]:
        """URLs of the runs above and below the selected one."""
        rows = self.rows
        at = next((index for index, row in enumerate(rows) if row.run.id == self.selected), -1)
        if at < 0:
            return "", rows[0].href if rows else ""
        return rows[at - 1].href if at else "", rows[at + 1].href if at + 1 < len(rows) else ""


@dataclass(frozen=True)
class Marks:
    """What grow() gives to a row beside its run."""

    link: Link = field(default=lambda run_id, number: "")
    hits: Collection[UUID] = ()


def grow(
    traces: Iterable[Trace], runs: Sequence[Run], first_number: int = 0, marks: Marks | None = None
) -> list[Branch]:
    """Branches in the order of `traces`. The runs come in preorder, which sorting by dotted_order gives.

    The depth is read from dotted_order too: parent ids may form a loop or name a run that never arrives.
    """
    marks = marks or Marks()
    by_trace: dict[UUID, list[Run]] = {}
    for run in runs:
        by_trace.setdefault(run.trace_id, []).append(run)
    numbers = ((trace, first_number + index if first_number else 0) for index, trace in enumerate(traces))
    return [Branch(trace, _rows(by_trace.get(trace.trace_id, []), number, marks), number) for trace, number in numbers]


def trace_tree(trace: Trace, runs: RunQuerySet, selected: Run, place: Place) -> Tree:
    """The runs of one trace, in pages of MAX_ROWS; without ?from= the page that has the selected run."""
    sought = Sought.of(place.words, only=place.only)
    listed = sought.narrowed(runs.in_trace(trace.trace_id))
    first = _first(place.asked.get("from", ""), trace, selected, runs)
    found = list(listed.for_tree()[first - 1 : first + MAX_ROWS])
    rows, more = found[:MAX_ROWS], len(found) > MAX_ROWS
    marks = Marks(place.to_run, sought.hits_among(runs.in_trace(trace.trace_id)))
    branches = [Branch(trace, branch.rows, first=first) for branch in grow([trace], rows, marks=marks)]
    earlier = place.url(**{"from": str(max(1, first - MAX_ROWS))}) if first > 1 else ""
    later = place.url(**{"from": str(first + MAX_ROWS)}) if more else ""
    return Tree(place, sought, branches, selected.id, earlier, later)


def _first(asked: str, trace: Trace, selected: Run, runs: RunQuerySet) -> int:
    """Number of the first run to be listed."""
    if asked.isdecimal() and len(asked) < 8:
        return max(1, int(asked))
    if trace.run_count <= MAX_ROWS:
        return 1
    ahead = runs.in_trace(trace.trace_id).filter(dotted_order__lt=selected.dotted_order).count()
    return ahead // MAX_ROWS * MAX_ROWS + 1


def _rows(runs: list[Run], number: int, marks: Marks) -> list[Row]:
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
            marks.link(run.id, number),
            run.id in marks.hits,
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
