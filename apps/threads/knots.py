"""The sparkline of a thread: its turns as knots on a line, sized by latency, red where one failed."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.utils.safestring import SafeString, mark_safe

from apps.projects.models import Project
from apps.runs.models import Status
from apps.threads.models import Thread

MAX_KNOTS = 24
WIDTH, HEIGHT = 84, 18
_GAP = 17
_RADII = ((1.0, 2.2), (3.0, 3.0), (7.0, 4.0))
_LARGEST = 5.2

# A thread's last turns come off the end of its own stretch of trace_in_thread, however long it is.
_LAST_TURNS = """
SELECT wanted.thread_id, turn.start_time, turn.end_time, turn.status
FROM unnest(%s::text[]) AS wanted (thread_id)
CROSS JOIN LATERAL (
    SELECT start_time, end_time, status FROM runs_trace
    WHERE project_id = %s AND thread_id = wanted.thread_id ORDER BY start_time DESC LIMIT %s
) AS turn
ORDER BY turn.start_time
"""


class Knot(NamedTuple):
    start_time: datetime
    end_time: datetime | None
    status: str

    @property
    def radius(self) -> float:
        if self.end_time is None:
            return _RADII[1][1]
        if self.status == Status.ERROR:
            # A failure is often quick, and must not be overlooked for it.
            return _RADII[2][1]
        seconds = (self.end_time - self.start_time).total_seconds()
        for limit, radius in _RADII:
            if seconds < limit:
                return radius
        return _LARGEST


def knots_of(project: Project, threads: Sequence[Thread]) -> dict[str, list[Knot]]:
    """The last MAX_KNOTS turns of each thread, oldest first, in one query."""
    knots: dict[str, list[Knot]] = {thread.thread_id: [] for thread in threads}
    with connection.cursor() as cursor:
        cursor.execute(_LAST_TURNS, [list(knots), project.pk, MAX_KNOTS])
        for thread_id, *turn in cursor.fetchall():
            knots[thread_id].append(Knot(*turn))
    return knots


def sparkline(knots: Sequence[Knot], turns: int) -> SafeString:
    """SVG. A line that begins dotted has turns before the first knot."""
    step = min(_GAP, (WIDTH - 12) / max(len(knots) - 1, 1))
    end = 6 + step * (len(knots) - 1)
    line = (
        f'<path class="{"more" if turns > len(knots) else "line"}" d="M{0 if turns > len(knots) else 6} 9H{end:.0f}"/>'
    )
    circles = "".join(
        f'<circle class="{knot.status}" cx="{6 + step * at:.1f}" cy="9" r="{knot.radius}"/>'
        for at, knot in enumerate(knots)
    )
    failed = sum(knot.status == Status.ERROR for knot in knots)
    label = f"The last {len(knots)} of {turns} turns" + (f", {failed} failed" if failed else "")
    return mark_safe(
        f'<svg class="spark" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">{line}{circles}</svg>'
    )
