"""Feedback as figures: an average, what it is made of, and how a thread's verdicts went, drawn as SVG without a script."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from html import escape
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.feedback.aggregate import Summary, strip_of
from apps.feedback.annotate import applies_not, plain
from apps.feedback.models import Feedback, FeedbackKey, KeyType, Level
from apps.feedback.queues.blind import Blind
from apps.threads.models import Thread

BUCKETS: Final = 8
SHOWN_LABELS: Final = 3
MOST_LINES: Final = 6

# A score is told apart from its bucket's neighbours by the ends that the rollup keeps.
_BUCKETS = f"""
SELECT f.level, f.key, CASE WHEN t.high > t.low THEN least(width_bucket(f.score, t.low, t.high, {BUCKETS}), {BUCKETS}) ELSE 1 END, count(*)
FROM feedback_feedback AS f
JOIN feedback_threadscore AS t ON t.thread = f.thread AND t.level = f.level AND t.key = f.key
WHERE f.thread = %s AND f.current AND NOT f.waiting AND f.score IS NOT NULL
GROUP BY 1, 2, 3
"""


@dataclass(frozen=True)
class Figure:
    """One key at one level: run, over all runs of the thread, or thread, about it as a whole."""

    key: str
    level: str
    summary: Summary
    config: FeedbackKey | None = None
    buckets: Mapping[int, int] = field(default_factory=dict)
    href: str = ""
    kept: bool = False
    """It may not be read yet: what it adds up is still to be reviewed blind."""

    @property
    def whole(self) -> bool:
        return self.level == Level.THREAD

    @property
    def told(self) -> str:
        """The figure that stands for all: an average, else the label given most, else nothing."""
        return told(self.summary, self.config)

    @property
    def range(self) -> str:
        low, high = self.summary.low, self.summary.high
        if low is None or high is None or low == high or is_yes_no(self.config):
            return ""
        return f"{shown(low)}\N{EN DASH}{shown(high)}"

    @property
    def labels(self) -> str:
        """The most frequent, with their counts."""
        if is_yes_no(self.config):
            return ""
        most = self.summary.labels.most_common(SHOWN_LABELS)
        rest = len(self.summary.labels) - len(most)
        return ", ".join(f"{label[:24]} {count}" for label, count in most) + (f" +{rest}" if rest > 0 else "")

    @property
    def drawing(self) -> SafeString:
        return draw(self.summary, self.config, self.buckets)

    @property
    def sources(self) -> str:
        return ", ".join(f"{count} by {name}" for name, count in self.summary.sources.most_common())


def figures_of(thread: Thread, blind: Blind) -> list[Figure]:
    """By key, runs before the thread as a whole."""
    sides = [
        (summary.key, level, side, summary.config)
        for summary in strip_of(thread)
        for level, side in ((Level.RUN, summary.runs), (Level.THREAD, summary.whole))
        if side.count
    ]
    buckets = _buckets(thread.pk) if any(_is_spread(side, config) for _, _, side, config in sides) else {}
    base = reverse("feedback:given", args=[thread.project.workspace_id, thread.project_id])
    return [
        Figure(
            key,
            level,
            side,
            config,
            buckets.get((level, key), {}),
            f"{base}?{urlencode({'thread': thread.thread_id, 'key': key, 'level': level})}",
            blind.keeps_sum(level, key),
        )
        for key, level, side, config in sides
    ]


def _is_spread(summary: Summary, config: FeedbackKey | None) -> bool:
    return summary.scored > 1 and summary.low != summary.high and not is_yes_no(config)


def _buckets(thread: uuid.UUID) -> dict[tuple[str, str], dict[int, int]]:
    found: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_BUCKETS, [thread])
        for level, key, bucket, count in cursor.fetchall():
            found[level, key][bucket] = count
    return found


def is_yes_no(config: FeedbackKey | None) -> bool:
    return config is not None and config.type == KeyType.BOOLEAN


def shown(number: float | Decimal) -> str:
    """Three digits that matter."""
    rounded = float(f"{number:.3g}")
    return f"{rounded:,.0f}" if rounded.is_integer() else f"{rounded:,}"


def told(summary: Summary, config: FeedbackKey | None) -> str:
    only = next(iter(summary.labels)) if len(summary.labels) == 1 else ""
    if only and config is not None and config.type == KeyType.CATEGORICAL:
        return only[:24]
    if summary.average is None:
        most = next((label for label, _ in summary.labels.most_common(1)), "")
        return most[:24]
    return f"{summary.average * 100:.0f} % yes" if is_yes_no(config) else shown(summary.average)


def said(feedback: Feedback, config: FeedbackKey | None = None) -> str:
    """A single verdict in a word or two."""
    if feedback.error:
        return "failed"
    if applies_not(feedback):
        return "n/a"
    score, value = feedback.score, feedback.value
    if is_yes_no(config) and score is not None:
        return "yes" if score else "no"
    label = ", ".join(feedback.labels) or (value if isinstance(value, str) else "")
    if label and score is not None and label != plain(score):
        return f"{label} ({shown(score)})"
    return label or ("" if score is None else shown(score))


def level_of(feedback: Feedback, config: FeedbackKey | None) -> str:
    """The class of its pill: ok and bad only where the configuration says which is which."""
    if feedback.error:
        return "bad"
    if config is None or feedback.score is None or not is_yes_no(config):
        return ""
    return "ok" if bool(feedback.score) is not config.is_lower_score_better else "bad"


def draw(summary: Summary, config: FeedbackKey | None, buckets: Mapping[int, int] | None = None) -> SafeString:
    """What the average is made of: shares of yes and no, or of labels, or a histogram, or how far the scores reach."""
    if is_yes_no(config) and summary.scored:
        yes = int(summary.total)
        good, bad = ("bad", "ok") if config and config.is_lower_score_better else ("ok", "bad")
        return _shares([(good, yes), (bad, summary.scored - yes)])
    if summary.labels and (summary.average is None or (config and config.type == KeyType.CATEGORICAL)):
        return _shares([(f"c{at}", count) for at, count in enumerate(_in_order(summary, config))])
    if buckets and summary.low != summary.high:
        return _histogram(buckets)
    if summary.low is None or summary.high is None or summary.average is None:
        return mark_safe("")
    return _reach(float(summary.low), summary.average, float(summary.high), config)


def _in_order(summary: Summary, config: FeedbackKey | None) -> list[int]:
    """Counts of the labels as the configuration lists them, or the most frequent first; the sixth stands for the rest."""
    listed = [item["label"] for item in (config.categories or []) if item["label"]] if config else []
    named = [summary.labels[label] for label in listed]
    others = [count for label, count in summary.labels.most_common() if label not in listed]
    counts = named + others
    return [*counts[:5], *([sum(counts[5:])] if len(counts) > 5 else [])]


def _svg(width: int, height: int, inner: Iterable[str]) -> SafeString:
    # Without the wrapper of mark_safe, which takes longer than this does: a page has many of them.
    return SafeString(
        f'<svg class="spread" width="{width}" height="{height}" viewBox="0 0 {width} {height}" aria-hidden="true">{"".join(inner)}</svg>'
    )


def _shares(parts: Sequence[tuple[str, int]], width: int = 56) -> SafeString:
    total, x, bars = sum(count for _, count in parts) or 1, 0.0, []
    for css, count in parts:
        length = count / total * width
        if count:
            bars.append(
                f'<rect class="{css}" x="{x:.1f}" y="3" width="{max(length - (1 if length > 3 else 0), 1):.1f}" height="8"/>'
            )
        x += length
    return _svg(width, 14, bars)


def _histogram(buckets: Mapping[int, int]) -> SafeString:
    most = max(buckets.values())
    bars = (
        f'<rect x="{(at - 1) * 7}" y="{14 - height}" width="6" height="{height}"/>'
        for at in range(1, BUCKETS + 1)
        for height in [max(round(buckets.get(at, 0) / most * 13), 1)]
    )
    return _svg(BUCKETS * 7, 14, bars)


def _reach(low: float, average: float, high: float, config: FeedbackKey | None) -> SafeString:
    """On the scale that is configured, else from 0 to 1 where that holds all scores."""
    begin = config.min if config and config.min is not None else min(0.0, low)
    end = config.max if config and config.max is not None else max(1.0, high)

    length = (end - begin) or 1
    left, at, right = (3 + 50 * min(max((score - begin) / length, 0), 1) for score in (low, average, high))
    track = '<rect class="track" y="6" width="56" height="2"/>'
    line = f'<rect x="{left:.1f}" y="5" width="{max(right - left, 1):.1f}" height="4"/>'
    return _svg(56, 14, (track, line, f'<circle cx="{at:.1f}" cy="7" r="3"/>'))


@dataclass(frozen=True)
class Line:
    """The verdicts of one judge, oldest first."""

    judge: str
    points: SafeString
    number: int
    first: str
    last: str


def lines_of(verdicts: Iterable[Feedback]) -> list[Line]:
    """Of those judges that have given several scores, over the turns where all verdicts name theirs, else one after another."""
    by_judge: dict[str, list[Feedback]] = defaultdict(list)
    for feedback in sorted(verdicts, key=lambda each: (each.created_at, each.id)):
        if feedback.score is not None:
            by_judge[feedback.author or ""].append(feedback)
    several = [found for author, found in by_judge.items() if author and len(found) > 1][:MOST_LINES]
    every = [feedback for found in several for feedback in found]
    if not every:
        return []
    scores = [float(each.score) for each in every if each.score is not None]
    low, high = min(0.0, *scores), max(1.0, *scores)
    by_turn = all(each.last_turn for each in every) and len({each.last_turn for each in every}) > 1
    return [_line(at, found, low, high, by_turn=by_turn) for at, found in enumerate(several)]


def _line(at: int, found: list[Feedback], low: float, high: float, *, by_turn: bool) -> Line:
    places = [float(each.last_turn or 0) if by_turn else float(index) for index, each in enumerate(found)]
    begin, length = places[0], (places[-1] - places[0]) or 1
    points = [
        (20 + 960 * (place - begin) / length, 90 - 80 * (float(each.score or 0) - low) / (high - low))
        for place, each in zip(places, found, strict=True)
    ]
    dots = "".join(
        f'<circle class="l{at}" cx="{x / 10:.2f}%" cy="{y:.1f}" r="3"><title>{escape(said(each))}</title></circle>'
        for (x, y), each in zip(points, found, strict=True)
    )
    steps = "".join(
        f'<line class="l{at}" x1="{x1 / 10:.2f}%" y1="{y1:.1f}" x2="{x2 / 10:.2f}%" y2="{y2:.1f}"/>'
        for (x1, y1), (x2, y2) in pairwise(points)
    )
    return Line(judge_of(found[0]), mark_safe(steps + dots), len(found), said(found[0]), said(found[-1]))


def judge_of(feedback: Feedback) -> str:
    """Who gave it, by name where that is known."""
    if feedback.user_id is not None and feedback.user is not None:
        return str(feedback.user)
    source: dict[str, Any] = feedback.source or {}
    metadata = source.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    return str(metadata.get("judge") or source.get("user_name") or source.get("user_id") or feedback.source_type)[:80]
