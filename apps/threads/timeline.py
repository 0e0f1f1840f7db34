"""The timeline strip of a thread: its turns to scale, with long pauses folded so that the work stays visible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple, Self

from django.db import connection
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.common.templatetags.threadline import cost, duration, plural
from apps.runs.models import Trace
from apps.threads.models import IDLE, Thread

WIDTH, HEIGHT = 100, 34
"""Percent and pixels: the strip is as wide as the page, and its words keep their shape."""
MAX_BARS = 120
_PAUSE_WIDTH = 9.0
_ROOMY = 6.0
_MIN_BAR, _BAR_HEIGHT, _TALLEST = 0.6, 10, 24


class Span(NamedTuple):
    """Turns that follow one another and are one bar: a single one, or in a long thread several."""

    start_time: datetime
    ended: datetime
    """The latest of them."""
    status: str
    total_tokens: int
    total_cost: Decimal
    seconds: float
    """What they took together, without what lies between."""
    turns: int = 1
    priced: bool = True
    """Each that has tokens has a cost."""

    @classmethod
    def of(cls, trace: Trace) -> Self:
        start = trace.start_time
        assert start is not None, "a trace without runs is in no thread"
        ended = max(start, trace.end_time or start)
        tokens, cost = trace.total_tokens, trace.total_cost
        seconds = (ended - start).total_seconds()
        return cls(start, ended, trace.status, tokens, cost, seconds, priced=bool(cost) or not tokens)


# As many turns to a bar as it takes; added up here, because a thousand rows cost Python more than all else of the strip.
_SPANS = """
SELECT min(start_time), max(ended),
    CASE WHEN bool_or(status = 'error') THEN 'error' WHEN bool_or(status = 'pending') THEN 'pending' ELSE 'success' END,
    sum(total_tokens)::bigint, sum(total_cost), extract(epoch FROM sum(ended - start_time))::float8, count(*),
    bool_and(total_cost <> 0 OR total_tokens = 0)
FROM (
    SELECT start_time, greatest(start_time, end_time) AS ended, status, total_tokens, total_cost,
        (row_number() OVER (ORDER BY start_time, trace_id) - 1) / %s AS bar
    FROM runs_trace WHERE project_id = %s AND thread_id = %s
) AS turn GROUP BY bar ORDER BY bar
"""


def spans_of(thread: Thread) -> list[Span]:
    """All turns of the thread in at most MAX_BARS spans."""
    with connection.cursor() as cursor:
        cursor.execute(_SPANS, [max(-(-thread.turns // MAX_BARS), 1), thread.project_id, thread.thread_id])
        return [Span(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Bar:
    """Turns first to last, one unless a thread has more than MAX_BARS of them."""

    x: float
    width: float
    height: float
    status: str
    first: int
    last: int
    seconds: float
    tokens: int
    spent: Decimal

    @property
    def about(self) -> str:
        name = f"Turn {self.first}" + (f" to {self.last}" if self.last != self.first else "")
        used = [plural(self.tokens, "token")] if self.tokens else []
        return ", ".join([name, duration(self.seconds), *used, *([cost(self.spent)] if self.spent else [])])

    def svg(self, url: str) -> str:
        return (
            f'<a href="{url}turn={self.first}#turn-{self.first}" tabindex="-1" data-turn="{self.first}">'
            f"<title>{self.about}</title>"
            f'<rect class="{self.status}" x="{self.x}%" y="{(HEIGHT - self.height) / 2}" width="{self.width}%" '
            f'height="{self.height}" rx="3"/></a>'
        )


@dataclass(frozen=True)
class Pause:
    x: float
    width: float
    length: timedelta

    @property
    def roomy(self) -> bool:
        """Whether its length fits in as words."""
        return self.width >= _ROOMY

    def svg(self) -> str:
        length = duration(self.length)
        words = (
            f'<text x="{self.x + self.width / 2}%" y="12" text-anchor="middle">{length}</text>' if self.roomy else ""
        )
        return (
            f'<g class="pause"><title>{length} idle</title><svg x="{self.x}%" width="{self.width}%" height="34">'
            f'<line x1="0" x2="100%" y1="17" y2="17"/></svg>{words}</g>'
        )


@dataclass(frozen=True)
class Timeline:
    bars: list[Bar]
    pauses: list[Pause]

    @property
    def seconds(self) -> float:
        """What the turns took together."""
        return sum(bar.seconds for bar in self.bars)

    def svg(self, url: str) -> SafeString:
        """Decoration for the mouse: the turns themselves carry headings and keys. `url` ends where `turn=…` may follow.

        Written here, because a template takes ten times as long for 120 bars.
        """
        url = escape(url)
        parts = ['<svg class="timeline" width="100%" height="34" aria-hidden="true">']
        parts.append('<line class="line" x1="0" x2="100%" y1="17" y2="17"/>')
        parts += [pause.svg() for pause in self.pauses]
        parts += [bar.svg(url) for bar in self.bars]
        return mark_safe("".join(parts) + "</svg>")


def draw(spans: Sequence[Span], number: int) -> Timeline:
    """The first turn has that number. The taller a bar, the more its turns cost; tokens stand in where a cost is unknown."""
    if not spans:
        return Timeline([], [])
    between = [timedelta(0), *(after.start_time - before.ended for before, after in pairwise(spans))]
    pauses = [gap >= IDLE for gap in between]
    gaps = [0.0 if pause else max(0.0, gap.total_seconds()) for gap, pause in zip(between, pauses, strict=True)]
    pause_width = min(_PAUSE_WIDTH, WIDTH * 0.4 / max(1, sum(pauses)))
    bar_least = min(_MIN_BAR, WIDTH * 0.5 / len(spans))
    room = WIDTH - pause_width * sum(pauses) - bar_least * len(spans)
    scale = max(0.0, room) / (sum(span.seconds for span in spans) + sum(gaps) or 1.0)
    priced = all(span.priced for span in spans)
    # A client may send a negative cost.
    weights = [max(0.0, float(span.total_cost if priced else span.total_tokens)) for span in spans]
    most = max(weights) or 1.0
    bars: list[Bar] = []
    found: list[Pause] = []
    x = 0.0
    for span, length, gap, pause, weight in zip(spans, between, gaps, pauses, weights, strict=True):
        if pause:
            found.append(Pause(round(x, 2), round(pause_width, 2), length))
        x += pause_width if pause else gap * scale
        width = bar_least + span.seconds * scale
        bars.append(_bar(span, x, width, number, weight / most))
        x += width
        number += span.turns
    return Timeline(bars, found)


def _bar(span: Span, x: float, width: float, number: int, share: float) -> Bar:
    """`share` is what it weighs beside the heaviest bar, from 0 to 1."""
    height = round(_BAR_HEIGHT + (_TALLEST - _BAR_HEIGHT) * share, 1)
    last = number + span.turns - 1
    place = round(x, 2), round(width, 2), height
    return Bar(*place, span.status, number, last, span.seconds, span.total_tokens, span.total_cost)
