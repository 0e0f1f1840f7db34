"""The order of the Runs tab, its pages, and where a page stands among all rows."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db.models import FETCH_RAISE, F
from django.db.models.functions import Left

from apps.common.paging import Page, Term, keyset, preceding
from apps.runs.listing.sorting import Place, Sort
from apps.runs.models import Run, RunQuerySet
from apps.runs.table.columns import Column, column

DEFAULT_SORT: Final = "-start"
MOST_COUNTED: Final = 1_000
"""Beyond it a count says "1,000+": counting is bounded, so that it never takes longer than the rows."""
MOST_SORTED: Final = 10_000
"""Only times are indexed: by a figure that many of the latest runs are sorted, which the page says."""
MAX_ERROR: Final = 4_000
_SHOWN: Final = (
    "id", "trace_id", "project_id", "parent_run_id", "name", "run_type", "status", "start_time", "end_time", "first_token_time",
    "prompt_tokens", "completion_tokens", "total_tokens", "total_cost", "model", "tags", "inputs_preview", "outputs_preview",
)  # fmt: skip


def sort_of(text: str) -> Sort[Column]:
    """The order asked for, or the usual one where it names no column that sorts."""
    found = column(text.removeprefix("-"))
    if found is None or not found.sorts:
        return sort_of(DEFAULT_SORT)
    return Sort(found, text.startswith("-"))


def for_table(runs: RunQuerySet) -> RunQuerySet:
    """Only what a row shows; error_start is how the error begins."""
    return runs.only(*_SHOWN).annotate(error_start=Left("error", MAX_ERROR)).fetch_mode(FETCH_RAISE)


def page_of(
    runs: RunQuerySet, sort: Sort[Column], cursor: str = "", *, total: int | None = None
) -> tuple[Page[Run], Place, bool]:
    """total is how many runs there are, where that is known already. The last says whether only the latest are sorted."""
    latest, some = _sortable(runs, sort)
    rows, terms = _ordered(latest, sort)
    page = keyset(rows, terms, cursor)
    before = preceding(rows, terms, page.rows[0])[: MOST_COUNTED + 1].count() if cursor and page.rows else 0
    if total is None:
        whole = not page.older and not cursor and not some
        total = len(page.rows) if whole else runs.order_by()[: MOST_COUNTED + 1].count()
    return page, Place.of(before, len(page.rows), total, MOST_COUNTED), some


def _sortable(runs: RunQuerySet, sort: Sort[Column]) -> tuple[RunQuerySet, bool]:
    return (runs, False) if sort.column.id == "start" else latest_of(runs, MOST_SORTED)


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


def started_after(runs: RunQuerySet, moment: datetime | None) -> RunQuerySet:
    return runs if moment is None else runs.filter(start_time__gt=moment)
