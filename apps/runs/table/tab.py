"""The Runs tab as a list."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Q
from django.utils.safestring import SafeString

from apps.projects.models import Project, Totals
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import ALL
from apps.runs.listing.histogram import Activity
from apps.runs.listing.narrow import narrowed_runs
from apps.runs.listing.tab import Tab
from apps.runs.models import Run, RunQuerySet
from apps.runs.table.bulk import ACTIONS, ticked
from apps.runs.table.columns import Column, chosen, column, layout, offered, show_of
from apps.runs.table.facets import facets_of
from apps.runs.table.rows import rows_of
from apps.runs.table.snippets import snippets_of
from apps.runs.table.sorts import latest_of, page_of
from apps.runs.table.stats import stats_of

PRESETS: Final = {"traces": "Traces", "llm": "LLM calls", "all": "All runs"}
NOUNS: Final = {"traces": "trace", "llm": "LLM call", "all": "run"}


def _known_total(totals: Totals, asked: Asked) -> int | None:
    return {"traces": totals.trace_count, "all": totals.run_count}.get(show_of(asked))


def _latest(project: Project, asked: Asked, most: int) -> tuple[RunQuerySet, bool]:
    return latest_of(narrowed_runs(project, asked), most)


def _rows_of(project: Project, rows: Sequence[Run], columns: Sequence[Column], asked: Asked) -> list[SafeString]:
    return rows_of(project, rows, columns, snippets_of(rows, asked.nodes.get("q")))


def _more(asked: Asked) -> dict[str, Any]:
    presets = [(name, label, _preset(asked, name)) for name, label in PRESETS.items()]
    further = "" if show_of(asked) == "all" else _preset(asked, "all")
    return {"presets": presets, "show": show_of(asked), "further": further}


def _preset(asked: Asked, name: str) -> str:
    """The query string of the same list of other runs. An empty one would lead to a default filter."""
    return asked.query(show="" if name == "traces" else name) or f"saved={ALL}"


RUNS: Final = Tab[Run, RunQuerySet, Column](
    name="runs",
    noun=lambda asked: NOUNS[show_of(asked)],
    range_about="A run is shown when it started in the range.",
    filled_by="run_count",
    known_total=_known_total,
    most_counted=1_000,
    activity=Activity("start_time", Q(error__isnull=False), "start", "started"),
    actions=ACTIONS,
    ticked=ticked,
    narrowed=narrowed_runs,
    latest=_latest,
    default_sort="-start",
    page_of=page_of,
    rows_of=_rows_of,
    column=column,
    chosen=chosen,
    offered=offered,
    layout=layout,
    stats_of=stats_of,
    facets_of=facets_of,
    more=_more,
)
