"""What a thread's row does not hold and its turns do: for the threads of a page, or as the order of all of them.

The whole of a thread is read where that is one row a turn; of what its runs say, only the last turns are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.db import connection

from apps.projects.models import Project
from apps.runs.listing.choices import USER_KEYS
from apps.threads.models import Thread

LAST_TURNS: Final = 24
MOST_WORDS: Final = 8


class Pairs(NamedTuple):
    """SQL that selects a thread and a value, at most once a thread, with its parameters. A value is jsonb: numbers compare as such.

    by is the column of threads that tells which: thread_id, or id, their uuid.
    """

    sql: str
    params: list[Any]
    by: str = "thread_id"


@dataclass(frozen=True)
class OfTurns:
    """sql selects thread_id and value (jsonb) of a project's threads; params stand before the project, {some} narrows to some threads."""

    sql: str
    params: tuple[Any, ...] = ()

    def pairs(self, project: Project) -> Pairs:
        return Pairs(self.sql.replace("{some}", ""), [*self._given(), project.pk])

    def __call__(self, project: Project, threads: Sequence[Thread]) -> Mapping[str, Any]:
        sql = self.sql.replace("{some}", "AND trace.thread_id = ANY(%s)")
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT thread_id, value #>> '{{}}' FROM ({sql}) AS pair (thread_id, value)",
                [*self._given(), project.pk, [thread.thread_id for thread in threads]],
            )
            return dict(cursor.fetchall())

    def _given(self) -> list[Any]:
        """Lists for psycopg, which writes a tuple as a row; tuples here, because columns are told apart by what they load."""
        return [list(given) if isinstance(given, tuple) else given for given in self.params]


_FIRST_TOKENS = """
SELECT trace.thread_id,
    to_jsonb(percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM trace.first_token_time - trace.start_time)))
FROM runs_trace AS trace
WHERE trace.project_id = %s AND trace.thread_id IS NOT NULL AND trace.first_token_time IS NOT NULL {some}
GROUP BY trace.thread_id
"""
first_tokens: Final = OfTurns(_FIRST_TOKENS)

_WORKED = """
SELECT trace.thread_id, to_jsonb(extract(epoch FROM sum(greatest(trace.end_time - trace.start_time, '0'))))
FROM runs_trace AS trace
WHERE trace.project_id = %s AND trace.thread_id IS NOT NULL AND trace.end_time IS NOT NULL {some}
GROUP BY trace.thread_id
"""
worked: Final = OfTurns(_WORKED)

_ROOT = "runs_trace AS trace JOIN runs_run AS root ON root.trace_id = trace.trace_id AND root.id = trace.trace_id"
_METADATA = f"""
SELECT DISTINCT ON (thread_id) thread_id, value FROM (
    SELECT trace.thread_id, trace.start_time, nullif({{value}}, 'null'::jsonb) AS value
    FROM {_ROOT} WHERE trace.project_id = %s AND trace.thread_id IS NOT NULL {{some}}
) AS turn WHERE value IS NOT NULL ORDER BY thread_id, start_time DESC
"""


def metadata_of(path: str) -> OfTurns:
    """A key that holds dots itself comes before a path through objects."""
    value = "coalesce(root.metadata -> %s, root.metadata #> %s::text[])"
    return OfTurns(_METADATA.replace("{value}", value), (path, tuple(path.split("."))))


users_of: Final = OfTurns(
    _METADATA.replace("{value}", f"coalesce({', '.join(['root.metadata -> %s'] * len(USER_KEYS))})"), USER_KEYS
)

_LAST_TURNS = """
SELECT wanted.thread_id, array_agg(DISTINCT found.word ORDER BY found.word)
FROM unnest(%s::text[]) AS wanted (thread_id)
CROSS JOIN LATERAL (
    SELECT trace_id FROM runs_trace WHERE project_id = %s AND thread_id = wanted.thread_id ORDER BY start_time DESC LIMIT %s
) AS turn
CROSS JOIN LATERAL {words} AS found
WHERE found.word <> '' GROUP BY wanted.thread_id
"""
_TAGS = "(SELECT unnest(tags) AS word FROM runs_run WHERE trace_id = turn.trace_id AND id = turn.trace_id)"
_MODELS = (
    "(SELECT model AS word FROM runs_run WHERE trace_id = turn.trace_id AND run_type = 'llm' AND model IS NOT NULL)"
)


def _words(source: str, project: Project, threads: Sequence[Thread]) -> Mapping[str, list[str]]:
    with connection.cursor() as cursor:
        ids = [thread.thread_id for thread in threads]
        cursor.execute(_LAST_TURNS.replace("{words}", source), [ids, project.pk, LAST_TURNS])
        return dict(cursor.fetchall())


def run_tags_of(project: Project, threads: Sequence[Thread]) -> Mapping[str, list[str]]:
    """On the root runs of the last turns."""
    return _words(_TAGS, project, threads)


def models_of(project: Project, threads: Sequence[Thread]) -> Mapping[str, list[str]]:
    """Called by any run of the last turns."""
    return _words(_MODELS, project, threads)


# Of the leaf llm runs, as the ingest counts them (COMPUTE_TRACES in runs/ingest/sql.py).
_CACHED = """
SELECT wanted.thread_id, sum(call.cached)::float8 / nullif(sum(call.prompt_tokens), 0)
FROM unnest(%s::text[]) AS wanted (thread_id)
CROSS JOIN LATERAL (
    SELECT trace_id FROM runs_trace WHERE project_id = %s AND thread_id = wanted.thread_id ORDER BY start_time DESC LIMIT %s
) AS turn
CROSS JOIN LATERAL (
    SELECT prompt_tokens, dotted_order, lead(dotted_order) OVER (ORDER BY dotted_order, id) AS next,
        CASE jsonb_typeof(usage_details #> '{prompt,cache_read}')
            WHEN 'number' THEN (usage_details #>> '{prompt,cache_read}')::numeric ELSE 0 END AS cached
    FROM runs_run WHERE trace_id = turn.trace_id AND run_type = 'llm' AND total_tokens IS NOT NULL
) AS call
WHERE call.next IS NULL OR NOT starts_with(call.next, call.dotted_order || '.')
GROUP BY wanted.thread_id
"""


def cached_of(project: Project, threads: Sequence[Thread]) -> Mapping[str, float]:
    """The part of the input tokens that came from a cache, from 0 to 1, in the last turns."""
    with connection.cursor() as cursor:
        cursor.execute(_CACHED, [[thread.thread_id for thread in threads], project.pk, LAST_TURNS])
        return {thread_id: min(max(share, 0), 1) for thread_id, share in cursor.fetchall() if share is not None}
