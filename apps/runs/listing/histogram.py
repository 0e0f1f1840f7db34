"""How many rows of a list fall into which time: a strip of bars, each a link to the time it stands for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, Func, IntegerField, Max, Min, Q, QuerySet
from django.utils import timezone

from apps.common.templatetags.threadline import plural
from apps.runs.listing.asked import Asked
from apps.runs.listing.times import short, zoned

BARS: Final = 60
WIDTH, HEIGHT = 600, 36
# A bar stands for a length of time that people think in.
_STEPS: Final = tuple(
    timedelta(seconds=seconds)
    for seconds in (
        60, 5 * 60, 15 * 60, 30 * 60, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600, 86400, 2 * 86400, 7 * 86400, 14 * 86400,
        30 * 86400, 91 * 86400, 365 * 86400, 3650 * 86400,
    )
)  # fmt: skip
_EPOCH: Final = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Activity:
    """Which time of a row counts and which rows have failed. called is what the time is, verb what the rows did then: last active."""

    moment: str
    failed: Q
    called: str
    verb: str


@dataclass(frozen=True)
class Bar:
    """Where it stands in the picture, in its units, and the query of the list for its time."""

    x: float
    y: float
    width: float
    height: float
    bad_y: float
    bad_height: float
    label: str
    query: str


@dataclass(frozen=True)
class Histogram:
    """start and end are ISO times, which the brush counts from."""

    bars: list[Bar]
    start: str
    end: str
    step: float
    first: str
    last: str
    width: int = WIDTH
    height: int = HEIGHT


def histogram_of(rows: QuerySet[Any], activity: Activity, noun: str, asked: Asked, now: datetime) -> Histogram | None:
    """None where there is nothing to show."""
    ends = rows.order_by().aggregate(first=Min(activity.moment), last=Max(activity.moment))
    if ends["last"] is None:
        return None
    begin, end = asked.period(now)
    first = max(begin, ends["first"]) if begin else ends["first"]
    last = min(end, ends["last"]) if end else ends["last"]
    start, step, count = _scale(first, max(first, last))
    bucket = Func(
        F(activity.moment) - start,
        template=f"floor(extract(epoch FROM %(expressions)s) / {step.total_seconds()})::int",
        output_field=IntegerField(),
    )
    counted = (
        rows.order_by()
        .annotate(bucket=bucket)
        .values("bucket")
        .annotate(count=Count(activity.moment), failed=Count(activity.moment, filter=activity.failed))
    )
    found = {row["bucket"]: (row["count"], row["failed"]) for row in counted if 0 <= row["bucket"] < count}
    counts = [found.get(at, (0, 0)) for at in range(count)]
    return _drawn(counts, start, step, lambda number: f"{plural(number, noun)} {activity.verb}", asked)


def _scale(first: datetime, last: datetime) -> tuple[datetime, timedelta, int]:
    """The start of the first bar, the length of each and their number."""
    step = next((step for step in _STEPS if (last - first) / step < BARS - 1), _STEPS[-1])
    # Days begin at the reader's midnight.
    epoch = _EPOCH - (timezone.localtime(last).utcoffset() or timedelta())
    start = epoch + (first - epoch) // step * step
    return start, step, (last - start) // step + 1


def _drawn(
    counts: Sequence[tuple[int, int]], start: datetime, step: timedelta, told: Callable[[int], str], asked: Asked
) -> Histogram:
    most = max((count for count, _ in counts), default=0) or 1
    width = WIDTH / len(counts)
    bars = []
    for at, (count, failed) in enumerate(counts):
        if not count:
            continue
        since, until = start + at * step, start + (at + 1) * step
        # One row among thousands is still to be seen.
        high = max(2.0, HEIGHT * count / most)
        bad = max(1.5, high * failed / count) if failed else 0
        label = f"{told(count)} {short(since)} to {zoned(until)}"
        label += f", {failed:,} with errors" if failed else ""
        bars.append(
            Bar(
                round(at * width + width * 0.1, 2),
                round(HEIGHT - high, 2),
                round(min(width * 0.8, 24), 2),
                round(high, 2),
                round(HEIGHT - bad, 2),
                round(bad, 2),
                label,
                asked.query(since="", start=_iso(since), end=_iso(until)),
            )
        )
    end = start + len(counts) * step
    return Histogram(bars, _iso(start), _iso(end), step.total_seconds(), short(start), short(end))


def _iso(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"
