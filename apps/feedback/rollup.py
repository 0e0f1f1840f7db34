"""What feedback adds up to by thread, kept by the difference that each change of a row makes. Runs inside the writer's transaction.

Rows are locked in the order of their keys, and always after traces, threads and tallies: writers queue up and never deadlock.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

COUNTED = "({0}.current AND NOT {0}.waiting AND {0}.thread IS NOT NULL)"
_FACTS = (
    "thread",
    "project_id",
    "level",
    "key",
    "score",
    "labels",
    "source_type",
    "comment IS NOT NULL",
    "error",
)
_SIDE = len(_FACTS) + 1


def _facts(side: str) -> str:
    return ", ".join((*(f"{side}.{fact}" for fact in _FACTS), COUNTED.format(side)))


# What each statement that changes feedback returns, so that the rollup learns of it.
RETURNING = f"RETURNING {_facts('old')}, {_facts('new')}"

ADD_SCORES = """
INSERT INTO feedback_threadscore AS t (thread, level, key, project_id, count, scored, comments, errors, total, squares, low, high)
SELECT * FROM unnest(%(thread)s::uuid[], %(level)s::text[], %(key)s::text[], %(project)s::uuid[], %(count)s::int[], %(scored)s::int[],
    %(comments)s::int[], %(errors)s::int[], %(total)s::numeric[], %(squares)s::numeric[], %(low)s::numeric[], %(high)s::numeric[])
ON CONFLICT (thread, level, key) DO UPDATE SET project_id = excluded.project_id, count = t.count + excluded.count,
    scored = t.scored + excluded.scored, comments = t.comments + excluded.comments, errors = t.errors + excluded.errors,
    total = t.total + excluded.total, squares = t.squares + excluded.squares,
    low = least(t.low, excluded.low), high = greatest(t.high, excluded.high)
"""
_END = "SELECT {0}(score) FROM feedback_feedback WHERE thread = t.thread AND level = t.level AND key = t.key AND current AND NOT waiting"
# A statement of its own, begun when the rows are locked: it sees what the writers before have committed.
FIND_ENDS = f"""
UPDATE feedback_threadscore AS t SET low = ({_END.format("min")}), high = ({_END.format("max")})
FROM unnest(%(thread)s::uuid[], %(level)s::text[], %(key)s::text[]) AS k (thread, level, key)
WHERE t.thread = k.thread AND t.level = k.level AND t.key = k.key
"""
ADD_LABELS = """
INSERT INTO feedback_threadlabel AS t (thread, level, key, kind, label, project_id, count)
SELECT * FROM unnest(%(thread)s::uuid[], %(level)s::text[], %(key)s::text[], %(kind)s::text[], %(label)s::text[], %(project)s::uuid[],
    %(count)s::int[])
ON CONFLICT (thread, level, key, kind, label) DO UPDATE SET project_id = excluded.project_id, count = t.count + excluded.count
"""
DROP_EMPTY = "DELETE FROM {table} WHERE thread = ANY(%(thread)s) AND count <= 0"


class Facts(NamedTuple):
    """One side, old or new, of a row of feedback."""

    thread: UUID
    project_id: UUID
    level: str
    key: str
    score: Decimal | None
    labels: list[str]
    source_type: str
    has_comment: bool
    error: bool


class Delta:
    """What a write adds to one key and level of a thread; negative where feedback left it."""

    def __init__(self) -> None:
        self.project: UUID | None = None
        self.count = self.scored = self.comments = self.errors = 0
        self.total = self.squares = Decimal(0)
        self.low: Decimal | None = None
        self.high: Decimal | None = None
        self.lost_a_score = False
        self.labels: Counter[tuple[str, str]] = Counter()

    def add(self, facts: Facts, sign: int) -> None:
        self.count += sign
        self.comments += sign * facts.has_comment
        self.errors += sign * facts.error
        for kind, label in (*(("value", label) for label in facts.labels), ("source", facts.source_type)):
            self.labels[kind, label] += sign
        if sign > 0 or self.project is None:
            self.project = facts.project_id
        if facts.score is not None:
            self._add_score(facts.score, sign)

    def _add_score(self, score: Decimal, sign: int) -> None:
        self.scored += sign
        self.total += sign * score
        self.squares += sign * score * score
        if sign < 0:
            self.lost_a_score = True
            return
        self.low = score if self.low is None else min(self.low, score)
        self.high = score if self.high is None else max(self.high, score)


type Key = tuple[UUID, str, str]


def keys_of(rows: Iterable[Sequence[Any]]) -> list[str]:
    """The feedback keys in what RETURNING gave."""
    at = _FACTS.index("key")
    return sorted({key for row in rows for key in (row[at], row[_SIDE + at]) if key})


def add_up(cursor: "psycopg.Cursor[Any]", rows: Iterable[Sequence[Any]]) -> None:
    """rows are what RETURNING gave."""
    deltas: dict[Key, Delta] = {}
    for row in rows:
        old, new = row[:_SIDE], row[_SIDE:]
        if old == new:
            continue
        for side, sign in ((old, -1), (new, 1)):
            if side[-1]:
                facts = Facts(*side[:-1])
                deltas.setdefault((facts.thread, facts.level, facts.key), Delta()).add(facts, sign)
    if deltas:
        _write(cursor, sorted(deltas.items()))


def _write(cursor: "psycopg.Cursor[Any]", deltas: list[tuple[Key, Delta]]) -> None:
    names = ("project", "count", "scored", "comments", "errors", "total", "squares", "low", "high")
    columns = _keys(key for key, _ in deltas)
    cursor.execute(ADD_SCORES, columns | {name: [getattr(delta, name) for _, delta in deltas] for name in names})
    if lost := [key for key, delta in deltas if delta.lost_a_score]:
        cursor.execute(FIND_ENDS, _keys(lost))
    _write_labels(cursor, deltas)
    if any(delta.count < 0 for _, delta in deltas):
        cursor.execute(DROP_EMPTY.format(table="feedback_threadscore"), columns)


def _write_labels(cursor: "psycopg.Cursor[Any]", deltas: list[tuple[Key, Delta]]) -> None:
    rows = [
        (key, kind, label, delta.project, count)
        for key, delta in deltas
        for (kind, label), count in sorted(delta.labels.items())
        if count
    ]
    if not rows:
        return
    columns = _keys(row[0] for row in rows)
    for index, name in enumerate(("kind", "label", "project", "count"), start=1):
        columns[name] = [row[index] for row in rows]
    cursor.execute(ADD_LABELS, columns)
    if any(row[-1] < 0 for row in rows):
        cursor.execute(DROP_EMPTY.format(table="feedback_threadlabel"), columns)


def _keys(keys: Iterable[Key]) -> dict[str, Any]:
    listed = list(keys)
    return {name: [key[index] for key in listed] for index, name in enumerate(("thread", "level", "key"))}
