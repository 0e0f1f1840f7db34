"""The URL of a page with a tree of runs and one run beside it. It holds all that the reader has chosen."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self
from urllib.parse import urlencode
from uuid import UUID

from django.utils.encoding import escape_uri_path

MAX_VALUE: Final = 2_000
TREE: Final = ("runs", "only", "bars")
"""What the tree is asked for: a filter, whether it shows nothing but what matches, and whether it draws a waterfall."""
PANE: Final = ("as", "in", "find", "list", "order")
"""How a run is read, the words looked for in it and in its whole thread, the list it was opened from; kept from one run to the next."""
HERE: Final = ("path", "load", "hit")
"""A place in the one run that is shown."""
AROUND: Final = ("list", "order")
"""What the page of a thread carries along: the list it was opened from, and the order of its turns."""
_KNOWN: Final = ("view", "turn", "run", "from", *AROUND, *TREE, *PANE, *HERE)


@dataclass(frozen=True)
class Place:
    path: str
    asked: dict[str, str]
    in_thread: bool = False
    """Whether the page is a thread's, which names the run in ?run= and its turn in ?turn=."""
    runs_path: str = ""
    """What stands before a run's id in the URL of its own page."""

    @classmethod
    def of(cls, path: str, query: Mapping[str, str], *, in_thread: bool = False, runs_path: str = "") -> Self:
        asked = {name: query[name][:MAX_VALUE] for name in _KNOWN if query.get(name)}
        if in_thread:
            asked["view"] = "trace"
        return cls(escape_uri_path(path), asked, in_thread, escape_uri_path(runs_path))

    def at(self, **changes: str) -> Self:
        return replace(self, asked=self.asked | changes)

    def url(self, **changes: str) -> str:
        """With other values; an empty one leaves the name out."""
        return self._url(self.asked | changes)

    def _url(self, values: Mapping[str, str]) -> str:
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{self.path}?{query}" if query else self.path

    def to_run(self, run_id: UUID | str, turn: int = 0, **changes: str) -> str:
        """Of the same page with another run in it."""
        if self.in_thread:
            return (
                f"{self.path}?view=trace&turn={turn}&run={run_id}{self._kept if not changes else self._tail(changes)}"
            )
        tail = self._kept if not changes else self._tail(changes)
        return f"{self.runs_path}{run_id}{'?' + tail[1:] if tail else ''}"

    @cached_property
    def _kept(self) -> str:
        return self._tail({})

    def _tail(self, changes: Mapping[str, str]) -> str:
        kept = {name: self.asked[name] for name in (*AROUND, *TREE, *PANE) if name in self.asked} | dict(changes)
        query = urlencode({name: value for name, value in kept.items() if value})
        return f"&{query}" if query else ""

    @property
    def words(self) -> str:
        return self.asked.get("runs", "")

    @property
    def only(self) -> bool:
        return self.asked.get("only") == "1" and bool(self.words)

    @property
    def bars(self) -> bool:
        return self.asked.get("bars") != "off"

    @property
    def find(self) -> str:
        """Words to be marked."""
        return self.asked.get("in", "") or self.asked.get("find", "")

    @property
    def form(self) -> str:
        """rendered, json or yaml. A place inside a field can only be pointed at in the JSON."""
        asked = self.asked.get("as", "")
        if asked in ("json", "yaml"):
            return asked
        return "json" if "path" in self.asked and asked != "rendered" else "rendered"

    @property
    def forms(self) -> list[tuple[str, str, str]]:
        """Name, label and URL of each."""
        labels = (("rendered", "Rendered"), ("json", "JSON"), ("yaml", "YAML"))
        return [(name, label, self.url(**{"as": name, "path": "", "hit": ""})) for name, label in labels]

    @property
    def bars_switched(self) -> str:
        return self.url(bars="off" if self.bars else "")

    @property
    def in_context(self) -> str:
        return self.url(only="")

    @property
    def matches_only(self) -> str:
        return self.url(only="1")

    @property
    def unfiltered(self) -> str:
        return self.url(runs="", only="")

    @property
    def filter_fields(self) -> list[tuple[str, str]]:
        """What the form of the filter sends along."""
        return self._without("runs", "from")

    @property
    def find_fields(self) -> list[tuple[str, str]]:
        return self._without("in", "hit", "path")

    def _without(self, *names: str) -> list[tuple[str, str]]:
        return [(name, value) for name, value in self.asked.items() if name not in names]
