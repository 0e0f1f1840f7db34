"""Items of queues follow their runs and threads, and go with them. Called by the ingest inside its transaction."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

import psycopg

MERGED = """
UPDATE feedback_queueitem AS i SET trace_id = went.new FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) AS went (old, new)
WHERE i.trace_id = went.old
"""
_WITH_REVIEWS = """
WITH gone AS (DELETE FROM feedback_queueitem AS i WHERE {} RETURNING id)
DELETE FROM feedback_queuereview WHERE item_id IN (SELECT id FROM gone)
"""
RUNS_GONE = _WITH_REVIEWS.format("trace_id = ANY(%s)")
THREADS_GONE = _WITH_REVIEWS.format(
    "thread = ANY(%s) AND NOT EXISTS (SELECT 1 FROM threads_thread AS t WHERE t.id = i.thread)"
)

type Cursor = psycopg.Cursor[Any]


def traces_merged(cursor: Cursor, into: Mapping[UUID, UUID]) -> None:
    cursor.execute(MERGED, {"old": list(into), "new": list(into.values())})


def traces_gone(cursor: Cursor, traces: Collection[UUID]) -> None:
    cursor.execute(RUNS_GONE, [list(traces)])


def threads_gone(cursor: Cursor, threads: Collection[UUID]) -> None:
    cursor.execute(THREADS_GONE, [list(threads)])
