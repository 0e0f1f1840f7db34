"""What runs and traces add up to, in one query each. Percentiles interpolate (percentile_cont); lengths of time are seconds."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, DurationField, F, FloatField, Max, Min, Q, Sum
from django.db.models.functions import Cast

from apps.common.templatetags.threadline import UNKNOWN
from apps.projects.stats import Percentile
from apps.runs.models import RunQuerySet, RunType, Status, TraceQuerySet

TOKENS: Final = ("total_tokens", "prompt_tokens", "completion_tokens")
COSTS: Final = ("total_cost", "prompt_cost", "completion_cost")
LENGTHS: Final = ("latency_p50", "latency_p99", "first_token_p50", "first_token_p99")


def _lengths() -> dict[str, Percentile]:
    latency = F("end_time") - F("start_time")
    first_token = F("first_token_time") - F("start_time")
    return {
        f"{name}_{label}_": Percentile(fraction, length, output_field=DurationField())
        for name, length in (("latency", latency), ("first_token", first_token))
        for label, fraction in (("p50", 0.5), ("p99", 0.99))
    }


def _median_tokens() -> Percentile:
    return Percentile(0.5, Cast("total_tokens", FloatField()), output_field=FloatField())


# The names end in _, because an aggregate may not be called like a column.
_TRACE_AGGREGATES: Final[dict[str, Any]] = {
    "count_": Count("pk"),
    "errors_": Count("pk", filter=Q(status=Status.ERROR)),
    "streamed_": Count("first_token_time"),
    "min_start_": Min("start_time"),
    "max_start_": Max("start_time"),
    "max_end_": Max("end_time"),
    "llm_count_": Sum("llm_count", default=0),
    "unpriced_count_": Sum("unpriced_count", default=0),
    "median_tokens_": _median_tokens(),
    **{f"{name}_": Sum(name, default=0) for name in TOKENS},
    **{f"{name}_": Sum(name) for name in COSTS},
    **_lengths(),
}


def trace_stats(traces: TraceQuerySet) -> dict[str, Any]:
    """count, error_rate, streaming_rate, min_start, max_start, max_end, median_tokens, TOKENS, COSTS and LENGTHS."""
    return _named(traces.aggregate(**_TRACE_AGGREGATES))


def thread_stats(traces: TraceQuerySet) -> dict[str, dict[str, Any]]:
    """trace_stats of the traces of each thread, by thread id."""
    rows = traces.order_by().values("thread_id").annotate(**_TRACE_AGGREGATES)
    return {str(row["thread_id"]): _named(row) for row in rows}


def run_stats(runs: RunQuerySet) -> dict[str, Any]:
    """As trace_stats. Usage is that of the llm runs among them; one that repeats the usage of an llm run below it is left out."""
    counted = runs.filter(run_type=RunType.LLM).filter(Q(total_tokens__isnull=False) | Q(total_cost__isnull=False))
    repeating = counted.filter(parent_run_id__isnull=False).values("parent_run_id")
    usage = counted.exclude(id__in=repeating).aggregate(
        llm_count_=Count("id"),
        unpriced_count_=Count("id", filter=Q(total_cost__isnull=True)),
        median_tokens_=_median_tokens(),
        **{f"{name}_": Sum(name, default=0) for name in TOKENS},
        **{f"{name}_": Sum(name) for name in COSTS},
    )
    others = ("count_", "errors_", "min_start_", "max_start_", "max_end_", "streamed_")
    aggregates = {name: _TRACE_AGGREGATES[name] for name in others} | _lengths()
    streamed = Q(run_type=RunType.LLM, first_token_time__isnull=False)
    aggregates |= {"count_": Count("id"), "errors_": Count("error"), "streamed_": Count("id", filter=streamed)}
    return _named(usage | runs.aggregate(**aggregates))


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """Costs are null where no run has a price, which is not the same as free."""
    count = row["count_"]
    priced = row["llm_count_"] > row["unpriced_count_"]
    return {
        "count": count,
        "errors": row["errors_"],
        "error_rate": row["errors_"] / count if count else None,
        "streaming_rate": row["streamed_"] / count if count else None,
        **{name: row[f"{name}_"] for name in ("min_start", "max_start", "max_end", "median_tokens", *TOKENS)},
        **{name: row[f"{name}_"] if priced else None for name in COSTS},
        **{name: _seconds(row[f"{name}_"]) for name in LENGTHS},
    }


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()


_USAGE_BY_KIND = """
WITH counted AS (
    SELECT {key} AS key, run.usage_details,
        lead(dotted_order) OVER (PARTITION BY run.trace_id ORDER BY dotted_order, run.id) AS next, dotted_order
    FROM runs_run AS run JOIN runs_trace AS trace ON trace.trace_id = run.trace_id
    WHERE run.trace_id IN ({traces}) AND run.run_type = 'llm'
        AND (run.total_tokens IS NOT NULL OR run.total_cost IS NOT NULL)
)
SELECT counted.key, side.key, kind.key, sum((kind.value #>> '{}')::numeric)
FROM counted, jsonb_each(counted.usage_details) AS side,
    jsonb_each(CASE jsonb_typeof(side.value) WHEN 'object' THEN side.value ELSE '{}' END) AS kind
WHERE (next IS NULL OR NOT starts_with(next, dotted_order || '.')) AND jsonb_typeof(kind.value) = 'number'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""


type Kinds = dict[str, dict[str, Any]]


def usage_of(traces: TraceQuerySet) -> Kinds:
    """As Run.usage_details: prompt, completion, prompt_cost, completion_cost to amounts by kind.

    Over the leaf llm runs, as the ingest counts them (COMPUTE_TRACES in ingest/sql.py).
    """
    return _usage_by("NULL", traces).get(None, {})


def usage_of_threads(traces: TraceQuerySet) -> dict[str, Kinds]:
    """usage_of the traces of each thread, by thread id."""
    return _usage_by("trace.thread_id", traces)


def usage_of_traces(traces: TraceQuerySet) -> dict[UUID, Kinds]:
    return _usage_by("trace.trace_id", traces)


def _usage_by(key: str, traces: TraceQuerySet) -> dict[Any, Kinds]:
    found: dict[Any, Kinds] = {}
    try:
        sql, parameters = traces.order_by().values("trace_id").query.sql_with_params()
    except EmptyResultSet:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_USAGE_BY_KIND.replace("{key}", key).replace("{traces}", sql), parameters)
        for owner, side, kind, amount in cursor.fetchall():
            whole = amount if side.endswith("_cost") else int(amount)
            found.setdefault(owner, {}).setdefault(side, {})[kind] = whole
    return found


def added(kinds: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Amounts by kind, of several sides together."""
    total: dict[str, Any] = {}
    for side in kinds:
        for kind, amount in side.items():
            total[kind] = total.get(kind, 0) + amount
    return total


def percent(rate: float | None) -> str:
    """Of a number of percent: 0.4 %, 12 %."""
    return UNKNOWN if rate is None else f"{rate:.1f}".removesuffix(".0") + " %"
