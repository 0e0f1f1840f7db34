"""The only writer of feedback: one transaction, set-wise, the same rows for the same input.

Locks are taken in one order: traces, places without a trace, feedback, then the rollups (rollup.py).
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from django.db import connection, transaction

from apps.accounts.models import Workspace
from apps.feedback.draft import Draft, labels_of
from apps.feedback.models import Level
from apps.feedback.rollup import RETURNING, add_up, keys_of
from apps.runs.ingest.store import raw_cursor
from apps.runs.models import Run, thread_uuid
from apps.runs.query.compile import stored_thread_id

COLUMNS = {
    "place": "uuid",
    "id": "uuid",
    "workspace_id": "uuid",
    "project_id": "uuid",
    "trace_id": "uuid",
    "run_id": "uuid",
    "thread": "uuid",
    "thread_id": "text",
    "level": "text",
    "key": "text",
    "score": "numeric",
    "value": "jsonb",
    "labels": "text[]",
    "comment": "text",
    "correction": "jsonb",
    "source_type": "text",
    "source": "jsonb",
    "author": "text",
    "user_id": "bigint",
    "error": "bool",
    "extra": "jsonb",
    "group_id": "uuid",
    "comparative_id": "uuid",
    "first_turn": "int",
    "last_turn": "int",
    "created_at": "timestamptz",
    "modified_at": "timestamptz",
    "waiting": "bool",
    "current": "bool",
}
_LISTED = ", ".join(COLUMNS)
_RECORD = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
_SET = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in ("place", "id", "workspace_id"))
# A row of the same id that another workspace holds is left alone.
UPSERT = f"""
INSERT INTO feedback_feedback AS f ({_LISTED})
SELECT {_LISTED} FROM jsonb_to_recordset(%(rows)s::jsonb) AS given ({_RECORD}) ORDER BY place, id
ON CONFLICT (place, id) DO UPDATE SET {_SET} WHERE f.workspace_id = excluded.workspace_id
{RETURNING}, new.id
"""
PLACES_OF = (
    "SELECT id, place, waiting, level FROM feedback_feedback WHERE id = ANY(%(ids)s) AND workspace_id = %(workspace)s"
)
LOCK_TRACES = "SELECT trace_id, project_id, thread_id FROM runs_trace WHERE trace_id = ANY(%(traces)s) ORDER BY trace_id FOR UPDATE"
LOCK_PLACES = """
SELECT pg_advisory_xact_lock(number)
FROM (SELECT DISTINCT hashtextextended(place::text, 0) AS number FROM unnest(%(places)s::uuid[]) AS place ORDER BY number) AS sorted
"""
LEAVE = f"""
DELETE FROM feedback_feedback AS f USING unnest(%(places)s::uuid[], %(ids)s::uuid[]) AS old_row (place, id)
WHERE f.place = old_row.place AND f.id = old_row.id {RETURNING}
"""
# The newest verdict of a judge under a key counts; the earlier ones are history.
RANK = f"""
WITH ranked AS (
    SELECT place, id, row_number() OVER (
        PARTITION BY place, level, run_id, key, author ORDER BY created_at DESC, id DESC
    ) = 1 AS newest
    FROM feedback_feedback WHERE place = ANY(%(places)s) AND key = ANY(%(keys)s) AND author IS NOT NULL
)
UPDATE feedback_feedback AS f SET current = ranked.newest FROM ranked
WHERE f.place = ranked.place AND f.id = ranked.id AND f.current <> ranked.newest {RETURNING}
"""
UNRANK = f"""
UPDATE feedback_feedback AS f SET current = true
WHERE place = ANY(%(places)s) AND key = ANY(%(keys)s) AND author IS NULL AND NOT current {RETURNING}
"""

ATTEMPTS = 3


class Place(NamedTuple):
    """Where a feedback stands. waiting: its run is not stored."""

    place: UUID
    trace_id: UUID | None
    project_id: UUID | None
    thread: UUID | None
    waiting: bool = False


class _Trace(NamedTuple):
    project_id: UUID
    thread_id: str | None

    @property
    def thread(self) -> UUID | None:
        return None if self.thread_id is None else thread_uuid(self.project_id, self.thread_id)


def write(workspace: Workspace, drafts: Sequence[Draft]) -> set[UUID]:
    """Write them all, replacing those of the same id. Returns the ids that were written; another workspace's are not."""
    latest = list({draft.id: draft for draft in drafts}.values())
    if not latest:
        return set()
    with transaction.atomic(), connection.wrap_database_errors, raw_cursor() as cursor:
        traces, runs = _locked(cursor, workspace, latest)
        stored = _stored(cursor, workspace, latest)
        rows = [_row(workspace, draft, _place(workspace, draft, runs, traces)) for draft in latest]
        _lock_places(cursor, [row["place"] for row in rows], [place for _, place in stored], traces)
        new = {row["id"]: row["place"] for row in rows}
        changed = _leave(cursor, [(place, id_) for id_, place in stored if place != new[id_]])
        cursor.execute(UPSERT, {"rows": _encoder.encode(rows).decode()})
        written = cursor.fetchall()
        changed += [row[:-1] for row in written]
        finish(cursor, changed, {*new.values(), *(place for _, place in stored)})
        if waiting := [row["run_id"] for row in rows if row["waiting"]]:
            transaction.on_commit(lambda: _link_later(waiting))
        return {row[-1] for row in written}


def _link_later(runs: list[UUID]) -> None:
    from apps.feedback.tasks import link_later  # it stands on this module

    link_later(runs)


_encoder = msgspec.json.Encoder(decimal_format="number")


def delete(workspace: Workspace, feedback_id: UUID) -> bool:
    with transaction.atomic(), connection.wrap_database_errors, raw_cursor() as cursor:
        places = lock(cursor, workspace, feedback_id)
        changed = _leave(cursor, [(place, feedback_id) for place in places])
        finish(cursor, changed, set(places))
        return bool(changed)


def lock(cursor: "psycopg.Cursor[Any]", workspace: Workspace, feedback_id: UUID) -> list[UUID]:
    """Lock what writers of this feedback lock; its places, nearly always one."""
    for _ in range(ATTEMPTS):
        places = _places_of(cursor, workspace, feedback_id)
        cursor.execute(LOCK_TRACES, {"traces": sorted(places)})
        traces = {row[0] for row in cursor.fetchall()}
        cursor.execute(LOCK_PLACES, {"places": sorted(set(places) - traces)})
        if _places_of(cursor, workspace, feedback_id) == places:
            break
    return places


def _places_of(cursor: "psycopg.Cursor[Any]", workspace: Workspace, feedback_id: UUID) -> list[UUID]:
    cursor.execute(PLACES_OF, {"ids": [feedback_id], "workspace": workspace.pk})
    return [row[1] for row in cursor.fetchall()]


def _locked(
    cursor: "psycopg.Cursor[Any]", workspace: Workspace, drafts: list[Draft]
) -> tuple[dict[UUID, _Trace], dict[UUID, UUID]]:
    """The traces of the runs, locked, and the trace of each run that is stored.

    A run may move to another trace between the look-up and the lock; then it is looked up again.
    """
    wanted = {draft.run_id for draft in drafts if draft.run_id is not None}
    traces: dict[UUID, _Trace] = {}
    runs: dict[UUID, UUID] = {}
    for _ in range(ATTEMPTS):
        runs = _traces_of(workspace, wanted)
        also = [place for _, place in _stored(cursor, workspace, drafts)]
        cursor.execute(LOCK_TRACES, {"traces": sorted({*runs.values(), *also})})
        traces = {row[0]: _Trace(*row[1:]) for row in cursor.fetchall()}
        if _traces_of(workspace, wanted) == runs and traces.keys() >= set(runs.values()):
            break
    return traces, {run: trace for run, trace in runs.items() if trace in traces}


def _traces_of(workspace: Workspace, runs: set[UUID]) -> dict[UUID, UUID]:
    if not runs:
        return {}
    places = Run.objects.in_workspace(workspace).places_of(runs).order_by("received_at")
    return {place[0]: place[1] for place in places}


def _stored(cursor: "psycopg.Cursor[Any]", workspace: Workspace, drafts: list[Draft]) -> list[tuple[UUID, UUID]]:
    """(id, place) of those that are there already."""
    cursor.execute(PLACES_OF, {"ids": [draft.id for draft in drafts], "workspace": workspace.pk})
    return [(row[0], row[1]) for row in cursor.fetchall()]


def _lock_places(
    cursor: "psycopg.Cursor[Any]", places: Iterable[UUID], earlier: Iterable[UUID], traces: Iterable[UUID]
) -> None:
    if homeless := {*places, *earlier} - set(traces):
        cursor.execute(LOCK_PLACES, {"places": sorted(homeless)})


def _leave(cursor: "psycopg.Cursor[Any]", keys: list[tuple[UUID, UUID]]) -> list[tuple[Any, ...]]:
    if not keys:
        return []
    cursor.execute(LEAVE, {"places": [place for place, _ in keys], "ids": [id_ for _, id_ in keys]})
    return cursor.fetchall()


def finish(
    cursor: "psycopg.Cursor[Any]", changed: list[tuple[Any, ...]], places: Iterable[UUID], keys: Sequence[str] = ()
) -> None:
    """Say which verdicts are the newest, under the keys of what has changed unless others are given; then add everything up."""
    keys = keys or keys_of(changed)
    if not keys:
        return
    for statement in (UNRANK, RANK):
        cursor.execute(statement, {"places": list(places), "keys": keys})
        changed += cursor.fetchall()
    add_up(cursor, changed)


def _place(workspace: Workspace, draft: Draft, runs: dict[UUID, UUID], traces: dict[UUID, _Trace]) -> Place:
    match draft.level:
        case Level.RUN:
            assert draft.run_id is not None
            trace_id = runs.get(draft.run_id)
            if trace_id is None:
                return Place(
                    _waiting_room(workspace, draft.run_id), draft.trace_id, draft.project_id, None, waiting=True
                )
            trace = traces[trace_id]
            return Place(trace_id, trace_id, trace.project_id, trace.thread)
        case Level.THREAD:
            assert draft.project_id is not None
            assert draft.thread_id is not None
            thread = thread_uuid(draft.project_id, stored_thread_id(draft.thread_id))
            return Place(thread, None, draft.project_id, thread)
    assert draft.project_id is not None
    return Place(draft.project_id, None, draft.project_id, None)


def _waiting_room(workspace: Workspace, run_id: UUID) -> UUID:
    """Of the workspace alone: the trace that a feedback names may turn out to be another's."""
    return thread_uuid(workspace.pk, str(run_id))


def _row(workspace: Workspace, draft: Draft, place: Place) -> dict[str, Any]:
    return {
        **place._asdict(),
        "id": draft.id,
        "workspace_id": workspace.pk,
        "run_id": draft.run_id,
        "thread_id": None if draft.thread_id is None else stored_thread_id(draft.thread_id),
        "level": draft.level,
        "labels": labels_of(draft.value),
        "author": draft.author,
        "current": True,
        **{name: getattr(draft, name) for name in _SAME},
    }


_SAME = (
    "key",
    "score",
    "value",
    "comment",
    "correction",
    "source_type",
    "source",
    "user_id",
    "error",
    "extra",
    "group_id",
    "comparative_id",
    "first_turn",
    "last_turn",
    "created_at",
    "modified_at",
)
