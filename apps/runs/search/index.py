"""Writes the search tables. The ingest marks runs (`mark`); the worker indexes them a moment later, and a search those that still wait.

So a search finds what was written before it, and the acknowledgement of a batch never waits for an index. Whoever takes marks holds
one lock until the rows are committed: a searcher waits for the worker's batch instead of missing it.
"""

import logging
from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from threading import Event
from typing import Any, Final, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from django.db import DatabaseError, close_old_connections, connection, transaction

from apps.projects.models import Project
from apps.runs.ingest.sql import array
from apps.runs.search.text import Text, text_of, words_in

BATCH: Final = 500
CAUGHT_UP: Final = 2_000
"""So many waiting runs, the newest, a search indexes itself. Older ones behind them are found when the worker has come to them."""
SETTLE_SECONDS: Final = 2
_LOCK: Final = 7_267_301  # any number that nothing else here locks

_MARK = """
INSERT INTO runs_searchpending (marked_at, trace_id, id)
SELECT now(), trace_id, id FROM unnest(%(traces)s::uuid[], %(ids)s::uuid[]) AS run (trace_id, id) ON CONFLICT DO NOTHING
"""
_MARK_ALL = "INSERT INTO runs_searchpending (marked_at, trace_id, id) SELECT least(start_time, now()), trace_id, id FROM runs_run"
_FORGET = "DELETE FROM runs_searchtext WHERE trace_id = ANY(%(traces)s)"
_TAKE = """
DELETE FROM runs_searchpending WHERE (marked_at, trace_id, id) IN (
    SELECT marked_at, trace_id, id FROM runs_searchpending WHERE marked_at <= now() - make_interval(secs => %(age)s)
    ORDER BY marked_at {order}, trace_id, id LIMIT %(limit)s
) RETURNING trace_id, id
"""
_TAKE_OLDEST = _TAKE.format(order="")
_TAKE_NEWEST = _TAKE.format(order="DESC")
_READ = """
SELECT run.trace_id, run.id, run.project_id, run.name, run.error, run.tags, run.metadata::text, run.inputs, run.outputs,
    trace.thread_id IS NOT NULL AS in_thread
FROM runs_run AS run LEFT JOIN runs_trace AS trace ON trace.trace_id = run.trace_id
WHERE run.trace_id = ANY(%(traces)s)
    AND (run.trace_id, run.id) IN (SELECT * FROM unnest(%(trace_of)s::uuid[], %(ids)s::uuid[]))
ORDER BY run.trace_id, run.start_time, run.id
"""
_KNOWN = """
SELECT trace_id, id, tsvector_to_array(words) FROM runs_searchtext WHERE trace_id = ANY(%(traces)s) AND words IS NOT NULL
"""
_LEARN = "INSERT INTO runs_searchword (word) SELECT json_array_elements_text(%s::json) ON CONFLICT DO NOTHING"
_COLUMNS: Final = {
    "trace_id": "uuid",
    "id": "uuid",
    "project_id": "uuid",
    "about": "text",
    "inputs": "text",
    "outputs": "text",
    "words": "tsvector",
    "input_pairs": "jsonb",
    "output_pairs": "jsonb",
}
_WRITE = f"""
INSERT INTO runs_searchtext ({", ".join(_COLUMNS)})
SELECT * FROM json_to_recordset(%s::json) AS run ({", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())})
ON CONFLICT (trace_id, id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _COLUMNS if not name.endswith("id"))},
    project_id = excluded.project_id
"""

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
        fields: dict[str, Any] = dict(zip(self._fields[3:], self[3:], strict=True))
        try:
            return text_of(**fields | {"metadata": msgspec.json.decode(self.metadata or "null")})
        except (
            msgspec.DecodeError,
            RecursionError,
        ):  # numbers that jsonb holds and Python does not; one run must not hold up the others
            _log.warning("Could not read run %s for search", self.id, exc_info=True)
            return text_of(**fields | {"metadata": None, "inputs": None, "outputs": None})


def catch_up(limit: int = CAUGHT_UP) -> int:
    """Index what waits, the newest first. Returns how many marks were taken."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM runs_searchpending)")
        if not cursor.fetchone()[0]:  # nor may another hold some: its rows would still be seen here
            return 0
    return _index(_TAKE_NEWEST, limit=limit, age=0)


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
            cursor.execute("DELETE FROM runs_searchword")
        cursor.execute(f"DELETE FROM runs_searchtext {where}", params)
        cursor.execute(f"{_MARK_ALL} {where} ON CONFLICT DO NOTHING", params)
        return int(cursor.rowcount)


def mark(cursor: "psycopg.Cursor[Any]", runs: Iterable[tuple[UUID, UUID]]) -> None:
    """Have these runs, told by trace id and id, indexed again."""
    keys = list(runs)
    halves = {"traces": array(trace for trace, _ in keys), "ids": array(run for _, run in keys)}
    cursor.execute(_MARK, halves, prepare=True)


def forget(cursor: "psycopg.Cursor[Any]", traces: Iterable[UUID]) -> None:
    """Drop what the index has of these traces, whose runs are gone."""
    cursor.execute(_FORGET, {"traces": list(traces)})


def _index(take: str, *, limit: int, age: float) -> int:
    with transaction.atomic(), connection.wrap_database_errors:
        cursor = psycopg.Cursor(connection.connection)
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(take, {"limit": limit, "age": age})
        keys = cursor.fetchall()
        for start in range(0, len(keys), BATCH):
            _put(cursor, keys[start : start + BATCH])
    return len(keys)


def _put(cursor: "psycopg.Cursor[Any]", keys: Sequence[tuple[UUID, UUID]]) -> None:
    traces = sorted({trace for trace, _ in keys})
    cursor.execute(_READ, {"traces": traces, "trace_of": [key[0] for key in keys], "ids": [key[1] for key in keys]})
    runs = [_Run(*row) for row in cursor.fetchall()]
    cursor.execute(_KNOWN, {"traces": traces})
    stored: dict[UUID, dict[UUID, set[str]]] = {trace: {} for trace in traces}
    for trace, run_id, words in cursor.fetchall():
        stored[trace][run_id] = set(words)
    rows, learnt = [], set()
    for trace, group in groupby(runs, attrgetter("trace_id")):
        of_trace, new = _rows(list(group), stored[trace])
        rows += of_trace
        learnt |= new
    if rows:
        cursor.execute(_WRITE, [msgspec.json.encode(rows).decode()])
        cursor.execute(_LEARN, [msgspec.json.encode(sorted(learnt)).decode()])


def _rows(runs: list[_Run], stored: dict[UUID, set[str]]) -> tuple[list[dict[str, Any]], set[str]]:
    """The columns for runs of one trace, and their new words.

    These go into one row; words once there stay, for other runs rely on them.
    """
    texts = [run.text() for run in runs]
    new = words_in(line for text in texts for line in text[:3]).difference(*stored.values())
    carrier = next((run for run in runs if run.id not in stored), runs[0])
    if new:
        stored[carrier.id] = stored.get(carrier.id, set()) | new
    return [_row(run, text, stored.get(run.id)) for run, text in zip(runs, texts, strict=True)], new


def _row(run: _Run, text: Text, words: set[str] | None) -> dict[str, Any]:
    keys = {"trace_id": run.trace_id, "id": run.id, "project_id": run.project_id}
    return keys | text._asdict() | {"words": " ".join(words) if words else None}
