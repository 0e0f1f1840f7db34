"""What the threads of a filter add up to: the latest of them where they are too many for an answer at once. Sums are those of the rows;
what must be ordered comes from a sample of the latest turns."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Count, Sum

from apps.common.templatetags.threadline import tokens
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.models import Trace
from apps.runs.stats import percent, trace_stats
from apps.threads.narrow import latest_of

MOST_THREADS: Final = 10_000
"""Of a filter, those of the latest activity."""
SAMPLE: Final = 10_000
"""Turns, the latest ones."""


@dataclass(frozen=True)
class Stats:
    """Latencies are seconds, rates percent of the turns; None where nothing can be said. sampled: of how many threads these figures are,
    where there are more; sampled_turns: of how many of their turns the medians are, where there are more."""

    threads: int
    turns: int
    tokens: int
    tokens_in: int
    tokens_out: int
    cost: Decimal | None
    unpriced: int
    error_rate: float | None
    median_tokens: float | None
    streaming_rate: float | None
    p50: float | None
    p99: float | None
    first_token: float | None
    sampled: int
    sampled_turns: int

    @property
    def error_text(self) -> str:
        return percent(self.error_rate)

    @property
    def streaming_text(self) -> str:
        return percent(self.streaming_rate)

    @property
    def median_text(self) -> str:
        return tokens(None if self.median_tokens is None else round(self.median_tokens))


def stats_of(project: Project, asked: Asked) -> Stats:
    threads, some = latest_of(project, asked, MOST_THREADS)
    sums = threads.order_by().aggregate(
        count_=Count("pk"),
        **{f"{name}_": Sum(name, default=0) for name in _SUMS},
        cost_=Sum("total_cost", default=Decimal(0)),
    )
    turns = Trace.objects.in_project(project)
    # All the threads of a project need not be looked up one by one.
    turns = turns.of_threads(threads) if asked.is_narrow else turns.in_some_thread()
    sample = trace_stats(turns.order_by("-start_time")[:SAMPLE])
    return Stats(
        threads=sums["count_"],
        turns=sums["turns_"],
        tokens=sums["total_tokens_"],
        tokens_in=sums["prompt_tokens_"],
        tokens_out=sums["completion_tokens_"],
        cost=sums["cost_"] if sums["llm_count_"] > sums["unpriced_count_"] else None,
        unpriced=sums["unpriced_count_"],
        error_rate=_percent(sums["errored_turns_"], sums["turns_"]),
        median_tokens=sample["median_tokens"],
        streaming_rate=None if sample["streaming_rate"] is None else 100 * sample["streaming_rate"],
        p50=sample["latency_p50"],
        p99=sample["latency_p99"],
        first_token=sample["first_token_p50"],
        sampled=sums["count_"] if some else 0,
        sampled_turns=sample["count"] if sample["count"] < sums["turns_"] else 0,
    )


_SUMS: Final = (
    "turns",
    "errored_turns",
    "total_tokens",
    "prompt_tokens",
    "completion_tokens",
    "llm_count",
    "unpriced_count",
)


def _percent(part: int, whole: int) -> float | None:
    return 100 * part / whole if whole else None
