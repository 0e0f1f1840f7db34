"""The Threads tab as a list."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Q
from django.utils.safestring import SafeString

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.histogram import Activity
from apps.runs.listing.tab import Tab
from apps.threads.bulk import ACTIONS, ticked
from apps.threads.columns import Column, chosen, column, offered
from apps.threads.facets import facets_of
from apps.threads.models import Thread, ThreadQuerySet
from apps.threads.narrow import latest_of, narrowed
from apps.threads.rows import rows_of
from apps.threads.snippets import snippets_of
from apps.threads.sorts import DEFAULT_SORT, MOST_COUNTED, first_of, page_of
from apps.threads.stats import stats_of

RANGE: Final = (
    "A thread is shown when any of it falls into the range: it began before the end and was active after the start."
)


def _rows_of(project: Project, rows: Sequence[Thread], columns: Sequence[Column], asked: Asked) -> list[SafeString]:
    snippets = snippets_of(project, rows, asked.nodes.get("q"))
    return rows_of(project, rows, columns, snippets, asked.query(cols=(), saved=""))


THREADS: Final = Tab[Thread, ThreadQuerySet, Column](
    name="threads",
    noun=lambda asked: "thread",
    range_about=RANGE,
    filled_by="thread_count",
    known_total=lambda totals, asked: totals.thread_count,
    most_counted=MOST_COUNTED,
    activity=Activity("last_activity", Q(errored_turns__gt=0), "last activity", "last active"),
    actions=ACTIONS,
    ticked=ticked,
    narrowed=narrowed,
    latest=latest_of,
    default_sort=DEFAULT_SORT,
    page_of=page_of,
    rows_of=_rows_of,
    column=column,
    chosen=chosen,
    offered=offered,
    layout=lambda asked: "threads",
    stats_of=stats_of,
    facets_of=facets_of,
    first_page=first_of,
)
