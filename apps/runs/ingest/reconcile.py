"""Proves that the rollups equal a recomputation from the runs, and repairs the others. Safe beside live writers: it takes their locks."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from apps.projects import ports
from apps.projects.models import Project, ProjectTally
from apps.runs.ingest import rollup, sql, store
from apps.runs.ingest.change import RunChange
from apps.runs.models import Run

CHUNK = 5_000

THREAD_UUID = "encode(substring(sha256(uuid_send(project_id) || convert_to(thread_id, 'UTF8')) FOR 16), 'hex')::uuid"

NEXT_TRACES = """
SELECT trace_id FROM (
    (SELECT DISTINCT trace_id FROM runs_run WHERE trace_id > %(after)s ORDER BY trace_id LIMIT %(limit)s)
    UNION (SELECT trace_id FROM runs_trace WHERE trace_id > %(after)s ORDER BY trace_id LIMIT %(limit)s)
) AS both_tables ORDER BY trace_id LIMIT %(limit)s
"""
_TRACE_COLUMNS = ", ".join(sql.TRACE_VALUES)
DRIFTED_TRACES = f"""
{sql.COMPUTE_TRACES}, expected AS (
    SELECT computed.trace_id, {", ".join(f"{value} AS {column}" for column, value in sql.TRACE_VALUES.items())}
    FROM computed JOIN head USING (trace_id)
), found AS (
    SELECT trace_id, {_TRACE_COLUMNS} FROM runs_trace WHERE trace_id = ANY(%(traces)s)
)
SELECT DISTINCT trace_id FROM ((TABLE expected EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE expected)) AS differing
"""
OWNERS = "SELECT DISTINCT ON (trace_id) trace_id, project_id FROM runs_run WHERE trace_id = ANY(%s) ORDER BY trace_id, start_time, id"

_SUMS = {
    "turns": "count(*)",
    "errored_turns": "count(*) FILTER (WHERE status = 'error')",
    **{name: f"sum({name})" for name in (*sql.THREAD_SUMS, *sql.THREAD_COSTS) if not name.endswith("turns")},
}
_EXPECTED_THREADS = f"""
SELECT {THREAD_UUID} AS id, project_id, thread_id, {", ".join(f"{value} AS {name}" for name, value in _SUMS.items())}
FROM runs_trace WHERE thread_id IS NOT NULL
"""
_THREAD_COLUMNS = ", ".join(("id", "project_id", "thread_id", *_SUMS))
DRIFTED_SUMS = f"""
WITH expected AS ({_EXPECTED_THREADS} GROUP BY project_id, thread_id), found AS (SELECT {_THREAD_COLUMNS} FROM threads_thread)
SELECT DISTINCT id, project_id, thread_id
FROM ((TABLE expected EXCEPT TABLE found) UNION ALL (TABLE found EXCEPT TABLE expected)) AS differing
"""
NEXT_THREADS = "SELECT id FROM threads_thread WHERE id > %(after)s ORDER BY id LIMIT %(limit)s"
DRIFTED_VALUES = f"""
SELECT t.id, t.project_id, t.thread_id FROM threads_thread AS t JOIN {sql.THREAD_VALUES_FROM} ON t.id = k.id
WHERE ({", ".join(f"t.{column}" for column in sql.THREAD_VALUES)}) IS DISTINCT FROM ({", ".join(sql.THREAD_VALUES.values())})
"""
STUB_THREADS = """
INSERT INTO threads_thread (id, project_id, thread_id, turns, errored_turns, run_count, carried_count, llm_count, unpriced_count,
    prompt_tokens, completion_tokens, total_tokens, carried_tokens, prompt_cost, completion_cost, total_cost, carried_cost)
SELECT id, project_id, thread_id, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
FROM unnest(%(id)s::uuid[], %(project_id)s::uuid[], %(thread_id)s::text[]) AS missing (id, project_id, thread_id) ORDER BY id
ON CONFLICT (id) DO NOTHING
"""
LOCK_THREADS = "SELECT 1 FROM threads_thread WHERE id = ANY(%(id)s) ORDER BY id FOR UPDATE"
ZERO_THREADS = f"UPDATE threads_thread SET {', '.join(f'{name} = 0' for name in _SUMS)} WHERE id = ANY(%(id)s)"
SUM_THREADS = f"""
UPDATE threads_thread AS t SET {", ".join(f"{name} = expected.{name}" for name in _SUMS)}
FROM ({_EXPECTED_THREADS} AND (project_id, thread_id) IN (SELECT * FROM unnest(%(project_id)s::uuid[], %(thread_id)s::text[]))
    GROUP BY project_id, thread_id) AS expected
WHERE t.id = expected.id
"""
_TALLY = """
SELECT project_id, sum(threads)::bigint AS threads, sum(traces)::bigint AS traces, sum(runs)::bigint AS runs,
    sum(errored_runs)::bigint AS errored_runs, sum(total_tokens)::bigint AS total_tokens, sum(total_cost) AS total_cost
"""
DRIFTED_TALLIES = f"""
WITH expected AS ({_TALLY} FROM (
        SELECT project_id, 0 AS threads, count(*) AS traces, sum(run_count) AS runs, sum(error_count) AS errored_runs,
            sum(total_tokens) AS total_tokens, sum(total_cost) AS total_cost
        FROM runs_trace GROUP BY project_id
        UNION ALL SELECT project_id, count(*), 0, 0, 0, 0, 0 FROM threads_thread GROUP BY project_id
        UNION ALL SELECT id, 0, 0, 0, 0, 0, 0 FROM projects_project
    ) AS parts WHERE project_id IN (SELECT id FROM projects_project) GROUP BY project_id
), found AS ({_TALLY} FROM (
        SELECT project_id, threads, traces, runs, errored_runs, total_tokens, total_cost FROM projects_projecttally
        UNION ALL SELECT id, 0, 0, 0, 0, 0, 0 FROM projects_project
    ) AS parts GROUP BY project_id
)
SELECT project_id, expected.* FROM expected JOIN found USING (project_id)
WHERE (expected.threads, expected.traces, expected.runs, expected.errored_runs, expected.total_tokens, expected.total_cost)
    IS DISTINCT FROM (found.threads, found.traces, found.runs, found.errored_runs, found.total_tokens, found.total_cost)
"""


class Drift(NamedTuple):
    """A rollup row that is not what its runs say: kind is run, trace, thread, project, feedback or feedback total."""

    kind: str
    key: str


def reconcile(*, fix: bool = False) -> Iterator[Drift]:
    """Every drift found; with fix each is repaired before it is told."""
    yield from _orphans(fix=fix)
    yield from _traces(fix=fix)
    yield from _threads(fix=fix)
    yield from _tallies(fix=fix)
    yield from (Drift(kind, key) for kind, key in ports.feedback.drift(fix=fix))


def _orphans(*, fix: bool) -> Iterator[Drift]:
    """Provisional runs whose parent is known: the two came at the same moment on two connections."""
    for run, parent in Run.objects.orphans_with_parents():
        if fix:
            adopt(parent)
        yield Drift("run", str(run.id))


def adopt(parent: Run) -> None:
    """Write a stored run again, which moves its provisional children under it."""
    again = RunChange(
        id=parent.id, trace_id=parent.trace_id, dotted_order=parent.dotted_order, start_time=parent.start_time
    )
    again.received_at = parent.received_at
    store.write(parent.project, [again])


def _traces(*, fix: bool) -> Iterator[Drift]:
    for traces in _chunks(NEXT_TRACES):
        with transaction.atomic(), store.raw_cursor() as cursor:
            cursor.execute(DRIFTED_TRACES, {"traces": traces})
            drifted = sorted(row[0] for row in cursor.fetchall())
            if fix and drifted:
                _fix_traces(cursor, drifted)
        yield from (Drift("trace", str(trace)) for trace in drifted)


def _fix_traces(cursor: "psycopg.Cursor[Any]", traces: list[UUID]) -> None:
    cursor.execute(OWNERS, [traces])
    owners: dict[UUID, list[UUID]] = {}
    for trace, project in cursor.fetchall():
        owners.setdefault(project, []).append(trace)
    for project, owned in owners.items():
        cursor.execute(sql.STUB_TRACES, {"traces": owned, "project": project})
    cursor.execute(sql.LOCK_TRACES, {"traces": traces})
    rollup.refresh(cursor, traces)


def _threads(*, fix: bool) -> Iterator[Drift]:
    with transaction.atomic(), store.raw_cursor() as cursor:
        cursor.execute(DRIFTED_SUMS)
        drifted = {row[0]: row for row in cursor.fetchall()}
    for threads in _chunks(NEXT_THREADS):
        with transaction.atomic(), store.raw_cursor() as cursor:
            cursor.execute(sql.IN_ORDER)
            cursor.execute(DRIFTED_VALUES, _asked(threads))
            drifted |= {row[0]: row for row in cursor.fetchall()}
    rows = [drifted[key] for key in sorted(drifted)]
    for start in range(0, len(rows) if fix else 0, CHUNK):
        _fix_threads(rows[start : start + CHUNK])
    yield from (Drift("thread", f"{project_id}/{thread_id}") for _, project_id, thread_id in rows)


def _fix_threads(rows: list[tuple[UUID, UUID, str]]) -> None:
    keys: dict[str, list[Any]] = {
        "id": [row[0] for row in rows],
        "project_id": [row[1] for row in rows],
        "thread_id": [row[2] for row in rows],
    }
    with transaction.atomic(), store.raw_cursor() as cursor:
        cursor.execute(STUB_THREADS, keys)
        cursor.execute(LOCK_THREADS, keys)
        cursor.execute(ZERO_THREADS, keys)
        cursor.execute(SUM_THREADS, keys)
        rollup.write_values(cursor, _asked(keys["id"]))
        cursor.execute(sql.DROP_EMPTY_THREADS, keys)


def refresh_threads(threads: list[UUID]) -> None:
    """Bring percentiles and last activity of long threads up to date, which the ingest leaves to the worker."""
    with transaction.atomic(), store.raw_cursor() as cursor:
        cursor.execute(LOCK_THREADS, {"id": threads})
        rollup.write_values(cursor, _asked(threads))


def _asked(threads: Sequence[Any]) -> dict[str, Any]:
    count = len(threads)
    return {"id": list(threads), "last_activity": [None] * count, "whole": [True] * count, "exact": sql.EXACT_TURNS}


def _tallies(*, fix: bool) -> Iterator[Drift]:
    with transaction.atomic(), store.raw_cursor() as cursor:
        cursor.execute("LOCK TABLE projects_projecttally IN SHARE ROW EXCLUSIVE MODE" if fix else "SELECT 1")
        cursor.execute(DRIFTED_TALLIES)
        rows = cursor.fetchall()
        for project_id, _, *sums in rows if fix else ():
            _fix_tally(project_id, dict(zip((*sql.TALLY_SUMS, "total_cost"), sums, strict=True)))
    yield from (Drift("project", str(row[0])) for row in rows)


def _fix_tally(project_id: UUID, sums: dict[str, Any]) -> None:
    last_activity = Project.objects.last_activity(project_id)
    ProjectTally.objects.filter(project_id=project_id).delete()
    ProjectTally.objects.create(project_id=project_id, shard=0, last_activity=last_activity, **sums)


def _chunks(query: str) -> Iterator[list[UUID]]:
    after = UUID(int=0)
    while True:
        with store.raw_cursor() as cursor:
            cursor.execute(query, {"after": after, "limit": CHUNK})
            ids = [row[0] for row in cursor.fetchall()]
        if not ids:
            return
        yield ids
        after = ids[-1]
