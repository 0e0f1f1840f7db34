"""What a project's traces add up to, in one query."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Aggregate, Count, DurationField, F, FloatField, Max, Q, QuerySet, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from apps.projects import ports
from apps.projects.models import Project
from apps.projects.ports import NO_FEEDBACK, Stats


class Percentile(Aggregate):
    """percentile_cont, which interpolates between the two nearest rows; null where there are none."""

    function = "percentile_cont"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    name = "Percentile"

    def __init__(self, fraction: float, expression: Combinable, **extra: Any) -> None:
        super().__init__(expression, fraction=float(fraction), **extra)


def _latency(fraction: float) -> Percentile:
    return Percentile(fraction, F("traces__end_time") - F("traces__start_time"), output_field=DurationField())


def _first_token(fraction: float) -> Percentile:
    return Percentile(fraction, F("traces__first_token_time") - F("traces__start_time"), output_field=DurationField())


_SUMS = ("run_count", "total_tokens", "prompt_tokens", "completion_tokens", "llm_count", "unpriced_count")
_COSTS = ("total_cost", "prompt_cost", "completion_cost")


_NOTHING = {f"{name}_": 0 for name in (*_SUMS, "traces", "errors", "streamed")} | {
    f"{name}_": None
    for name in (
        *_COSTS,
        "last_start",
        "median_tokens",
        "latency_p50",
        "latency_p99",
        "first_token_p50",
        "first_token_p99",
    )
}


def stats_of(
    projects: Iterable[Project], traces: QuerySet[Any] | None = None, since: datetime | None = None
) -> dict[Any, dict[str, Any]]:
    """Stats by project id, named as the v1 API names them, of these traces or of all. Latencies are seconds, rates parts of all traces."""
    wanted: QuerySet[Project] = Project.objects.among(project.pk for project in projects)
    bounds = {"traces__in": traces, "traces__start_time__gte": since}
    counted = wanted.filter(**{bound: value for bound, value in bounds.items() if value is not None})
    rows = counted.values("pk").annotate(
        **{f"{name}_": Sum(f"traces__{name}", default=0) for name in _SUMS},
        **{f"{name}_": Sum(f"traces__{name}") for name in _COSTS},
        traces_=Count("traces"),
        errors_=Count("traces", filter=Q(traces__status="error")),
        streamed_=Count("traces__first_token_time"),
        last_start_=Max("traces__start_time"),
        median_tokens_=Percentile(0.5, Cast("traces__total_tokens", FloatField()), output_field=FloatField()),
        latency_p50_=_latency(0.5),
        latency_p99_=_latency(0.99),
        first_token_p50_=_first_token(0.5),
        first_token_p99_=_first_token(0.99),
    )
    ids = list(wanted.values_list("pk", flat=True))
    feedback = ports.feedback.of_projects(ids)
    found = {row["pk"]: dict(row) for row in rows}
    return {pk: _named(found.get(pk, _NOTHING), feedback.get(pk, NO_FEEDBACK)) for pk in ids}


def _named(row: dict[str, Any], feedback: tuple[Stats, Stats]) -> dict[str, Any]:
    """Costs are null where no run has a price, which is not the same as free."""
    traces = row["traces_"]
    priced = row["llm_count_"] > row["unpriced_count_"]
    return {
        "run_count": row["run_count_"],
        **{name: row[f"{name}_"] for name in ("total_tokens", "prompt_tokens", "completion_tokens")},
        **{name: float(row[f"{name}_"]) if priced else None for name in _COSTS},
        **{name: _seconds(row[f"{name}_"]) for name in ("latency_p50", "latency_p99")},
        **{name: _seconds(row[f"{name}_"]) for name in ("first_token_p50", "first_token_p99")},
        "median_tokens": row["median_tokens_"],
        "error_rate": row["errors_"] / traces if traces else None,
        "streaming_rate": row["streamed_"] / traces if traces else None,
        "last_run_start_time": row["last_start_"],
        "last_run_start_time_live": row["last_start_"],
        "feedback_stats": feedback[0],
        "session_feedback_stats": feedback[1],
        "run_facets": [],
    }


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else length.total_seconds()
