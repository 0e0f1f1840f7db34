"""Proves that feedback stands where its runs are and that its totals by thread are exact, and repairs the others."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import transaction

from apps.feedback import following
from apps.feedback.rollup import COUNTED
from apps.feedback.store import LOCK_TRACES, finish
from apps.runs.ingest.store import raw_cursor

# The run is stored and its feedback waits all the same: the two were written at the same moment.
LEFT_WAITING = """
SELECT f.workspace_id, run.trace_id, run.id FROM feedback_feedback AS f JOIN runs_run AS run ON run.id = f.run_id
JOIN projects_project AS project ON project.id = run.project_id AND project.workspace_id = f.workspace_id
WHERE f.waiting AND (%(runs)s::uuid[] IS NULL OR f.run_id = ANY(%(runs)s))
"""
ASTRAY = f"""
SELECT f.place, f.id, t.trace_id IS NULL FROM feedback_feedback AS f LEFT JOIN runs_trace AS t ON t.trace_id = f.place
WHERE f.level = 'run' AND NOT f.waiting
    AND (t.trace_id IS NULL OR (f.project_id, f.thread) IS DISTINCT FROM (t.project_id, {following.THREAD}))
"""
MISRANKED = """
SELECT place, id FROM (
    SELECT place, id, current, author IS NULL OR row_number() OVER (
        PARTITION BY place, level, run_id, key, author ORDER BY created_at DESC, id DESC
    ) = 1 AS newest FROM feedback_feedback
) AS ranked WHERE current <> newest
"""
_COUNTED = COUNTED.format("f")
EXPECTED_SCORES = f"""
SELECT thread, level, key, count(*)::int AS count, count(score)::int AS scored, count(comment)::int AS comments,
    (count(*) FILTER (WHERE error))::int AS errors, coalesce(sum(score), 0) AS total, coalesce(sum(score * score), 0) AS squares,
    min(score) AS low, max(score) AS high
FROM feedback_feedback AS f WHERE {_COUNTED} GROUP BY thread, level, key
"""
EXPECTED_LABELS = f"""
SELECT thread, level, key, 'value' AS kind, label, count(*)::int AS count
FROM feedback_feedback AS f, unnest(labels) AS label WHERE {_COUNTED} GROUP BY thread, level, key, label
UNION ALL
SELECT thread, level, key, 'source', source_type, count(*)::int FROM feedback_feedback AS f
WHERE {_COUNTED} GROUP BY thread, level, key, source_type
"""
_SCORES = "thread, level, key, count, scored, comments, errors, total, squares, low, high"
_LABELS = "thread, level, key, kind, label, count"
_TOTALS = (
    ("feedback_threadscore", _SCORES, EXPECTED_SCORES),
    ("feedback_threadlabel", _LABELS, EXPECTED_LABELS),
)
# A key of one level in a thread, by the project of its feedback.
_PROJECT = "(SELECT project_id FROM feedback_feedback WHERE thread = e.thread AND level = e.level AND key = e.key AND current LIMIT 1)"


def drift(*, fix: bool) -> Iterator[tuple[str, str]]:
    """(kind, key). Rows first, because the totals are told from them."""
    yield from _left_waiting(fix=fix)
    yield from _astray(fix=fix)
    yield from _misranked(fix=fix)
    yield from _totals(fix=fix)


def link(runs: list[UUID] | None = None) -> list[UUID]:
    """Link what waits though its run is there; those runs. None: look at all that wait."""
    with transaction.atomic(), raw_cursor() as cursor:
        cursor.execute(LEFT_WAITING, {"runs": runs})
        found = cursor.fetchall()
        cursor.execute(LOCK_TRACES, {"traces": sorted({row[1] for row in found})})
        for workspace in {row[0] for row in found}:
            mine = [(trace, run) for owner, trace, run in found if owner == workspace]
            following.runs_written(cursor, workspace, mine)
    return [row[2] for row in found]


def _left_waiting(*, fix: bool) -> Iterator[tuple[str, str]]:
    if fix:
        found: list[Any] = link()
    else:
        with raw_cursor() as cursor:
            cursor.execute(LEFT_WAITING, {"runs": None})
            found = [row[2] for row in cursor.fetchall()]
    yield from (("feedback", f"of run {run}") for run in found)


def _astray(*, fix: bool) -> Iterator[tuple[str, str]]:
    with transaction.atomic(), raw_cursor() as cursor:
        cursor.execute(ASTRAY)
        found = cursor.fetchall()
        if fix and found:
            cursor.execute(LOCK_TRACES, {"traces": sorted({row[0] for row in found})})
            following.traces_gone(cursor, {row[0] for row in found if row[2]})
            following.traces_moved(cursor, {row[0] for row in found if not row[2]})
    yield from (("feedback", str(row[1])) for row in found)


def _misranked(*, fix: bool) -> Iterator[tuple[str, str]]:
    with transaction.atomic(), raw_cursor() as cursor:
        cursor.execute(MISRANKED)
        found = cursor.fetchall()
        if fix and found:
            places = sorted({row[0] for row in found})
            cursor.execute(LOCK_TRACES, {"traces": places})
            cursor.execute("SELECT DISTINCT key FROM feedback_feedback WHERE place = ANY(%s)", [places])
            finish(cursor, [], places, [row[0] for row in cursor.fetchall()])
    yield from (("feedback", str(row[1])) for row in found)


def _totals(*, fix: bool) -> Iterator[tuple[str, str]]:
    with transaction.atomic(), raw_cursor() as cursor:
        if fix:
            cursor.execute("LOCK TABLE feedback_threadscore, feedback_threadlabel IN SHARE ROW EXCLUSIVE MODE")
        drifted = sorted(
            {key for table, columns, expected in _TOTALS for key in _drifted(cursor, table, columns, expected)}
        )
        for table, columns, expected in _TOTALS if fix and drifted else ():
            _rebuild(cursor, table, columns, expected, drifted)
    yield from (("feedback total", f"{thread}/{level}/{key}") for thread, level, key in drifted)


def _drifted(cursor: Any, table: str, columns: str, expected: str) -> list[tuple[UUID, str, str]]:
    cursor.execute(f"""
        WITH expected AS ({expected}), found AS (SELECT {columns} FROM {table})
        SELECT DISTINCT thread, level, key
        FROM ((TABLE expected EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE expected)) AS differing
    """)
    found: list[tuple[UUID, str, str]] = cursor.fetchall()
    return found


def _rebuild(cursor: Any, table: str, columns: str, expected: str, keys: list[tuple[UUID, str, str]]) -> None:
    threads, levels, names = (list(column) for column in zip(*keys, strict=True))
    asked = {"threads": threads, "levels": levels, "names": names}
    among = "(thread, level, key) IN (SELECT * FROM unnest(%(threads)s::uuid[], %(levels)s::text[], %(names)s::text[]))"
    cursor.execute(f"DELETE FROM {table} WHERE {among}", asked)
    cursor.execute(
        f"INSERT INTO {table} (project_id, {columns}) SELECT {_PROJECT}, e.* FROM ({expected}) AS e WHERE {among}",
        asked,
    )
