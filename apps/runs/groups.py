"""Threads as what is asked of them makes them: the totals, the ends and the last error of some of their traces."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from apps.projects.models import Project
from apps.runs.models import Run, Trace, TraceQuerySet
from apps.runs.stats import added, thread_stats, usage_of_threads


@dataclass(frozen=True)
class Group:
    """The traces asked for of one thread; stats are those of apps.runs.stats.trace_stats, the details by kind."""

    thread_id: str
    stats: dict[str, Any]
    first: Trace
    last: Trace
    last_error: str | None
    first_inputs: str | None
    last_outputs: str | None
    token_details: dict[str, Any]
    cost_details: dict[str, Any]


def groups_of(traces: TraceQuerySet, thread_ids: Iterable[str]) -> dict[str, Group]:
    """By thread id; a thread that has none of these traces is left out. Five queries however many threads."""
    mine = traces.in_threads(thread_ids)
    first, last = mine.ends_of_threads()
    errors = mine.last_errors()
    kinds = usage_of_threads(mine)
    previews = _previews(trace.trace_id for trace in (*first.values(), *last.values()))
    nothing = None, None
    return {
        thread_id: Group(
            thread_id,
            stats,
            first[thread_id],
            last[thread_id],
            errors.get(thread_id),
            previews.get(first[thread_id].trace_id, nothing)[0],
            previews.get(last[thread_id].trace_id, nothing)[1],
            added(kinds.get(thread_id, {}).get(side, {}) for side in ("prompt", "completion")),
            added(kinds.get(thread_id, {}).get(side, {}) for side in ("prompt_cost", "completion_cost")),
        )
        for thread_id, stats in thread_stats(mine).items()
        # Another request may have written between the queries.
        if thread_id in first and thread_id in last
    }


def _previews(trace_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, tuple[str | None, str | None]]:
    rows = Run.objects.roots_of(trace_ids).values_list("trace_id", "inputs_preview", "outputs_preview")
    return {trace_id: (inputs, outputs) for trace_id, inputs, outputs in rows}


_TURN_NUMBERS = """
SELECT trace_id, number FROM (
    SELECT trace_id, row_number() OVER (ORDER BY start_time, trace_id) AS number
    FROM runs_trace WHERE project_id = %s AND thread_id = %s
) AS turn WHERE trace_id = ANY(%s)
"""


def turn_numbers(project: Project, thread_id: str, trace_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Where each of these traces stands in the whole thread, counted from 1."""
    with connection.cursor() as cursor:
        cursor.execute(_TURN_NUMBERS, [project.pk, thread_id, list(trace_ids)])
        return dict(cursor.fetchall())
