"""Traces from their runs, threads and project tallies from what changed in the traces. Runs inside the writer's transaction and locks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from operator import add, sub
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from django.db import transaction

from apps.projects import ports
from apps.projects.models import ProjectTally
from apps.runs.ingest import sql
from apps.runs.ingest.sql import array, uuids
from apps.runs.models import thread_uuid

MOST_PREPARED = 100
"""Traces. A prepared statement is planned for a few, with nested loops: 3,000 took it 4.5 s, and 0.1 s with a plan of their own."""


class Facts(NamedTuple):
    """One side, old or new, of a trace's row. `sums` are the values of sql.SUMMED_FACTS in that order."""

    project_id: UUID
    thread_id: str | None
    status: str
    last_activity: datetime | None
    sums: tuple[Any, ...]

    @property
    def run_count(self) -> int:
        return int(self.sums[0])

    @property
    def thread(self) -> tuple[UUID, str | None]:
        return self.project_id, self.thread_id


class Delta:
    """What a batch adds to one thread or one project; negative where traces left it."""

    def __init__(self) -> None:
        self.turns = self.errored_turns = self.threads = 0
        self.sums: list[Any] = [0] * len(sql.SUMMED_FACTS)
        self.last_activity: datetime | None = None
        self.went_back = False

    def add(self, facts: Facts, sign: int) -> None:
        self.turns += sign
        self.errored_turns += sign * (facts.status == "error")
        self.sums = list(map(add if sign > 0 else sub, self.sums, facts.sums))
        latest = facts.last_activity
        if sign > 0 and latest and (self.last_activity is None or latest > self.last_activity):
            self.last_activity = latest


_SIDE = len(sql.TRACE_FACTS)


def _facts(row: Sequence[Any]) -> Facts:
    project_id, thread_id, status, last_activity, *sums = row
    return Facts(project_id, thread_id, status, last_activity, tuple(sums))


type ThreadKey = tuple[UUID, str]


def refresh(cursor: "psycopg.Cursor[Any]", traces: list[UUID]) -> dict[UUID, Facts]:
    """Bring the rollups of these locked traces, of their threads and of their projects up to their runs.

    Returns what was known of the traces that have no runs any more.
    """
    few = len(traces) <= MOST_PREPARED
    if not few:
        cursor.execute(sql.PLAN_EACH_TIME)
    cursor.execute(sql.UPDATE_TRACES, {"traces": uuids(traces)}, prepare=few)
    rows = cursor.fetchall()
    changes = {row[-1]: (_facts(row[:_SIDE]), _facts(row[_SIDE : 2 * _SIDE])) for row in rows}
    gone: dict[UUID, Facts] = {}
    if len(rows) < len(traces):
        cursor.execute(sql.DROP_EMPTY_TRACES, {"traces": traces})
        gone = {row[-1]: _facts(row[:_SIDE]) for row in cursor.fetchall()}
    threads, projects = _deltas(changes.values(), gone.values())
    if threads:
        _write_threads(cursor, threads, projects)
    _write_tallies(cursor, projects)
    if moved := [trace for trace, (old, new) in changes.items() if old.run_count and old.thread != new.thread]:
        ports.feedback.traces_moved(cursor, moved)
    if gone:
        ports.feedback.traces_gone(cursor, list(gone))
    return gone


def _deltas(
    changes: Iterable[tuple[Facts, Facts]], gone: Iterable[Facts]
) -> tuple[dict[ThreadKey, Delta], dict[UUID, Delta]]:
    threads: dict[ThreadKey, Delta] = defaultdict(Delta)
    projects: dict[UUID, Delta] = defaultdict(Delta)
    for old, new in [*changes, *((facts, None) for facts in gone)]:
        if old.run_count:  # a stub counts nowhere yet
            projects[old.project_id].add(old, -1)
            if old.thread_id is not None:
                threads[old.project_id, old.thread_id].add(old, -1)
                threads[old.project_id, old.thread_id].went_back |= _went_back(old, new)
        if new is not None:
            projects[new.project_id].add(new, 1)
            if new.thread_id is not None:
                threads[new.project_id, new.thread_id].add(new, 1)
    return threads, projects


def _went_back(old: Facts, new: Facts | None) -> bool:
    """Whether the thread's last activity may be earlier now: a turn left it or ends earlier than before."""
    if new is None or new.thread != old.thread:
        return True
    return old.last_activity is not None and (new.last_activity is None or new.last_activity < old.last_activity)


def _write_threads(cursor: "psycopg.Cursor[Any]", threads: dict[ThreadKey, Delta], projects: dict[UUID, Delta]) -> None:
    deltas = {thread_uuid(*key): (key, delta) for key, delta in threads.items()}
    columns: dict[str, Any] = {
        "id": uuids(deltas),
        "project_id": uuids(key[0] for key, _ in deltas.values()),
        "thread_id": [key[1] for key, _ in deltas.values()],
        "last_activity": array(delta.last_activity for _, delta in deltas.values()),
        "whole": array(delta.went_back for _, delta in deltas.values()),
        "exact": sql.EXACT_TURNS,
        "turns": array(delta.turns for _, delta in deltas.values()),
        "errored_turns": array(delta.errored_turns for _, delta in deltas.values()),
    }
    for name, values in zip(
        sql.SUMMED_FACTS, zip(*(delta.sums for _, delta in deltas.values()), strict=True), strict=True
    ):
        columns[name] = array(values)
    cursor.execute(sql.ADD_TO_THREADS, columns, prepare=True)
    for _, project_id, is_new in cursor.fetchall():
        projects[project_id].threads += is_new
    write_values(cursor, columns, prepare=True)
    stale = [thread for thread, exact in cursor.fetchall() if not exact]
    if any(delta.turns < 0 for _, delta in deltas.values()):
        cursor.execute(sql.DROP_EMPTY_THREADS, columns)
        for _, project_id in cursor.fetchall():
            projects[project_id].threads -= 1
    if stale:
        transaction.on_commit(lambda: _refresh_later(stale))


def write_values(cursor: "psycopg.Cursor[Any]", asked: dict[str, Any], *, prepare: bool = False) -> None:
    """What is not a sum, of locked threads. Selects their ids, and whether all of it is exact."""
    cursor.execute(sql.IN_ORDER)
    cursor.execute(sql.REFRESH_THREADS, asked, prepare=prepare)


def _refresh_later(threads: list[UUID]) -> None:
    from apps.runs.tasks import refresh_long_thread_later

    for thread in threads:
        refresh_long_thread_later(thread)


def _write_tallies(cursor: "psycopg.Cursor[Any]", projects: dict[UUID, Delta]) -> None:
    deltas = projects.values()
    columns = {
        "project_id": uuids(projects),
        "threads": array(delta.threads for delta in deltas),
        "traces": array(delta.turns for delta in deltas),
        "last_activity": array(delta.last_activity for delta in deltas),
    }
    for name, fact in sql.TALLY_FACTS.items():
        index = sql.SUMMED_FACTS.index(fact)
        columns[name] = array(delta.sums[index] for delta in deltas)
    cursor.execute(sql.ADD_TO_TALLIES, {**columns, "shards": ProjectTally.SHARDS}, prepare=True)
