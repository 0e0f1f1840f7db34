"""The statements of the write path. Table names stand as text, because runs may not import threads, which is built on it."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from apps.runs.ingest.change import BIT, METADATA

# name -> PostgreSQL type, in the order in which COPY sends them.
COLUMNS: dict[str, str] = {
    "start_time": "timestamptz",
    "end_time": "timestamptz",
    "first_token_time": "timestamptz",
    "received_at": "timestamptz",
    "prompt_tokens": "int4",
    "completion_tokens": "int4",
    "total_tokens": "int4",
    "given": "int4",
    "patched": "int4",
    "trace_id": "uuid",
    "id": "uuid",
    "parent_run_id": "uuid",
    "project_id": "uuid",
    "reference_example_id": "uuid",
    "provisional": "bool",
    "dotted_order": "text",
    "name": "text",
    "run_type": "text",
    "error": "text",
    "model": "text",
    "tags": "text[]",
    "metadata": "jsonb",
    "usage_details": "jsonb",
    "prompt_cost": "numeric",
    "completion_cost": "numeric",
    "total_cost": "numeric",
    "cost_source": "text",
    "inputs_preview": "text",
    "outputs_preview": "text",
    "inputs": "bytea",
    "outputs": "bytea",
    "events": "bytea",
    "extra": "bytea",
    "serialized": "bytea",
}

# Made once a connection: a temporary table of its own needs no clean-up and no lock.
STAGE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS incoming ("
    + ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    + ") ON COMMIT DELETE ROWS"
)
COPY = f"COPY incoming ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)"
# Straight into the table where the trace is new, so that no run of it can be there.
COPY_NEW = COPY.replace("incoming", "runs_run", 1)
COPY_TYPES = list(COLUMNS.values())


def _merged(column: str) -> str:
    """The rule of RunChange.absorb: a value that was given wins, unless it comes from a post where a patch has set it."""
    match column:
        case "given" | "patched":
            return f"{column} = r.{column} | excluded.{column}"
        case "provisional":
            return "provisional = r.provisional AND excluded.provisional"
        case "metadata":
            below_above = "excluded.metadata || r.metadata", "r.metadata || excluded.metadata"
            return "metadata = coalesce(CASE WHEN {2} THEN {1} ELSE {0} END, r.metadata, excluded.metadata)".format(
                *below_above, _wins(METADATA)
            )
    return f"{column} = CASE WHEN {_wins(BIT[column])} THEN excluded.{column} ELSE r.{column} END"


def _wins(bit: int) -> str:
    return f"excluded.given & {bit} <> 0 AND (excluded.patched & {bit} <> 0 OR r.patched & {bit} = 0)"


_KEPT = ("trace_id", "id", "received_at")
UPSERT = f"""
INSERT INTO runs_run AS r ({", ".join(COLUMNS)})
SELECT {", ".join(COLUMNS)} FROM incoming ORDER BY trace_id, id
ON CONFLICT (trace_id, id) DO UPDATE SET {", ".join(_merged(column) for column in COLUMNS if column not in _KEPT)}
"""

# A stub for each new trace, then the locks, both in the order of the id: writers of the same traces queue up and never deadlock.
# A plan is kept for the life of the connection, and one made on a nearly empty table would read all of it ever after. An earlier write of
# the transaction may have left sorting off (IN_ORDER).
PLAN_ONCE = "SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = on; SET LOCAL plan_cache_mode = force_generic_plan"
PLAN_EACH_TIME = "SET LOCAL plan_cache_mode = auto"

STUB_TRACES = """
INSERT INTO runs_trace (trace_id, project_id, run_count, error_count, carried_count, llm_count, unpriced_count, prompt_tokens,
    completion_tokens, total_tokens, carried_tokens, prompt_cost, completion_cost, total_cost, carried_cost, has_root, status, name)
SELECT trace_id, %(project)s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, false, 'pending', ''
FROM unnest(%(traces)s::uuid[]) AS trace_id ORDER BY trace_id
ON CONFLICT (trace_id) DO NOTHING RETURNING trace_id
"""
LOCK_TRACES = (
    "SELECT trace_id, project_id FROM runs_trace WHERE trace_id = ANY(%(traces)s) ORDER BY trace_id FOR UPDATE"
)

# What a thread's and a project's totals are made of, before and after.
SUMMED_FACTS = (
    "run_count",
    "error_count",
    "carried_count",
    "llm_count",
    "unpriced_count",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "carried_tokens",
    "prompt_cost",
    "completion_cost",
    "total_cost",
    "carried_cost",
)
TRACE_FACTS = ("project_id", "thread_id", "status", "last_activity", *SUMMED_FACTS)
_FACTS = ", ".join(f"{side}.{fact}" for side in ("old", "new") for fact in TRACE_FACTS) + ", old.trace_id"

# One trace from its runs. A trace is small and its runs lie side by side in the index, so it is computed whole: deltas could not tell
# which llm run is a leaf, nor whose thread id counts. In the order of dotted_order a run comes before its descendants, so an llm run is a
# leaf when the next llm run does not continue its path.
COMPUTE_TRACES = """
WITH run AS MATERIALIZED (
    SELECT trace_id, id, parent_run_id, project_id, start_time, end_time, first_token_time, dotted_order, name, run_type, error, status,
        thread_id, prompt_tokens, completion_tokens, total_tokens, prompt_cost, completion_cost, total_cost,
        run_type = 'llm' AND (total_tokens IS NOT NULL OR total_cost IS NOT NULL) AS counted
    FROM runs_run WHERE trace_id = ANY(%(traces)s)
), head AS (
    SELECT DISTINCT ON (trace_id) *, parent_run_id IS NULL OR id = trace_id AS is_root FROM run
    ORDER BY trace_id, id = trace_id DESC, parent_run_id IS NULL DESC, start_time, id
), membership AS (
    SELECT DISTINCT ON (trace_id) trace_id, coalesce(CASE WHEN head.is_root THEN head.thread_id END, run.thread_id) AS thread_id
    FROM run JOIN head USING (trace_id) WHERE run.thread_id IS NOT NULL ORDER BY trace_id, run.start_time, run.id
), leaf AS (
    SELECT trace_id, id FROM (
        SELECT trace_id, id, dotted_order, lead(dotted_order) OVER (PARTITION BY trace_id ORDER BY dotted_order, id) AS next
        FROM run WHERE counted
    ) AS path WHERE next IS NULL OR NOT starts_with(next, dotted_order || '.')
), computed AS (
    SELECT run.trace_id, max(membership.thread_id) AS thread_id, count(*) AS run_count, count(run.error) AS error_count,
        count(*) FILTER (WHERE run.thread_id = membership.thread_id) AS carried_count,
        count(leaf.id) AS llm_count, count(leaf.id) FILTER (WHERE run.total_cost IS NULL) AS unpriced_count,
        min(run.first_token_time) FILTER (WHERE run.run_type = 'llm') AS first_token_time,
        max(greatest(run.start_time, run.end_time)) AS last_activity,
        coalesce(sum(run.prompt_tokens) FILTER (WHERE leaf.id IS NOT NULL), 0) AS prompt_tokens,
        coalesce(sum(run.completion_tokens) FILTER (WHERE leaf.id IS NOT NULL), 0) AS completion_tokens,
        coalesce(sum(run.total_tokens) FILTER (WHERE leaf.id IS NOT NULL), 0) AS total_tokens,
        coalesce(sum(run.total_tokens) FILTER (WHERE leaf.id IS NOT NULL AND run.thread_id = membership.thread_id), 0) AS carried_tokens,
        coalesce(sum(run.prompt_cost) FILTER (WHERE leaf.id IS NOT NULL), 0) AS prompt_cost,
        coalesce(sum(run.completion_cost) FILTER (WHERE leaf.id IS NOT NULL), 0) AS completion_cost,
        coalesce(sum(run.total_cost) FILTER (WHERE leaf.id IS NOT NULL), 0) AS total_cost,
        coalesce(sum(run.total_cost) FILTER (WHERE leaf.id IS NOT NULL AND run.thread_id = membership.thread_id), 0) AS carried_cost
    FROM run LEFT JOIN membership USING (trace_id) LEFT JOIN leaf ON leaf.trace_id = run.trace_id AND leaf.id = run.id
    GROUP BY run.trace_id
)
"""
_HEAD = {
    "project_id": "head.project_id",
    "name": "head.name",
    "start_time": "head.start_time",
    "has_root": "head.is_root",
    "end_time": "CASE WHEN head.is_root THEN head.end_time END",
    "status": "CASE WHEN head.is_root THEN head.status ELSE 'pending' END",
    "error": "CASE WHEN head.is_root THEN left(head.error, 500) END",
}
_SUMS = ("thread_id", "first_token_time", "last_activity", *SUMMED_FACTS)
TRACE_VALUES = {**_HEAD, **{column: f"computed.{column}" for column in _SUMS}}
UPDATE_TRACES = f"""
{COMPUTE_TRACES}
UPDATE runs_trace AS t SET {", ".join(f"{column} = {value}" for column, value in TRACE_VALUES.items())}
FROM computed JOIN head USING (trace_id) WHERE t.trace_id = computed.trace_id AND t.trace_id = ANY(%(traces)s)
RETURNING {_FACTS}
"""
DROP_EMPTY_TRACES = f"""
DELETE FROM runs_trace AS t WHERE trace_id = ANY(%(traces)s) AND NOT EXISTS (SELECT 1 FROM runs_run WHERE trace_id = t.trace_id)
RETURNING {_FACTS}
"""

# Sums by delta: a thread may have a million turns.
THREAD_SUMS = (
    "turns",
    "errored_turns",
    "run_count",
    "carried_count",
    "llm_count",
    "unpriced_count",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "carried_tokens",
)
THREAD_COSTS = ("prompt_cost", "completion_cost", "total_cost", "carried_cost")
_THREAD_SUMS = THREAD_SUMS + THREAD_COSTS
ADD_TO_THREADS = f"""
INSERT INTO threads_thread AS t (id, project_id, thread_id, {", ".join(_THREAD_SUMS)})
SELECT * FROM unnest(%(id)s::uuid[], %(project_id)s::uuid[], %(thread_id)s::text[],
    {", ".join(f"%({name})s::bigint[]" for name in THREAD_SUMS)}, {", ".join(f"%({name})s::numeric[]" for name in THREAD_COSTS)})
    AS delta (id) ORDER BY delta.id
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = t.{name} + excluded.{name}" for name in _THREAD_SUMS)}
RETURNING new.id, new.project_id, old.id IS NULL
"""

# Threads up to this many turns get their percentiles at once, longer ones from the worker a few seconds later.
EXACT_TURNS = 1_000

# What is not a sum: the first and the last turn come from the index, percentiles and the last activity from all turns.
# In `asked`, `whole` asks for the latter of a long thread too, as its last activity may have gone back.
THREAD_VALUES = {
    "first_start": "first.start_time",
    "first_trace_id": "first.trace_id",
    "first_input": "first.inputs_preview",
    "last_start": "last.start_time",
    "last_trace_id": "last.trace_id",
    "last_output": "last.outputs_preview",
    "last_error": "errored.error",
    "last_activity": "coalesce(turns.last_activity, greatest(t.last_activity, k.last_activity))",
    "latency_p50": "CASE WHEN k.exact THEN turns.latency[1] ELSE t.latency_p50 END",
    "latency_p99": "CASE WHEN k.exact THEN turns.latency[2] ELSE t.latency_p99 END",
}
# A range, so that the order names the thread too and only the index of a thread's turns gives it without a sort (IN_ORDER). A plan made
# where all projects are small would else read all turns of a project, and be kept when one is large.
IN_ORDER = "SET LOCAL enable_sort = off"
_TURNS_OF_K = "trace.project_id = k.project_id AND trace.thread_id BETWEEN k.thread_id AND k.thread_id"
_FIRST, _LAST = "ORDER BY thread_id, start_time, trace_id", "ORDER BY thread_id DESC, start_time DESC, trace_id DESC"
_ROOT = "LEFT JOIN runs_run AS root ON root.trace_id = turn.trace_id AND root.id = turn.trace_id"
THREAD_VALUES_FROM = f"""(
    SELECT asked.id, asked.last_activity, thread.project_id, thread.thread_id, thread.errored_turns,
        asked.whole OR thread.turns <= %(exact)s AS exact
    FROM unnest(%(id)s::uuid[], %(last_activity)s::timestamptz[], %(whole)s::bool[]) AS asked (id, last_activity, whole)
    JOIN threads_thread AS thread ON thread.id = asked.id
) AS k
CROSS JOIN LATERAL (
    SELECT turn.start_time, turn.trace_id, root.inputs_preview FROM (
        SELECT start_time, trace_id FROM runs_trace AS trace WHERE {_TURNS_OF_K} {_FIRST} LIMIT 1
    ) AS turn {_ROOT}
) AS first
CROSS JOIN LATERAL (
    SELECT turn.start_time, turn.trace_id, root.outputs_preview FROM (
        SELECT start_time, trace_id FROM runs_trace AS trace WHERE {_TURNS_OF_K} {_LAST} LIMIT 1
    ) AS turn {_ROOT}
) AS last
LEFT JOIN LATERAL (
    SELECT trace.error FROM runs_trace AS trace WHERE {_TURNS_OF_K} AND trace.status = 'error' AND k.errored_turns > 0
    {_LAST} LIMIT 1
) AS errored ON true
LEFT JOIN LATERAL (
    SELECT max(turn.last_activity) AS last_activity,
        percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM turn.end_time - turn.start_time)) AS latency
    FROM (
        SELECT last_activity, start_time, end_time FROM runs_trace AS trace WHERE {_TURNS_OF_K} AND k.exact ORDER BY thread_id, start_time
    ) AS turn
) AS turns ON true"""
REFRESH_THREADS = f"""
UPDATE threads_thread AS t SET {", ".join(f"{column} = {value}" for column, value in THREAD_VALUES.items())}
FROM {THREAD_VALUES_FROM} WHERE t.id = k.id RETURNING t.id, k.exact
"""
DROP_EMPTY_THREADS = "DELETE FROM threads_thread WHERE id = ANY(%(id)s) AND turns <= 0 RETURNING id, project_id"

# The shard is the connection's, so that writers rarely meet on one row; always the last lock that a writer takes.
TALLY_SUMS = ("threads", "traces", "runs", "errored_runs", "total_tokens")
TALLY_FACTS = {
    "runs": "run_count",
    "errored_runs": "error_count",
    "total_tokens": "total_tokens",
    "total_cost": "total_cost",
}
ADD_TO_TALLIES = f"""
INSERT INTO projects_projecttally AS t (project_id, shard, {", ".join(TALLY_SUMS)}, total_cost, last_activity)
SELECT project_id, pg_backend_pid() %% %(shards)s, {", ".join(TALLY_SUMS)}, total_cost, last_activity
FROM unnest(%(project_id)s::uuid[], {", ".join(f"%({name})s::bigint[]" for name in TALLY_SUMS)}, %(total_cost)s::numeric[],
    %(last_activity)s::timestamptz[]) AS delta (project_id, {", ".join(TALLY_SUMS)}, total_cost, last_activity)
WHERE EXISTS (SELECT 1 FROM projects_project WHERE id = project_id) ORDER BY project_id
ON CONFLICT (project_id, shard) DO UPDATE SET {", ".join(f"{name} = t.{name} + excluded.{name}" for name in (*TALLY_SUMS, "total_cost"))},
    last_activity = greatest(t.last_activity, excluded.last_activity)
"""


def uuids(values: Iterable[UUID]) -> str:
    """As `array`. A batch tells some 500, and str() takes three times as long."""
    return "{" + ",".join([f"{value.int:032x}" for value in values]) + "}"


def array(values: Iterable[Any]) -> str:
    """PostgreSQL's array text for numbers, times and booleans, which need no quotes. psycopg would look at each value's type."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values).replace(" ", "T") + "}"
