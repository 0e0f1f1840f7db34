"""A project's traces over time, as the prebuilt dashboard of the API has them."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from django.db import connection

from apps.projects.models import Project

type Attribute = Literal["name", "run_type", "tag", "metadata"]

_LATENCY = "extract(epoch FROM trace.end_time - trace.start_time)"
_FIRST_TOKEN = "extract(epoch FROM trace.first_token_time - trace.start_time)"
_MEDIAN, _HIGH = "percentile_cont(0.5) WITHIN GROUP (ORDER BY %s)", "percentile_cont(0.99) WITHIN GROUP (ORDER BY %s)"
_PRICED = "CASE WHEN sum(trace.llm_count) > sum(trace.unpriced_count) THEN sum(trace.%s) END"

METRICS: Final = {
    "run_count": "count(*)",
    "error_rate": "avg((trace.status = 'error')::int)",
    "latency_p50": _MEDIAN % _LATENCY,
    "latency_p99": _HIGH % _LATENCY,
    "first_token_p50": _MEDIAN % _FIRST_TOKEN,
    "first_token_p99": _HIGH % _FIRST_TOKEN,
    "streaming_rate": "avg((trace.first_token_time IS NOT NULL)::int)",
    "total_tokens": "sum(trace.total_tokens)",
    "prompt_tokens": "sum(trace.prompt_tokens)",
    "completion_tokens": "sum(trace.completion_tokens)",
    "total_cost": _PRICED % "total_cost",
    "prompt_cost": _PRICED % "prompt_cost",
    "completion_cost": _PRICED % "completion_cost",
}
CHARTS: Final = {
    "Traces": ("run_count",),
    "Error rate": ("error_rate",),
    "Latency": ("latency_p50", "latency_p99"),
    "Time to first token": ("first_token_p50", "first_token_p99"),
    "Streaming rate": ("streaming_rate",),
    "Tokens": ("total_tokens", "prompt_tokens", "completion_tokens"),
    "Cost": ("total_cost", "prompt_cost", "completion_cost"),
}
_ROOT = " JOIN runs_run AS root ON root.trace_id = trace.trace_id AND root.id = trace.trace_id"
_GROUPS: Final[dict[Attribute | None, tuple[str, str]]] = {
    None: ("NULL", ""),
    "name": ("trace.name", ""),
    "run_type": ("root.run_type", _ROOT),
    "tag": ("tag", f"{_ROOT} CROSS JOIN unnest(root.tags) AS tag"),
    "metadata": ("root.metadata #>> string_to_array(%(path)s, '.')", _ROOT),
}


@dataclass(frozen=True)
class Asked:
    start: datetime
    end: datetime
    stride: timedelta
    origin: datetime
    """Where one of the strides begins."""
    group_by: Attribute | None = None
    path: str = ""
    """Of the metadata, dotted."""
    max_groups: int = 5


@dataclass(frozen=True)
class Row:
    """Values by METRICS of the traces that started in the stride from `at`."""

    at: datetime
    group: str | None
    values: dict[str, Any]


def rows_of(project: Project, asked: Asked) -> list[Row]:
    """By time, of the groups with the most traces. Strides without traces are left out."""
    group, join = _GROUPS[asked.group_by]
    sql = f"""
        SELECT date_bin(%(stride)s, trace.start_time, %(origin)s), {group}, {", ".join(METRICS.values())}
        FROM runs_trace AS trace{join}
        WHERE trace.project_id = %(project)s AND trace.start_time >= %(start)s AND trace.start_time < %(end)s
        GROUP BY 1, 2 ORDER BY 1, 2
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {**vars(asked), "project": project.pk})
        rows = [Row(at, name, dict(zip(METRICS, values, strict=True))) for at, name, *values in cursor.fetchall()]
    sizes: Counter[str | None] = Counter()
    for row in rows:
        sizes[row.group] += row.values["run_count"]
    kept = {name for name, _ in sizes.most_common(asked.max_groups)}
    return [row for row in rows if row.group in kept]
