"""Values to choose from while a condition is written, with how often they came up lately: read from the newest runs only, so that
a project of any size answers at once."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from apps.projects.models import Project
from apps.runs.models import RunType, Status

SAMPLE: Final = 2_000
MOST: Final = 12
SUGGESTED: Final = frozenset({"name", "run_type", "status", "tags", "metadata", "thread_id"})
MAX_SHOWN: Final = 200
"""Longer values make no menu."""

_LATEST = "SELECT {columns} FROM runs_run WHERE project_id = %(project)s ORDER BY start_time DESC LIMIT %(sample)s"
_COUNTED = """
WITH latest AS MATERIALIZED ({latest})
SELECT value, count(*) FROM ({values}) AS v(value)
WHERE length(value) BETWEEN 1 AND %(longest)s AND value ILIKE %(like)s
GROUP BY value ORDER BY count(*) DESC, value LIMIT %(most)s
"""
_KEYS = """
SELECT jsonb_object_keys(metadata) FROM latest WHERE jsonb_typeof(metadata) = 'object'
UNION ALL
SELECT part.key || '.' || jsonb_object_keys(part.value) FROM latest, jsonb_each(metadata) AS part
WHERE jsonb_typeof(metadata) = 'object' AND jsonb_typeof(part.value) = 'object'
"""
_BY_KEY = "SELECT COALESCE(metadata ->> %(key)s, metadata #>> string_to_array(%(key)s, '.')) FROM latest"
_ANY_VALUE = "SELECT part.value FROM latest, jsonb_each_text(metadata) AS part WHERE jsonb_typeof(metadata) = 'object'"
# By name: the app of feedback stands above this one.
_FEEDBACK = "SELECT key FROM feedback_feedback WHERE project_id = %(project)s ORDER BY created_at DESC LIMIT %(sample)s"
_THREADS = """
SELECT thread_id FROM runs_trace WHERE project_id = %(project)s AND thread_id IS NOT NULL
ORDER BY start_time DESC LIMIT %(sample)s
"""


@dataclass(frozen=True, slots=True)
class Choice:
    value: str
    count: int


def keys_of(project: Project, relation: str, typed: str) -> list[Choice]:
    if relation == "feedback":
        return _counted(project, "", _FEEDBACK, typed)
    return _counted(project, "metadata", _KEYS, typed) if relation == "metadata" else []


def values_of(project: Project, field: str, key: str, typed: str) -> list[Choice]:
    """None for a field whose values are hardly ever the same twice."""
    if field == "metadata":
        return _counted(project, "metadata", _BY_KEY if key else _ANY_VALUE, typed, key=key)
    if field == "tags":
        return _counted(project, "tags", "SELECT unnest(tags) FROM latest", typed)
    if field == "thread_id":
        return _counted(project, "", _THREADS, typed)
    if field == "name":
        return _counted(project, field, "SELECT name FROM latest", typed)
    if field in ("run_type", "status"):
        return _with_all(field, _counted(project, field, f"SELECT {field} FROM latest", typed), typed)
    return []


def _with_all(field: str, found: list[Choice], typed: str) -> list[Choice]:
    """Also those that no run had lately."""
    values = (RunType if field == "run_type" else Status).values
    seen = {choice.value for choice in found}
    return found + [Choice(value, 0) for value in values if value not in seen and typed.lower() in value]


def _counted(project: Project, columns: str, values: str, typed: str, **params: Any) -> list[Choice]:
    latest = _LATEST.format(columns=columns or "1")
    like = "%" + typed.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    given = {"project": project.pk, "sample": SAMPLE, "longest": MAX_SHOWN, "like": like, "most": MOST, **params}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED.format(latest=latest, values=values), given)
        return [Choice(*row) for row in cursor.fetchall()]
