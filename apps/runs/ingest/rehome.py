"""Runs that came before anybody told their trace.

A run sent by hand may name only its parent, or nothing. Unless the parent is known it stands as its own root, marked provisional; when the
parent or the run's own post arrives, the run and all below it move to the trace they belong to, through the same write as any other change.
"""

from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from apps.projects.models import Project
from apps.runs.attachments import Attachment
from apps.runs.ingest.change import RunChange
from apps.runs.ingest.normalise import MAX_DOTTED_ORDER
from apps.runs.ingest.sql import COLUMNS, uuids

# Each half has an index of its own. With the project among the conditions a plan made on an empty table would read all runs of a project.
FIND = """
WITH waiting AS MATERIALIZED (
    SELECT id, parent_run_id, dotted_order, project_id FROM runs_run WHERE provisional AND id = ANY(%(ids)s)
    UNION SELECT id, parent_run_id, dotted_order, project_id FROM runs_run WHERE provisional AND parent_run_id = ANY(%(ids)s)
)
SELECT r.id, r.parent_run_id, r.dotted_order FROM waiting AS r JOIN projects_project AS p ON p.id = r.project_id
WHERE p.workspace_id = %(workspace)s
"""
TAKE = f"SELECT {', '.join(COLUMNS)} FROM runs_run WHERE trace_id = ANY(%(traces)s) ORDER BY dotted_order"
DELETE = "DELETE FROM runs_run WHERE trace_id = ANY(%(traces)s)"


class Move(NamedTuple):
    trace_id: UUID
    dotted_order: str
    old_dotted_order: str


def find(cursor: "psycopg.Cursor[Any]", project: Project, changes: list[RunChange]) -> dict[UUID, Move]:
    """Where each provisional trace goes, now that these changes are known. Nearly always empty: two small partial indexes tell."""
    by_id = {change.id: change for change in changes}
    cursor.execute(FIND, {"ids": uuids(by_id), "workspace": project.workspace_id}, prepare=True)
    moves = {}
    for run_id, parent_run_id, dotted_order in cursor.fetchall():
        own, parent = by_id.get(run_id), by_id.get(parent_run_id)
        if own is not None and own.trace_id not in (None, run_id) and own.dotted_order:
            moves[run_id] = Move(own.trace_id, own.dotted_order, dotted_order)
        elif parent is not None and parent.trace_id not in (None, run_id) and _has_room(parent.dotted_order):
            moves[run_id] = Move(parent.trace_id, f"{parent.dotted_order}.{dotted_order}", dotted_order)
    return moves


def _has_room(dotted_order: str | None) -> bool:
    return dotted_order is not None and len(dotted_order) < MAX_DOTTED_ORDER


def take(cursor: "psycopg.Cursor[Any]", moves: dict[UUID, Move]) -> list[RunChange]:
    """Take the runs of these locked traces out of the table, as changes that write them where they belong."""
    cursor.execute(TAKE, {"traces": list(moves)})
    changes = [_stored(row) for row in cursor.fetchall()]
    cursor.execute(DELETE, {"traces": list(moves)})
    Attachment.objects.move({trace: move.trace_id for trace, move in moves.items()})
    for change in changes:
        assert change.trace_id is not None
        assert change.dotted_order is not None
        move = moves[change.trace_id]
        change.trace_id, change.provisional = move.trace_id, False
        change.dotted_order = move.dotted_order + change.dotted_order.removeprefix(move.old_dotted_order)
    return changes


def _stored(row: tuple[Any, ...]) -> RunChange:
    """Django's connections hand out jsonb as text."""
    values = dict(zip(COLUMNS, row, strict=True))
    for column in ("metadata", "usage_details"):
        if values[column] is not None:
            values[column] = msgspec.json.decode(values[column])
    return RunChange(**values)
