"""Rows of the Threads tab with their cells ready to print: filters in the template would take most of the page's time."""

from collections.abc import Sequence
from typing import TypedDict
from urllib.parse import quote

from django.urls import reverse
from django.utils.safestring import SafeString

from apps.common.templatetags.threadline import ago, cost, duration, latency_pill, short_id, tokens
from apps.projects.models import Project
from apps.threads.converters import ThreadIdConverter
from apps.threads.knots import knots_of, sparkline
from apps.threads.models import Thread

_CONVERTER = ThreadIdConverter()


class Row(TypedDict):
    """A dictionary, because the template finds its keys without trying attributes first."""

    thread: Thread
    href: str
    name: str
    spark: SafeString
    last_status: str
    turns: str
    tokens: str
    cost: str
    p50: str
    p99: SafeString
    first_start: SafeString
    last_activity: SafeString


def rows_of(project: Project, threads: Sequence[Thread]) -> list[Row]:
    knots = knots_of(project, threads)
    base = reverse("threads:detail", args=[project.workspace_id, project.pk, "x"])[:-1]
    return [
        Row(
            thread=thread,
            # As reverse() would, which takes as long as the rest of the row.
            href=base + quote(_CONVERTER.to_url(thread.thread_id), safe="/:@"),
            name=short_id(thread.thread_id),
            spark=sparkline(turns := knots[thread.thread_id], thread.turns),
            last_status=turns[-1].status if turns else "",
            turns=f"{thread.turns:,}",
            tokens=tokens(thread.total_tokens),
            cost=cost(known) if (known := thread.known_cost) is not None else "",
            p50=duration(thread.latency_p50),
            p99=latency_pill(thread.latency_p99),
            first_start=ago(thread.first_start),
            last_activity=ago(thread.last_activity),
        )
        for thread in threads
    ]
