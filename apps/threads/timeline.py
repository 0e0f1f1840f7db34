"""The timeline strip of a thread: its turns to scale, with long pauses folded so that the work stays visible."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Self

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.common.templatetags.threadline import cost, duration, plural
from apps.runs.models import Trace
from apps.threads.turns import IDLE

WIDTH, HEIGHT = 100, 34
"""Percent and pixels: the strip is as wide as the page, and its words keep their shape."""
MAX_BARS = 200
_PAUSE_WIDTH = 9.0
_ROOMY = 6.0
_MIN_BAR, _BAR_HEIGHT, _TALLEST = 0.6, 10, 24


class Span(NamedTuple):
    """A turn, as far as the strip needs it."""

    start_time: datetime
    end_time: datetime | None
    status: str
    total_tokens: int
    total_cost: Decimal

    @classmethod
    def of(cls, trace: Trace) -> Self:
        return cls(*(getattr(trace, name) for name in cls._fields))


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

    def svg(self, url: str) -> SafeString:
        """Decoration for the mouse: the turns themselves carry headings and keys. `url` ends where `turn=…` may follow.

        Written here, because a template takes ten times as long for 200 bars.
        """
        url = escape(url)
        parts = ['<svg class="timeline" width="100%" height="34" aria-hidden="true">']
        parts.append('<line class="line" x1="0" x2="100%" y1="17" y2="17"/>')
        parts += [pause.svg() for pause in self.pauses]
        parts += [bar.svg(url) for bar in self.bars]
        return mark_safe("".join(parts) + "</svg>")


def draw(turns: Sequence[Span], number: int) -> Timeline:
    """The first of the turns has that number. The taller a bar, the more its turn cost; tokens stand in where a cost is unknown."""
    if not turns:
        return Timeline([], [])
    groups = _groups(turns)
    pauses = [_gap(groups[index - 1], group) >= IDLE if index else False for index, group in enumerate(groups)]
    lengths = [max(0.0, _seconds(group)) for group in groups]
    gaps = [
        0.0 if not index or pauses[index] else max(0.0, _gap(groups[index - 1], group).total_seconds())
        for index, group in enumerate(groups)
    ]
    pause_width = min(_PAUSE_WIDTH, WIDTH * 0.4 / max(1, sum(pauses)))
    bar_least = min(_MIN_BAR, WIDTH * 0.5 / len(groups))
    room = WIDTH - pause_width * sum(pauses) - bar_least * len(groups)
    scale = max(0.0, room) / (sum(lengths) + sum(gaps) or 1.0)
    priced = all(turn.total_cost or not turn.total_tokens for turn in turns)
    # A client may send a negative cost.
    weights = [max(0.0, float(sum(t.total_cost if priced else t.total_tokens for t in group))) for group in groups]
    most = max(weights) or 1.0
    bars: list[Bar] = []
    found: list[Pause] = []
    x = 0.0
    for group, length, gap, pause, weight in zip(groups, lengths, gaps, pauses, weights, strict=True):
        if pause:
            found.append(Pause(round(x, 2), round(pause_width, 2), _gap(groups[len(bars) - 1], group)))
        x += pause_width if pause else gap * scale
        width = bar_least + length * scale
        bars.append(_bar(group, x, width, number, length, weight / most))
        x += width
        number += len(group)
    return Timeline(bars, found)


def _groups(turns: Sequence[Span]) -> list[Sequence[Span]]:
    size = -(-len(turns) // MAX_BARS)
    return [turns[at : at + size] for at in range(0, len(turns), size)]


def _bar(group: Sequence[Span], x: float, width: float, number: int, seconds: float, share: float) -> Bar:
    """`share` is what it weighs beside the heaviest bar, from 0 to 1."""
    statuses = {turn.status for turn in group}
    status = next((status for status in ("error", "pending") if status in statuses), "success")
    height = round(_BAR_HEIGHT + (_TALLEST - _BAR_HEIGHT) * share, 1)
    tokens, spent = sum(turn.total_tokens for turn in group), sum((turn.total_cost for turn in group), Decimal())
    return Bar(round(x, 2), round(width, 2), height, status, number, number + len(group) - 1, seconds, tokens, spent)


def _end(turn: Span) -> datetime:
    return max(turn.start_time, turn.end_time or turn.start_time)


def _seconds(group: Sequence[Span]) -> float:
    return sum((_end(turn) - turn.start_time).total_seconds() for turn in group)


def _gap(before: Sequence[Span], group: Sequence[Span]) -> timedelta:
    return group[0].start_time - max(_end(turn) for turn in before)
