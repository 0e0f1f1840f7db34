"""Writes the search tables. The ingest marks runs (`mark`); the worker indexes them a moment later, and a search those that still wait.

So a search finds what was written before it, and the acknowledgement of a batch never waits for an index. Whoever takes marks holds
one lock until the rows are committed: a searcher waits for the worker's batch instead of missing it.
"""

import logging
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from threading import Event
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from django.db import DatabaseError, close_old_connections, connection, transaction

from apps.projects.models import Project
from apps.runs.ingest.sql import uuids
from apps.runs.search import keys, rows, vocabulary
from apps.runs.search.text import Text, text_of, words_in

BATCH: Final = 500
CAUGHT_UP: Final = 2_000
"""So many waiting runs, the newest, a search indexes itself. Older ones behind them are found when the worker has come to them."""
SETTLE_SECONDS: Final = 2
_LOCK: Final = 7_267_301  # any number that nothing else here locks

_MARK = """
INSERT INTO runs_searchpending (marked_at, trace_id, id)
SELECT now(), trace_id, id FROM unnest(%(trace_of)s::uuid[], %(ids)s::uuid[]) AS run (trace_id, id) ON CONFLICT DO NOTHING
"""
_MARK_ALL = "INSERT INTO runs_searchpending (marked_at, trace_id, id) SELECT least(start_time, now()), trace_id, id FROM runs_run"
_FORGET = "DELETE FROM runs_searchtext WHERE trace_id = ANY(%(traces)s)"
_WAITING = "SELECT EXISTS (SELECT FROM runs_searchpending)"
_TAKE = """
DELETE FROM runs_searchpending WHERE (marked_at, trace_id, id) IN (
    SELECT marked_at, trace_id, id FROM runs_searchpending WHERE marked_at <= now() - make_interval(secs => %(age)s) {found}
    ORDER BY marked_at {order}, trace_id {order}, id {order} LIMIT %(limit)s
) RETURNING trace_id, id
"""
_TAKE_OLDEST = _TAKE.format(order="", found="")
# Marked as -infinity are those that a migration wants indexed anew: they are found all the same.
_TAKE_NEWEST = _TAKE.format(order="DESC", found="AND marked_at > '-infinity'")
_ASKED = "({0}.trace_id, {0}.id) IN (SELECT * FROM unnest(%(trace_of)s::uuid[], %(ids)s::uuid[]))"
_READ = f"""
SELECT run.trace_id, run.id, run.project_id, run.name, run.error, run.tags, run.metadata::text, run.inputs, run.outputs,
    trace.thread_id IS NOT NULL AS in_thread
FROM runs_run AS run LEFT JOIN runs_trace AS trace ON trace.trace_id = run.trace_id
WHERE {_ASKED.format("run")}
ORDER BY run.trace_id, run.start_time, run.id
"""
_KNOWN = (
    "SELECT trace_id, id, words FROM runs_searchtext WHERE trace_id = ANY(%(traces)s::uuid[]) AND words IS NOT NULL"
)
_REMOVE = f"DELETE FROM runs_searchtext AS text WHERE {_ASKED.format('text')}"

_log = logging.getLogger(__name__)


class _Run(NamedTuple):
    trace_id: UUID
    id: UUID
    project_id: UUID
    name: str
    error: str | None
    tags: list[str] | None
    metadata: str | None
    inputs: bytes | None
    outputs: bytes | None
    in_thread: bool

    def text(self) -> Text:
        about = self.name, self.error, self.tags
        try:
            metadata = msgspec.json.decode(self.metadata or "null")
            return text_of(*about, metadata, self.inputs, self.outputs, in_thread=self.in_thread)
        except (msgspec.DecodeError, RecursionError):
            # Numbers that jsonb holds and Python does not; one run must not hold up the others.
            _log.warning("Could not read run %s for search", self.id, exc_info=True)
            return text_of(*about, None, None, None, in_thread=self.in_thread)


def catch_up(limit: int = CAUGHT_UP) -> int:
    """Index what waits, the newest first. Returns how many marks were taken."""
    if not is_behind():  # nor may another hold some: its rows would still be seen here
        return 0
    return _index(_TAKE_NEWEST, limit=limit, age=0)


def is_behind() -> bool:
    """Whether runs wait to be indexed. Those after a migration have no numbers of pairs yet."""
    with connection.cursor() as cursor:
        cursor.execute(_WAITING)
        return bool(cursor.fetchone()[0])


def index_settled(limit: int = BATCH) -> int:
    """Index what was written a moment ago, the oldest first: by then a run's post and patch have often both come."""
    return _index(_TAKE_OLDEST, limit=limit, age=SETTLE_SECONDS)


def index_steadily(stop: Event) -> None:
    """The worker's part, until `stop` is set."""
    while not stop.is_set():
        taken = 0
        close_old_connections()
        try:
            taken = index_settled()
        except DatabaseError:  # restarting, or going away: the marks are still there
            _log.warning("Could not index for search; trying again", exc_info=True)
        if taken < BATCH:
            stop.wait(SETTLE_SECONDS)
    connection.close()


def reindex(project: Project | None = None) -> int:
    """Drop what the index has of the project, or of all, and have its runs indexed again. Returns how many there are."""
    where, params = ("WHERE project_id = %s", [project.pk]) if project else ("", [])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if project is None:
            cursor.execute("TRUNCATE runs_searchword")
        cursor.execute(f"DELETE FROM runs_searchtext {where}", params)
        cursor.execute(f"{_MARK_ALL} {where} ON CONFLICT DO NOTHING", params)
        return int(cursor.rowcount)


def mark(cursor: "psycopg.Cursor[Any]", runs: Iterable[tuple[UUID, UUID]]) -> None:
    """Have these runs, told by trace id and id, indexed again."""
    cursor.execute(_MARK, _halves(runs), prepare=True)


def forget(cursor: "psycopg.Cursor[Any]", traces: Iterable[UUID]) -> None:
    """Drop what the index has of these traces, whose runs are gone."""
    cursor.execute(_FORGET, {"traces": list(traces)})


def _halves(runs: Iterable[tuple[UUID, UUID]]) -> dict[str, str]:
    """Trace ids and ids, as two arrays."""
    told = list(runs)
    return {"trace_of": uuids(trace for trace, _ in told), "ids": uuids(run for _, run in told)}


def _index(take: str, *, limit: int, age: float) -> int:
    with transaction.atomic(), connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(take, {"limit": limit, "age": age}, binary=True)
        taken = cursor.fetchall()
        for start in range(0, len(taken), BATCH):
            _put(cursor, taken[start : start + BATCH])
    return len(taken)


def _put(cursor: "psycopg.Cursor[Any]", asked: Iterable[tuple[UUID, UUID]]) -> None:
    cursor.execute(_READ, _halves(sorted(set(asked))), binary=True)
    found = [_Run(*row) for row in cursor.fetchall()]
    stored: dict[UUID, dict[UUID, set[int]]] = {run.trace_id: {} for run in found}
    cursor.execute(_KNOWN, {"traces": uuids(stored)}, binary=True)
    for trace, run_id, words in cursor.fetchall():
        stored[trace][run_id] = keys.unsigned(words)
    cursor.execute(_REMOVE, _halves((run.trace_id, run.id) for run in found))
    learnt: set[bytes] = set()
    written = []
    for trace, group in groupby(found, attrgetter("trace_id")):
        written += _rows(list(group), stored[trace], learnt)
    if written:
        with cursor.copy(rows.COPY) as copy:
            copy.write(b"".join((rows.HEAD, *written, rows.TAIL)))
        vocabulary.learn(cursor, learnt)


def _rows(runs: list[_Run], stored: dict[UUID, set[int]], learnt: set[bytes]) -> list[bytes]:
    """Of runs of one trace. Their new words and pairs go into one row; once there they stay, for other runs rely on them."""
    texts = [run.text() for run in runs]
    words = words_in("\n".join([side for text in texts for side in text.lines]))
    learnt |= words
    new = keys.of_words(words).union(*(text.pairs for text in texts)).difference(*stored.values())
    carrier = next((run for run in runs if run.id in stored), runs[0])
    if new:
        stored[carrier.id] = stored.get(carrier.id, set()) | new
    return [
        rows.row(run.trace_id, run.id, run.project_id, text, stored.get(run.id))
        for run, text in zip(runs, texts, strict=True)
    ]
