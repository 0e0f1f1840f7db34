"""What the URL of a list asks for: the filters, the words, the time, the order and the columns.

A saved filter is such a query string and nothing else, so links, exports and bulk actions all take the same.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from django.utils.module_loading import import_string

from apps.accounts.zones import zone_named
from apps.projects.values import utc
from apps.runs.query.fields import SEARCHED
from apps.runs.query.nodes import FilterError, Node, Search
from apps.runs.query.parse import MAX_WORDS, parse

# A parameter of the URL and the field that holds it.
PARAMETERS: Final = {
    "filter": "filter",
    "trace_filter": "trace_filter",
    "tree_filter": "tree_filter",
    "thread_filter": "thread_filter",
    "q": "q",
    "since": "since",
    "from": "start",
    "to": "end",
    "sort": "sort",
    "cols": "cols",
    "show": "show",
    "saved": "saved",
}
FILTERS: Final = ("filter", "trace_filter", "tree_filter", "thread_filter")
MAX_Q: Final = 1_000
MAX_COLS: Final = 60
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGE: Final = re.compile(r"([0-9]{1,5})\s*([smhdw])")


@dataclass(frozen=True)
class Asked:
    """The texts as the URL has them, sound or not: problems says what cannot be read, by the name of the field."""

    filter: str = ""
    trace_filter: str = ""
    tree_filter: str = ""
    thread_filter: str = ""
    q: str = ""
    since: str = ""
    start: str = ""
    end: str = ""
    sort: str = ""
    cols: tuple[str, ...] = ()
    show: str = ""
    saved: str = field(default="", compare=False)

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "Asked":
        """From request.GET or .POST; of a parameter given twice the last counts, and others are no part of it. zone names that of from and
        to, which become UTC, so that a link shows others the same."""
        texts = {name: str(given.get(parameter, "")).strip() for parameter, name in PARAMETERS.items()}
        if zone := zone_named(str(given.get("zone", ""))):
            texts |= {name: from_zone(texts[name], zone) for name in ("start", "end")}
        cols = tuple(dict.fromkeys(col for col in texts.pop("cols").split(",") if col))
        return cls(**texts, cols=cols[:MAX_COLS])

    @classmethod
    def of_query(cls, query: str) -> "Asked":
        """From a query string such as a saved filter stores."""
        return cls.of(dict(parse_qsl(query)))

    def but(self, **changes: Any) -> "Asked":
        """With these fields set otherwise."""
        return replace(self, **changes)

    def query(self, **changes: Any) -> str:
        """The query string with these fields set otherwise, without a question mark; what is empty is left out."""
        # Not by `but`: a page asks for two dozen, and another Asked for each would be half of what they take.
        wanted = self.__dict__ | changes
        texts = [(parameter, text) for parameter, name in PARAMETERS.items() if (text := wanted[name])]
        return urlencode([(name, ",".join(text) if isinstance(text, tuple) else text) for name, text in texts])

    @cached_property
    def nodes(self) -> dict[str, Node]:
        """The filters and words that can be read, by field."""
        return self._read[0]

    @cached_property
    def problems(self) -> dict[str, FilterError]:
        """A list with problems shows no rows: rows that were not asked for would be taken for the answer."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, Node], dict[str, FilterError]]:
        nodes: dict[str, Node] = {}
        problems: dict[str, FilterError] = {}
        for name, parser in _parsers().items():
            if text := getattr(self, name):
                try:
                    nodes[name] = parser(text)
                except FilterError as error:
                    problems[name] = error
        for name, read in (("since", age), ("start", moment), ("end", moment)):
            if text := getattr(self, name):
                try:
                    read(text)
                except FilterError as error:
                    problems[name] = error
        return nodes, problems

    def period(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """From when (inclusive) until when (exclusive); None is open. since counts before from and to."""
        if self.since and "since" not in self.problems:
            return now - age(self.since), None
        bounds = [
            moment(text) if text and name not in self.problems else None
            for name, text in (("start", self.start), ("end", self.end))
        ]
        return bounds[0], bounds[1]

    @property
    def is_narrow(self) -> bool:
        """Whether anything but order and columns is asked for."""
        return any(getattr(self, name) for name in (*FILTERS, "q", "since", "start", "end"))


def _parsers() -> dict[str, Callable[[str], Node]]:
    # By name: runs may not import threads.
    thread = import_string("apps.threads.filtering.parse_thread_filter")
    return {"filter": parse, "trace_filter": parse, "tree_filter": parse, "thread_filter": thread, "q": words}


def words(text: str) -> Node:
    """Full-text words, each of which must occur. Raises FilterError."""
    if len(text) > MAX_Q:
        raise FilterError(f"A search has at most {MAX_Q} characters", MAX_Q)
    if "\x00" in text:
        raise FilterError("This character cannot be stored, so no run has it", text.index("\x00"))
    found = tuple(dict.fromkeys(text.split()))
    if len(found) > MAX_WORDS:
        raise FilterError(f"A search has at most {MAX_WORDS} words", text.index(found[MAX_WORDS]))
    return Search(found, SEARCHED)


def age(text: str) -> timedelta:
    """15m, 3d or 2w. Raises FilterError."""
    match = _AGE.fullmatch(text.strip().lower())
    if match is None:
        raise FilterError("Expected a time span such as 15m, 24h, 3d or 2w")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def moment(text: str) -> datetime:
    """An ISO time; without an offset it is UTC. Raises FilterError."""
    try:
        return utc(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        raise FilterError("Expected a time such as 2026-03-01T12:00 or 2026-03-01") from None


def from_zone(text: str, zone: tzinfo) -> str:
    """A time without an offset is one of the zone; what is none stays, to be complained of."""
    try:
        local = datetime.fromisoformat(text)
        return text if local.tzinfo else local.replace(tzinfo=zone).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        return text


def saved_id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
