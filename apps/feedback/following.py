"""Feedback follows its runs: it is linked when they arrive, moves with their traces and threads, and goes with them.

Called by the ingest inside its transaction, which holds the locks of the traces.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import psycopg

from apps.feedback.rollup import RETURNING, add_up
from apps.feedback.store import COLUMNS, LEAVE, finish
from apps.runs.ingest.reconcile import THREAD_UUID
from apps.runs.ingest.sql import uuids

WAITING = """
SELECT f.place, f.id, run.trace_id FROM feedback_feedback AS f
JOIN unnest(%(traces)s::uuid[], %(runs)s::uuid[]) AS run (trace_id, run_id) ON f.run_id = run.run_id
WHERE f.waiting AND f.workspace_id = %(workspace)s ORDER BY f.place, f.id FOR UPDATE OF f
"""
_OTHERS = ", ".join(name for name in COLUMNS if name not in ("place", "trace_id"))
# As new rows: what a cluster places a row by cannot change.
COPY = f"""
INSERT INTO feedback_feedback (place, trace_id, {_OTHERS})
SELECT went.new_place, went.new_place, {", ".join(f"f.{name}" for name in _OTHERS.split(", "))}
FROM feedback_feedback AS f JOIN unnest(%(places)s::uuid[], %(ids)s::uuid[], %(targets)s::uuid[]) AS went (place, id, new_place)
    ON f.place = went.place AND f.id = went.id
ON CONFLICT (place, id) DO NOTHING {RETURNING}
"""
# Null without a thread.
THREAD = THREAD_UUID.replace("project_id", "t.project_id").replace("thread_id", "t.thread_id")
SETTLE = f"""
UPDATE feedback_feedback AS f SET waiting = false, trace_id = f.place, project_id = t.project_id, thread = {THREAD}
FROM runs_trace AS t WHERE t.trace_id = f.place AND f.place = ANY(%(places)s) AND f.level = 'run'
    AND (NOT f.waiting OR f.id = ANY(%(ids)s))
    AND (f.waiting OR (f.project_id, f.thread) IS DISTINCT FROM (t.project_id, {THREAD}))
{RETURNING}
"""
IN_TRACES = "SELECT place, id FROM feedback_feedback WHERE place = ANY(%(places)s) AND level = 'run' AND NOT waiting"
GONE = f"DELETE FROM feedback_feedback WHERE place = ANY(%(places)s) AND level = 'run' AND NOT waiting {RETURNING}"
OF_NO_THREAD = f"""
DELETE FROM feedback_feedback AS f WHERE place = ANY(%(places)s) AND level = 'thread'
    AND NOT EXISTS (SELECT 1 FROM threads_thread AS t WHERE t.id = f.place)
{RETURNING}
"""

type Cursor = psycopg.Cursor[Any]


def runs_written(cursor: Cursor, workspace_id: UUID, runs: Collection[tuple[UUID, UUID]]) -> None:
    """Nearly always nothing waits: one look into a small partial index."""
    asked = {
        "traces": uuids(trace for trace, _ in runs),
        "runs": uuids(run for _, run in runs),
        "workspace": workspace_id,
    }
    cursor.execute(WAITING, asked, prepare=True)
    if waiting := cursor.fetchall():
        moved = [row for row in waiting if row[0] != row[2]]
        _settle(cursor, _move(cursor, moved), [row[2] for row in waiting], [row[1] for row in waiting])


def traces_merged(cursor: Cursor, into: Mapping[UUID, UUID]) -> None:
    cursor.execute(IN_TRACES, {"places": list(into)})
    add_up(cursor, _move(cursor, [(place, id_, into[place]) for place, id_ in cursor.fetchall()]))


def traces_moved(cursor: Cursor, traces: Collection[UUID]) -> None:
    _settle(cursor, [], list(traces), [])


def traces_gone(cursor: Cursor, traces: Collection[UUID]) -> None:
    cursor.execute(GONE, {"places": list(traces)})
    add_up(cursor, cursor.fetchall())


def threads_gone(cursor: Cursor, threads: Collection[UUID]) -> None:
    cursor.execute(OF_NO_THREAD, {"places": list(threads)})
    add_up(cursor, cursor.fetchall())


def _move(cursor: Cursor, rows: list[tuple[UUID, UUID, UUID]]) -> list[Any]:
    """rows are (place, id, new place)."""
    if not rows:
        return []
    places, ids, targets = (list(column) for column in zip(*rows, strict=True))
    cursor.execute(COPY, {"places": places, "ids": ids, "targets": targets})
    changed = cursor.fetchall()
    cursor.execute(LEAVE, {"places": places, "ids": ids})
    return changed + cursor.fetchall()


def _settle(cursor: Cursor, changed: list[Any], places: list[UUID], ids: list[UUID]) -> None:
    """Bring the rows of these traces up to where their traces are; ids are those that have waited."""
    cursor.execute(SETTLE, {"places": places, "ids": ids})
    finish(cursor, changed + cursor.fetchall(), places)
