"""Find in thread: the places in all runs of a thread where words stand, told by the search index and by the runs themselves.

A place is a run's name, its error, its inputs or its outputs. What clients send again with each turn is left out, as in the index: it
would be found once a turn.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import connection

from apps.runs import messages, shapes
from apps.runs.find_in import MAX_WORDS, Spot, first_spot, pattern_of
from apps.runs.models import Run
from apps.runs.payloads import RUN_BYTES, TURN_BYTES, read
from apps.runs.place import AROUND, Place
from apps.runs.places import written
from apps.runs.search import index
from apps.runs.search.text import MAX_SIDE, fold
from apps.threads.models import Thread

MAX_HITS: Final = 1_000
MAX_TURNS: Final = 10_000
MAX_RUNS: Final = 40_000
"""Runs that are looked into for one question."""
MAX_LONG: Final = 60
"""Runs that may be longer than the index keeps and are read whole for one question."""
_LONG: Final = MAX_SIDE // 2
"""Bytes in the index from which on a text may have been cut: white space was still in it then."""
MOST_LINKS: Final = 60
"""Turns that are linked at a time."""
SIDES: Final = ("name", "error", "inputs", "outputs")

# The index tells the text of a run; the run itself is read only where that matches. Both of a trace lie together.
_FIND = """
WITH turn AS (
    SELECT trace_id, row_number() OVER (ORDER BY start_time, trace_id) AS number
    FROM runs_trace WHERE project_id = %(project)s AND thread_id = %(thread)s
    ORDER BY start_time, trace_id LIMIT %(turns)s
), text AS MATERIALIZED (
    SELECT turn.number, text.trace_id, text.id, strpos(text.about, %(words)s) > 0 AS about,
        strpos(text.inputs, %(words)s) > 0 AS inputs, strpos(text.outputs, %(words)s) > 0 AS outputs,
        octet_length(text.inputs) >= %(long)s AS long_inputs, octet_length(text.outputs) >= %(long)s AS long_outputs
    FROM turn JOIN runs_searchtext AS text USING (trace_id) LIMIT %(runs)s
)
SELECT text.number, run.id, run.name, run.run_type, run.dotted_order,
    text.about AND strpos(lower(run.name), %(words)s) > 0, text.about AND strpos(lower(run.error), %(words)s) > 0,
    text.inputs, text.outputs, text.long_inputs AND NOT text.inputs, text.long_outputs AND NOT text.outputs
FROM text JOIN runs_run AS run ON run.trace_id = text.trace_id AND run.id = text.id
WHERE text.about OR text.inputs OR text.outputs OR text.long_inputs OR text.long_outputs
ORDER BY text.number, run.dotted_order COLLATE "C" LIMIT %(rows)s
"""
_RUNS = """
SELECT coalesce(sum(run_count), 0) FROM runs_trace WHERE project_id = %s AND thread_id = %s
"""


class Hit(NamedTuple):
    turn: int
    run_id: UUID
    name: str
    run_type: str
    side: str


class _Found(NamedTuple):
    """A row of _FIND."""

    turn: int
    run_id: UUID
    name: str
    run_type: str
    dotted_order: str
    in_name: bool
    in_error: bool | None
    in_inputs: bool
    in_outputs: bool
    long_inputs: bool
    long_outputs: bool

    def hit(self, side: str) -> Hit:
        return Hit(self.turn, self.run_id, self.name, self.run_type, side)


@dataclass(frozen=True)
class Turn:
    """Of the turns with hits; `at` is the number of its first one."""

    number: int
    count: int
    at: int
    url: str
    current: bool


@dataclass(frozen=True)
class Found:
    """What templates/threads/found.html shows. `at` is the number of the hit that the reader has come to, from 1; 0 for none yet."""

    thread: Thread
    words: str
    place: Place
    view: str
    hits: list[Hit]
    at: int = 0
    limits: list[str] = field(default_factory=list)
    """Why there may be more hits than these."""

    @cached_property
    def counts(self) -> Counter[int]:
        """Hits by the number of the turn, which are in order."""
        return Counter(hit.turn for hit in self.hits)

    @cached_property
    def turns(self) -> list[Turn]:
        """MOST_LINKS of them, that of the current hit among these."""
        current = self.current.turn if self.current else 0
        numbers = list(self.counts)
        middle = numbers.index(current) if current else 0
        begin = max(0, min(middle - MOST_LINKS // 2, len(numbers) - MOST_LINKS))
        at = 1 + sum(self.counts[number] for number in numbers[:begin])
        found = []
        for number in numbers[begin : begin + MOST_LINKS]:
            found.append(Turn(number, self.counts[number], at, self.url(at), number == current))
            at += self.counts[number]
        return found

    @property
    def more_turns(self) -> int:
        return len(self.counts) - len(self.turns)

    @property
    def current(self) -> Hit | None:
        return self.hits[self.at - 1] if self.at else None

    @property
    def here(self) -> str:
        return self.url(self.at)

    @property
    def next(self) -> str:
        return self.url(self.at % len(self.hits) + 1) if self.hits else ""

    @property
    def previous(self) -> str:
        return self.url((self.at - 2) % len(self.hits) + 1 if self.at else len(self.hits)) if self.hits else ""

    def url(self, number: int) -> str:
        """Of the hit with that number, in the view that is shown."""
        return self._url(number, self.view)

    def _url(self, number: int, view: str) -> str:
        hit = self.hits[number - 1]
        asked = {"turn": str(hit.turn), "find": self.words, "hit": str(number)}
        if view == "trace":
            asked |= {"view": "trace", "run": str(hit.run_id)}
        return f"{self._place(asked).url()}#turn-{hit.turn}"

    def _place(self, asked: dict[str, str]) -> Place:
        return replace(self.place, asked={name: self.place.asked.get(name, "") for name in AROUND} | asked)

    @property
    def cleared(self) -> str:
        """The same page without what was found."""
        asked = {"view": "trace"} if self.view == "trace" else {}
        return self._place(asked | {"turn": str(self.current.turn) if self.current else ""}).url()

    @property
    def in_trace_view(self) -> str:
        return self._url(self.at, "trace") if self.at else ""

    @property
    def in_json(self) -> str:
        """Of the very value, in the JSON of its run."""
        if self.current is None or self.spot is None:
            return ""
        hit = {"view": "trace", "turn": str(self.current.turn), "run": str(self.current.run_id), "hit": str(self.at)}
        return self._place(hit | {"find": self.words, "as": "json", "path": self.spot.path}).url()

    @cached_property
    def spot(self) -> "Seen | None":
        """The text of the current hit around the words."""
        return see(self.thread, self.current, self.words) if self.current else None


@dataclass(frozen=True)
class Seen:
    spot: Spot
    path: str


def find(thread: Thread, place: Place, view: str) -> Found:
    """What ?find= asks for. The reader has come to the place that ?hit= names, else the first one in ?run= or from ?turn= on."""
    words = place.asked.get("find", "")
    words = " ".join(words[:MAX_WORDS].split())
    if not words or "\0" in words:
        return Found(thread, "", place, view, [])
    index.catch_up()
    rows = _rows(thread, words)
    hits, limits = _hits(thread, rows[:MAX_HITS], words)
    if len(rows) > MAX_HITS or len(hits) > MAX_HITS:
        limits.insert(0, f"Stopped after {MAX_HITS:,} places.")
    if _runs_in(thread) > MAX_RUNS:
        limits.append(f"Only {MAX_RUNS:,} runs of the thread were looked into.")
    if thread.turns > MAX_TURNS:
        limits.append(f"Only the first {MAX_TURNS:,} turns were looked into.")
    hits = hits[:MAX_HITS]
    return Found(thread, words, place, view, hits, _at(hits, place.asked), limits)


def _at(hits: list[Hit], asked: Mapping[str, str]) -> int:
    if number := _number(asked.get("hit", "")):
        return min(number, len(hits))
    if run := asked.get("run"):
        return next((at for at, hit in enumerate(hits, 1) if str(hit.run_id) == run), 0)
    turn = _number(asked.get("turn", ""))
    return next((at for at, hit in enumerate(hits, 1) if hit.turn >= turn), min(1, len(hits)))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _rows(thread: Thread, words: str) -> list[_Found]:
    params: dict[str, Any] = {
        "project": thread.project_id, "thread": thread.thread_id, "words": fold(words),
        "turns": MAX_TURNS, "runs": MAX_RUNS, "rows": MAX_HITS + 1, "long": _LONG,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FIND, params)
        return [_Found(*row) for row in cursor.fetchall()]


def _runs_in(thread: Thread) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, [thread.project_id, thread.thread_id])
        return int(cursor.fetchone()[0])


def _hits(thread: Thread, rows: list[_Found], words: str) -> tuple[list[Hit], list[str]]:
    """Every place of the rows in order, and what was not looked into."""
    long = [row for row in rows if row.long_inputs or row.long_outputs]
    deep = _beyond_the_index(thread, long[:MAX_LONG], words)
    hits = []
    for row in rows:
        told = (row.in_name, bool(row.in_error), row.in_inputs, row.in_outputs)
        sides = {side for side, there in zip(SIDES, told, strict=True) if there} | deep.get(row.run_id, set())
        hits += [row.hit(side) for side in SIDES if side in sides]
    if len(long) <= MAX_LONG:
        return hits, []
    return hits, [f"{len(long) - MAX_LONG:,} long runs may have more places past their first {MAX_SIDE:,} characters."]


def _beyond_the_index(thread: Thread, rows: list[_Found], words: str) -> dict[UUID, set[str]]:
    """By run id: the sides of long runs where the words stand past what the index keeps."""
    pattern = pattern_of(words)
    if not rows or pattern is None:
        return {}
    found: dict[UUID, set[str]] = {}
    wanted = {row.run_id: row for row in rows}
    runs = Run.objects.in_project(thread.project).filter(id__in=wanted).only("id", "trace_id", "inputs", "outputs")
    for run in runs:
        row = wanted[run.id]
        sides = [side for side, long in (("inputs", row.long_inputs), ("outputs", row.long_outputs)) if long]
        for side in sides:
            value = read(getattr(run, side), TURN_BYTES).value
            if first_spot(value, pattern, _history(side, value)):
                found.setdefault(run.id, set()).add(side)
    return found


def see(thread: Thread, hit: Hit, words: str) -> Seen | None:
    """None where the words stand in what the reader is not shown, such as a field of many megabytes."""
    pattern = pattern_of(words)
    run = Run.objects.in_project(thread.project).with_id(hit.run_id).first()
    if run is None or pattern is None:
        return None
    if hit.side == "error":
        value: Any = run.error
    elif hit.side == "name":
        value = run.name
    else:
        value = read(getattr(run, hit.side), RUN_BYTES).value
    spot = first_spot(value, pattern, _history(hit.side, value)) or first_spot(value, pattern)
    return Seen(spot, written((hit.side, *spot.steps))) if spot else None


def _history(side: str, value: Any) -> Collection[int]:
    """id()s of the messages that an earlier turn has sent already."""
    items = shapes.messages_of(value) if side in ("inputs", "outputs") else None
    if not items:
        return ()
    start = messages.last_user(items) + (side == "outputs")
    return {id(item) for item in items[: max(start, 0)]}
