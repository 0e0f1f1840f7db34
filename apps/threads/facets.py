"""The most frequent values in the threads of a filter, each a click away from being asked for or left out."""

from collections.abc import Callable
from typing import Final

from django.db import connection

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.choices import LONGEST, MOST_VALUES, SCATTERED, UNREAD, Choice, Count, Facets, Kinds
from apps.runs.query.nodes import Check, Compare, Has, Node, Not, Op, Pair
from apps.threads.filtering import TAG, AnyRun
from apps.threads.narrow import narrowed

SAMPLE: Final = 500
"""Threads, those of the most recent activity; of these at most MOST_TURNS turns."""
MOST_TURNS: Final = 2_000

_ROOTS = """
WITH turn AS MATERIALIZED (
    SELECT trace_id, thread_id, status FROM runs_trace WHERE project_id = %(project)s AND thread_id = ANY(%(threads)s)
    ORDER BY start_time DESC LIMIT %(turns)s
), root AS MATERIALIZED (
    SELECT turn.thread_id, turn.status, run.name, run.tags, run.metadata
    FROM turn JOIN runs_run AS run ON run.trace_id = turn.trace_id AND run.id = turn.trace_id
), found AS (
    SELECT 'status' AS kind, '' AS key, status AS value, thread_id FROM root
    UNION ALL SELECT 'name', '', name, thread_id FROM root WHERE name <> ''
    UNION ALL SELECT 'tag', '', tag, thread_id FROM root, unnest(tags) AS tag
    UNION ALL SELECT 'metadata', item.key, item.value #>> '{}', thread_id
    FROM root, jsonb_each(CASE jsonb_typeof(metadata) WHEN 'object' THEN metadata ELSE '{}' END) AS item
    WHERE jsonb_typeof(item.value) IN ('string', 'number', 'boolean') AND item.key <> ALL(%(unread)s)
    UNION ALL SELECT 'model', '', run.model, turn.thread_id
    FROM turn JOIN runs_run AS run ON run.trace_id = turn.trace_id WHERE run.run_type = 'llm' AND run.model IS NOT NULL
    UNION ALL SELECT 'thread_tag', '', tagged.tag, thread.thread_id
    FROM threads_threadtag AS tagged JOIN threads_thread AS thread ON thread.id = tagged.thread
    WHERE tagged.project_id = %(project)s AND thread.project_id = %(project)s AND thread.thread_id = ANY(%(threads)s)
), counted AS (
    SELECT kind, key, value, count(DISTINCT thread_id) AS threads FROM found WHERE length(value) <= %(longest)s GROUP BY kind, key, value
)
SELECT kind, key, value, threads, number FROM (
    SELECT *, count(*) OVER (PARTITION BY kind, key) AS number,
        row_number() OVER (PARTITION BY kind, key ORDER BY threads DESC, value) AS place FROM counted
) AS ranked WHERE place <= %(most)s ORDER BY kind, key, place
"""


def choice(parameter: str, condition: Node) -> Choice:
    """A condition on runs or on threads. To leave it out is that no run of the thread has it: a thread with one run without it would
    otherwise do."""
    own = parameter == "thread_filter"
    refusal = Not(condition) if own else Not(AnyRun(condition, roots=parameter == "trace_filter"))  # type: ignore[arg-type]
    return Choice(parameter, condition, "thread_filter", refusal)


KINDS: Final = Kinds[str](("status", "thread_tag", "feedback", "feedback_label", "model", "name", "tag"))
"""Rows are named by thread ids."""


def _is(field: str, parameter: str) -> Callable[[str, str], Choice]:
    return lambda key, value: choice(parameter, Compare(field, Check(Op.EQ, (value,))))


KINDS.add("status", "Status", _is("status", "trace_filter"))
KINDS.add("name", "Name", _is("name", "trace_filter"))
KINDS.add("model", "Model", _is("model", "filter"))
KINDS.add("tag", "Tag", lambda key, value: choice("trace_filter", Has("tags", value)))
KINDS.add("thread_tag", "Thread tag", _is(TAG, "thread_filter"))
KINDS.add(
    "metadata",
    "",
    lambda key, value: choice("trace_filter", Pair("metadata", (key,), False, (Check(Op.EQ, (value,)),))),
)


def facets_of(project: Project, asked: Asked) -> Facets:
    return KINDS.facets(asked, lambda asked: _counts(project, asked))


def _counts(project: Project, asked: Asked) -> tuple[list[Count], int]:
    threads = narrowed(project, asked).order_by("-last_activity").values_list("thread_id", flat=True)
    ids = list(threads[: SAMPLE + 1])
    sampled, ids = (SAMPLE if len(ids) > SAMPLE else 0), ids[:SAMPLE]
    with connection.cursor() as cursor:
        cursor.execute(
            _ROOTS,
            {
                "project": project.pk,
                "threads": ids,
                "turns": MOST_TURNS,
                "unread": list(UNREAD),
                "longest": LONGEST,
                "most": MOST_VALUES,
            },
        )
        rows = cursor.fetchall()
    found = [tuple(row[:4]) for row in rows if not (row[0] == "metadata" and row[4] > SCATTERED and row[3] < 3)]
    return found + KINDS.more(project, ids), sampled
