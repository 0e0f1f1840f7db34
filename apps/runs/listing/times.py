"""The time range of a list: presets, and how a range reads in words, in the zone of the reader."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from django.utils import timezone

from apps.common.templatetags.threadline import moment as moment_text
from apps.runs.listing.asked import Asked, moment
from apps.runs.query.nodes import FilterError

PRESETS: Final = {
    "": "All time",
    "15m": "Last 15 minutes",
    "1h": "Last hour",
    "24h": "Last 24 hours",
    "3d": "Last 3 days",
    "7d": "Last 7 days",
    "30d": "Last 30 days",
}
_UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}


@dataclass(frozen=True)
class Preset:
    label: str
    since: str
    query: str
    current: bool


@dataclass(frozen=True)
class Range:
    """What the time menu shows. start and end are what its fields for a date and a time take."""

    words: str
    presets: list[Preset]
    start: str
    end: str
    is_set: bool


def range_of(asked: Asked, now: datetime) -> Range:
    start, end = asked.period(now)
    exact = not asked.since
    is_set = bool(asked.since or asked.start or asked.end)
    presets = [
        Preset(
            label,
            since,
            asked.query(since=since, start="", end=""),
            asked.since == since and (bool(since) or not is_set),
        )
        for since, label in PRESETS.items()
    ]
    return Range(
        _words(asked, start if exact else None, end if exact else None),
        presets,
        field_value(start) if exact and start else "",
        field_value(end) if exact and end else "",
        is_set,
    )


def _words(asked: Asked, start: datetime | None, end: datetime | None) -> str:
    if asked.since:
        return f"Last {asked.since}" if "since" in asked.problems else span(asked.since)
    if start and end:
        return f"{short(start)} to {zoned(end)}"
    if start:
        return f"From {zoned(start)}"
    return f"Until {zoned(end)}" if end else PRESETS[""]


def span(since: str) -> str:
    """Last hour, Last 36 hours."""
    if since in PRESETS:
        return PRESETS[since]
    number, unit = since.rstrip("smhdwSMHDW").strip(), _UNITS[since.strip()[-1].lower()]
    return f"Last {number} {unit}{'s' if number != '1' else ''}"


def short(value: datetime) -> str:
    return moment_text(value).removesuffix(":00")


def zoned(value: datetime) -> str:
    return f"{short(value)} {timezone.localtime(value):%Z}"


def field_value(value: datetime) -> str:
    return f"{timezone.localtime(value):%Y-%m-%dT%H:%M}"


def hidden(asked: Asked, *without: str) -> list[tuple[str, str]]:
    """The parameters that a form keeps which sets these fields itself."""
    changes: dict[str, Any] = {name: () if name == "cols" else "" for name in without}
    return parse_qsl(asked.query(**changes))


def moment_of(text: str) -> datetime | None:
    """Of an ISO time; None for any other text."""
    try:
        return moment(text)
    except FilterError:
        return None
