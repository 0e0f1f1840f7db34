"""The only writer of runs, traces, threads and project tallies: one transaction, set-wise, the same rows for the same input in any order.

Locks are taken in one order everywhere (traces, runs, threads, tallies; by id within each), so concurrent batches wait but never deadlock.
"""

from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from django.db import IntegrityError, connection, transaction
from psycopg.types.json import Jsonb

from apps.projects import ports
from apps.projects.models import Project
from apps.runs.attachments import Attachment
from apps.runs.ingest import costs, rehome, rollup, sql
from apps.runs.ingest.change import RunChange
from apps.runs.ingest.normalise import trace_of
from apps.runs.ingest.schema import dotted_time, segment
from apps.runs.models import thread_uuid
from apps.runs.search import index as search

FOREIGN = "its trace belongs to another workspace, or to a project that is being deleted"


class Rejection(NamedTuple):
    """status is what a request with this run alone is answered."""

    run_id: str
    reason: str
    status: int = 422


def write(project: Project, changes: list[RunChange]) -> list[Rejection]:
    """Write runs into the project. Each change has its trace_id; changes of one run stand in the order of their arrival.

    Returns the runs that were not taken. Whatever else was given is on disk when the surrounding transaction commits.
    """
    if not changes:
        return []
    try:
        return _write(project, changes, trust_new=True)
    except IntegrityError:  # runs without their trace's row, as a deletion under way leaves them
        return _write(project, changes, trust_new=False)


def _write(project: Project, changes: list[RunChange], *, trust_new: bool) -> list[Rejection]:
    with transaction.atomic(), connection.wrap_database_errors, raw_cursor() as cursor:
        cursor.execute(sql.PLAN_ONCE)
        moves = rehome.find(cursor, project, changes)
        traces = sorted({*map(trace_of, changes), *moves})
        new, foreign = _lock(cursor, project, traces)
        moved = rehome.take(cursor, moves) if moves else []
        if moves:
            search.forget(cursor, moves)
            ports.feedback.traces_merged(cursor, {trace: move.trace_id for trace, move in moves.items()})
        kept = [change for change in merged([*moved, *changes]) if change.trace_id not in foreign]
        _put(cursor, project, kept, new if trust_new else set())
        written = [(trace_of(change), change.id) for change in kept]
        search.mark(cursor, written)
        costs.price_stored(cursor, kept)
        rollup.refresh(cursor, [trace for trace in traces if trace not in foreign])
        if moves:
            ports.feedback.traces_moved(cursor, {move.trace_id for move in moves.values()})
        ports.feedback.runs_written(cursor, project.workspace_id, written)
    return [Rejection(str(change.id), FOREIGN) for change in changes if change.trace_id in foreign]


def _put(cursor: "psycopg.Cursor[Any]", project: Project, changes: list[RunChange], new: set[UUID]) -> None:
    """Runs of new traces go straight into the table, the others through the merge."""
    if fresh := [change for change in changes if change.trace_id in new]:
        _copy(cursor, sql.COPY_NEW, project, fresh)
    if known := [change for change in changes if change.trace_id not in new]:
        _stage(cursor, project, known)
        cursor.execute(sql.UPSERT, prepare=True)


def raw_cursor() -> "psycopg.Cursor[Any]":
    """psycopg's own cursor on Django's connection: it prepares statements on the server and speaks COPY."""
    connection.ensure_connection()
    return psycopg.Cursor(connection.connection)


def merged(changes: Iterable[RunChange]) -> list[RunChange]:
    """One change a run."""
    by_run: dict[tuple[UUID | None, UUID], RunChange] = {}
    for change in changes:
        if (earlier := by_run.get((change.trace_id, change.id))) is not None:
            earlier.absorb(change)
        else:
            by_run[change.trace_id, change.id] = change
    return list(by_run.values())


def _lock(cursor: "psycopg.Cursor[Any]", project: Project, traces: list[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Lock the traces, new ones included; returns the new ones and those that are not this workspace's."""
    ids = sql.uuids(traces)
    cursor.execute(sql.STUB_TRACES, {"traces": ids, "project": project.pk}, prepare=True)
    new = {row[0] for row in cursor.fetchall()}
    if len(new) == len(traces):
        return new, set()
    cursor.execute(sql.LOCK_TRACES, {"traces": ids}, prepare=True)
    elsewhere = {trace: owner for trace, owner in cursor.fetchall() if owner != project.pk}
    if not elsewhere:
        return new, set()
    mine = set(
        Project.objects.filter(workspace_id=project.workspace_id, pk__in=set(elsewhere.values())).values_list(
            "pk", flat=True
        )
    )
    return new, {trace for trace, owner in elsewhere.items() if owner not in mine}


def _stage(cursor: "psycopg.Cursor[Any]", project: Project, changes: list[RunChange]) -> None:
    cursor.execute(sql.STAGE)
    if connection.savepoint_ids:  # inside a caller's transaction the rows of an earlier write are still there
        cursor.execute("DELETE FROM incoming")
    _copy(cursor, sql.COPY, project, changes)


def _copy(cursor: "psycopg.Cursor[Any]", statement: str, project: Project, changes: list[RunChange]) -> None:
    with cursor.copy(statement) as copy:
        copy.set_types(sql.COPY_TYPES)
        for change in changes:
            copy.write_row(_row(change, project))


_VALUES = attrgetter(*sql.COLUMNS)
_JSON = [list(sql.COLUMNS).index(name) for name, kind in sql.COLUMNS.items() if kind == "jsonb"]


def _row(change: RunChange, project: Project) -> list[Any]:
    """The values in the order of sql.COLUMNS; what a run must have and nobody gave gets its default, without its bit in `given`."""
    change.start_time = change.start_time or dotted_time(change.dotted_order or "") or change.received_at
    assert change.start_time is not None
    change.dotted_order = change.dotted_order or segment(change.start_time, change.id)
    change.project_id = change.project_id or project.pk
    change.name = change.name or ""
    change.run_type = change.run_type or "chain"
    row = list(_VALUES(change))
    for index in _JSON:
        if row[index] is not None:
            row[index] = Jsonb(row[index], msgspec.json.encode)
    return row


def delete_traces(traces: Iterable[UUID]) -> int:
    """Delete whole traces, threads and totals following. Returns how many runs went."""
    ids = sorted(set(traces))
    with transaction.atomic(), connection.wrap_database_errors, raw_cursor() as cursor:
        cursor.execute(sql.LOCK_TRACES, {"traces": ids})
        cursor.execute("DELETE FROM runs_run WHERE trace_id = ANY(%s)", [ids])
        gone = cursor.rowcount
        search.forget(cursor, ids)
        Attachment.objects.in_traces(ids).delete()
        emptied = rollup.refresh(cursor, ids).values()
        threads = {thread_uuid(facts.project_id, facts.thread_id) for facts in emptied if facts.thread_id is not None}
        ports.feedback.threads_gone(cursor, threads)
    return gone
