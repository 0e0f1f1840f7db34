"""What the runs of a filter add up to: the latest of them, where they are too many for an answer at once."""

from typing import Any, Final

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.narrow import narrowed_runs
from apps.runs.models import Trace
from apps.runs.stats import percent, run_stats, trace_stats
from apps.runs.table.columns import show_of
from apps.runs.table.sorts import latest_of

SAMPLE: Final = 10_000


def stats_of(project: Project, asked: Asked) -> dict[str, Any]:
    """Those of trace_stats for traces, else those of run_stats, and rates in words. sampled: of how many they are, where there are more."""
    latest, some = latest_of(narrowed_runs(project, asked).order_by(), SAMPLE)
    traces = show_of(asked) == "traces"
    found = trace_stats(Trace.objects.in_project(project).of_runs(latest)) if traces else run_stats(latest)
    rates = {
        name: _shown(found[f"{rate}_rate"]) for name, rate in (("error_text", "error"), ("streaming_text", "streaming"))
    }
    return found | rates | {"sampled": found["count"] if some else 0}


def _shown(rate: float | None) -> str:
    return percent(None if rate is None else 100 * rate)
