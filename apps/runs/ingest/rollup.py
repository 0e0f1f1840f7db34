"""Traces from their runs, threads and project tallies from what changed in the traces. Runs inside the writer's transaction and locks."""

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from django.db import transaction

from apps.projects.models import ProjectTally
from apps.runs.ingest import sql
from apps.runs.models import thread_uuid


class Facts(NamedTuple):
    """One side, old or new, of a trace's row: the fields of sql.TRACE_FACTS."""

    project_id: UUID
    thread_id: str | None
    run_count: int
    error_count: int
    carried_count: int
    llm_count: int
    unpriced_count: int
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    carried_tokens: int
    prompt_cost: Decimal
    completion_cost: Decimal
    total_cost: Decimal
    carried_cost: Decimal
    status: str
    last_activity: datetime | None


class Delta(msgspec.Struct):
    """What a batch adds to one thread or one project; negative where traces left it."""

    turns: int = 0
    errored_turns: int = 0
    run_count: int = 0
    error_count: int = 0
    carried_count: int = 0
    llm_count: int = 0
    unpriced_count: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    carried_tokens: int = 0
    prompt_cost: Decimal = Decimal(0)
    completion_cost: Decimal = Decimal(0)
    total_cost: Decimal = Decimal(0)
    carried_cost: Decimal = Decimal(0)
    threads: int = 0
    last_activity: datetime | None = None
    went_back: bool = False

    def add(self, facts: Facts, sign: int) -> None:
        self.turns += sign
        self.errored_turns += sign * (facts.status == "error")
        for name in _SUMMED:
            setattr(self, name, getattr(self, name) + sign * getattr(facts, name))
        if (
            sign > 0
            and facts.last_activity
            and (self.last_activity is None or facts.last_activity > self.last_activity)
        ):
            self.last_activity = facts.last_activity


_SUMMED = tuple(name for name in sql.TRACE_FACTS if name not in ("project_id", "thread_id", "status", "last_activity"))
_WIDTH = len(sql.TRACE_FACTS)

type ThreadKey = tuple[UUID, str]


def refresh(cursor: "psycopg.Cursor[Any]", traces: list[UUID]) -> None:
    """Bring the rollups of these locked traces, of their threads and of their projects up to their runs."""
    cursor.execute(sql.UPDATE_TRACES, {"traces": traces}, prepare=True)
    rows = cursor.fetchall()
    changes = [(Facts(*row[:_WIDTH]), Facts(*row[_WIDTH:])) for row in rows]
    gone: list[Facts] = []
    if len(rows) < len(traces):
        cursor.execute(sql.DROP_EMPTY_TRACES, {"traces": traces})
        gone = [Facts(*row[:_WIDTH]) for row in cursor.fetchall()]
    threads, projects = _deltas(changes, gone)
    if threads:
        _write_threads(cursor, threads, projects)
    _write_tallies(cursor, projects)


def _deltas(changes: list[tuple[Facts, Facts]], gone: list[Facts]) -> tuple[dict[ThreadKey, Delta], dict[UUID, Delta]]:
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
    if new is None or (new.project_id, new.thread_id) != (old.project_id, old.thread_id):
        return True
    return old.last_activity is not None and (new.last_activity is None or new.last_activity < old.last_activity)


def _write_threads(cursor: "psycopg.Cursor[Any]", threads: dict[ThreadKey, Delta], projects: dict[UUID, Delta]) -> None:
    deltas = {thread_uuid(*key): (key, delta) for key, delta in threads.items()}
    columns: dict[str, list[Any]] = {
        "id": list(deltas),
        "project_id": [key[0] for key, _ in deltas.values()],
        "thread_id": [key[1] for key, _ in deltas.values()],
        "last_activity": [delta.last_activity for _, delta in deltas.values()],
        "whole": [delta.went_back for _, delta in deltas.values()],
    }
    for name in (*sql.THREAD_SUMS, *sql.THREAD_COSTS):
        columns[name] = [getattr(delta, name) for _, delta in deltas.values()]
    cursor.execute(sql.ADD_TO_THREADS, columns, prepare=True)
    for _, project_id, is_new in cursor.fetchall():
        projects[project_id].threads += is_new
    cursor.execute(sql.REFRESH_THREADS, {**columns, "exact": sql.EXACT_TURNS}, prepare=True)
    stale = [thread for thread, exact in cursor.fetchall() if not exact]
    if any(delta.turns < 0 for _, delta in deltas.values()):
        cursor.execute(sql.DROP_EMPTY_THREADS, columns)
        for _, project_id in cursor.fetchall():
            projects[project_id].threads -= 1
    if stale:
        transaction.on_commit(lambda: _refresh_later(stale))


def _refresh_later(threads: list[UUID]) -> None:
    from apps.runs.tasks import refresh_long_thread_later

    for thread in threads:
        refresh_long_thread_later(thread)


def _write_tallies(cursor: "psycopg.Cursor[Any]", projects: dict[UUID, Delta]) -> None:
    rows = list(projects.items())
    columns = {
        "project_id": [project for project, _ in rows],
        "threads": [delta.threads for _, delta in rows],
        "traces": [delta.turns for _, delta in rows],
        "runs": [delta.run_count for _, delta in rows],
        "errored_runs": [delta.error_count for _, delta in rows],
        "total_tokens": [delta.total_tokens for _, delta in rows],
        "total_cost": [delta.total_cost for _, delta in rows],
        "last_activity": [delta.last_activity for _, delta in rows],
    }
    cursor.execute(sql.ADD_TO_TALLIES, {**columns, "shards": ProjectTally.SHARDS}, prepare=True)
