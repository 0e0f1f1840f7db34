"""What a run told while it went on: its events, with tokens that came one after another on one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from apps.runs.preview import compact
from apps.runs.shapes import Json

MAX_EVENTS: Final = 20_000
MAX_LINES: Final = 100


@dataclass
class Event:
    name: str
    after: timedelta | None
    """Since the start of the run; None where the event has no time that can be read."""
    until: timedelta | None
    """Of the last one on the line."""
    count: int = 1
    first_token: bool = False
    line: str = ""


def events_of(value: Json, start: datetime) -> list[Event]:
    """At most MAX_LINES; nothing for what is not a list of events."""
    found: list[Event] = []
    seen_token = False
    for event in _read(value, start):
        last = found[-1] if found else None
        if event.name == "new_token":
            event.first_token = not seen_token
            seen_token = True
        if last and last.name == event.name == "new_token":
            last.count += 1
            last.until = event.after or last.until
        elif len(found) == MAX_LINES:
            break
        else:
            found.append(event)
    return found


def _read(value: Json, start: datetime) -> Iterator[Event]:
    for item in islice(value if type(value) is list else [], MAX_EVENTS):
        if type(item) is not dict:
            continue
        name = item.get("name")
        after = _after(item.get("time"), start)
        rest = {
            key: inner for key, inner in item.items() if key not in ("name", "time") and inner not in (None, {}, "")
        }
        yield Event(name[:80] if type(name) is str else "event", after, after, line=compact(rest, 120) if rest else "")


def _after(time: Json, start: datetime) -> timedelta | None:
    """Times come as ISO texts, with or without a zone; without one they are UTC, as in the SDKs."""
    if type(time) is not str or len(time) > 40:
        return None
    try:
        moment = datetime.fromisoformat(time)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - start
    except (ValueError, OverflowError):
        return None
