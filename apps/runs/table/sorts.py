"""The order of the Runs tab, its pages, and where a page stands among all rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from django.db.models import FETCH_RAISE, F
from django.db.models.functions import Left

from apps.common.paging import Page, Term
from apps.projects.models import Project
from apps.runs.listing.sorting import Counting, Place, Sort, paged
from apps.runs.models import Run, RunQuerySet
from apps.runs.table.columns import Column

MOST_SORTED: Final = 10_000
"""Only times are indexed: by a figure that many of the latest runs are sorted, which the page says."""
MAX_ERROR: Final = 4_000
_SHOWN: Final = (
    "id", "trace_id", "project_id", "parent_run_id", "name", "run_type", "status", "start_time", "end_time", "first_token_time",
    "prompt_tokens", "completion_tokens", "total_tokens", "total_cost", "model", "tags", "inputs_preview", "outputs_preview",
)  # fmt: skip


def for_table(runs: RunQuerySet) -> RunQuerySet:
    """Only what a row shows; error_start is how the error begins."""
    return runs.only(*_SHOWN).annotate(error_start=Left("error", MAX_ERROR)).fetch_mode(FETCH_RAISE)


def page_of(
    runs: RunQuerySet, project: Project, sort: Sort[Column], cursor: str, counting: Counting
) -> tuple[Page[Run], Place]:
    latest, some = (runs, False) if sort.column.id == "start" else latest_of(runs, MOST_SORTED)
    rows, terms = _ordered(latest, sort)
    page, place = paged(rows, terms, cursor, counting, runs if some else None)
    return page, replace(place, latest=MOST_SORTED if some else 0)


def latest_of(runs: RunQuerySet, most: int) -> tuple[RunQuerySet, bool]:
    """About so many of the runs, the latest, and whether there are more. Said by their start, which an index serves in any query."""
    beyond = list(runs.order_by("-start_time").values_list("start_time", flat=True)[most : most + 1])
    return (runs.filter(start_time__gte=beyond[0]), True) if beyond else (runs, False)


def _ordered(runs: RunQuerySet, sort: Sort[Column]) -> tuple[RunQuerySet, Sequence[Term]]:
    """The rows with what they are sorted by, and the terms of that order."""
    last = Term("id", sort.descending)
    if sort.column.id == "start":
        return for_table(runs), (Term("start_time", sort.descending), last)
    rows = for_table(runs).annotate(sorted_by=sort.column.order or F("id"))
    return rows, (Term("sorted_by", sort.descending, nulls_last=True), last)
