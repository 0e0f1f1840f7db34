"""The sparkline of a thread: its turns as knots on a line, sized by latency, red where one failed."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from django.utils.safestring import SafeString

from apps.common.sql import prepared
from apps.projects.models import Project
from apps.runs.models import Status
from apps.threads.models import Thread

MAX_KNOTS = 24
WIDTH, HEIGHT = 84, 18
_GAP = 17
_RADII = ((1.0, 2.2), (3.0, 3.0), (7.0, 4.0))
_LARGEST = 5.2

# A thread's last turns come off the end of its own stretch of trace_in_thread, however long it is. A row a thread, as reading one for
# each turn, with two times in it, would take longer than to find them.
_LAST_TURNS = """
SELECT wanted.thread_id, turns.statuses, turns.seconds
FROM unnest(%s::text[]) AS wanted (thread_id)
CROSS JOIN LATERAL (
    SELECT array_agg(status) AS statuses, array_agg(extract(epoch FROM end_time - start_time)::float8) AS seconds
    FROM (
        SELECT start_time, end_time, status FROM runs_trace
        WHERE project_id = %s AND thread_id = wanted.thread_id ORDER BY start_time DESC LIMIT %s
    ) AS turn
) AS turns
WHERE turns.statuses IS NOT NULL
"""


class Knot(NamedTuple):
    status: str
    seconds: float | None
    """None while it runs."""


def knots_of(project: Project, threads: Sequence[Thread]) -> dict[str, list[Knot]]:
    """The last MAX_KNOTS turns of each thread, oldest first, in one query."""
    knots: dict[str, list[Knot]] = {thread.thread_id: [] for thread in threads}
    for thread_id, statuses, seconds in prepared(_LAST_TURNS, [list(knots), project.pk, MAX_KNOTS]):
        knots[thread_id] = list(map(Knot, statuses, seconds))[::-1]
    return knots


def _radius(knot: Knot) -> float:
    status, seconds = knot
    if seconds is None:
        return _RADII[1][1]
    if status == Status.ERROR:
        # A failure is often quick, and must not be overlooked for it.
        return _RADII[2][1]
    for limit, radius in _RADII:
        if seconds < limit:
            return radius
    return _LARGEST


@cache
def _places(count: int) -> tuple[str, list[str]]:
    """Where the line of so many knots ends, and where each of them stands."""
    step = min(_GAP, (WIDTH - 12) / max(count - 1, 1))
    return f"{6 + step * (count - 1):.0f}", [f"{6 + step * at:.1f}" for at in range(count)]


def sparkline(knots: Sequence[Knot], turns: int) -> SafeString:
    """SVG. A line that begins dotted has turns before the first knot."""
    end, places = _places(len(knots))
    line = f'<path class="{"more" if turns > len(knots) else "line"}" d="M{0 if turns > len(knots) else 6} 9H{end}"/>'
    circles = "".join(
        [
            f'<circle class="{knot.status}" cx="{at}" cy="9" r="{_radius(knot)}"/>'
            for knot, at in zip(knots, places, strict=True)
        ]
    )
    failed = sum([knot.status == Status.ERROR for knot in knots])
    label = f"The last {len(knots)} of {turns} turns" + (f", {failed} failed" if failed else "")
    return SafeString(
        f'<svg class="spark" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{label}">{line}{circles}</svg>'
    )
