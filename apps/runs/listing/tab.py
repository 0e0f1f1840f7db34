"""What tells the two lists apart, that of threads and that of runs. All else about them is in list_page.py and list_views.py."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.common.paging import Page
from apps.projects.models import Project, Totals
from apps.runs.listing.asked import Asked
from apps.runs.listing.bulk import Action, Selected
from apps.runs.listing.choices import Facets
from apps.runs.listing.columns import Column
from apps.runs.listing.histogram import Activity
from apps.runs.listing.layout import Layout
from apps.runs.listing.sorting import Counting, Place, Sort, sort_of


def nothing(asked: Asked) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Tab[M: Model, Q: QuerySet[Any], C: Column[Any, Any]]:
    """name is that of its filters, its addresses, its templates and the partial of its rows.

    filled_by: the total of a project without which there is nothing to list. known_total: how many rows there are without a filter, where
    the totals tell. most_counted: where a count stops. latest: about so many of the rows asked for, to be asked several times, and whether
    there are more. layout: the name by which chosen columns are kept. stats_of: for the template <name>/list_figures.html; its sampled says
    of how many rows they are where that is not all. more: what its page shows beyond what both do. first_page: that of all rows in their
    usual order, where it is to be had for less than page_of takes.
    """

    name: str
    noun: Callable[[Asked], str]
    range_about: str
    filled_by: str
    known_total: Callable[[Totals, Asked], int | None]
    most_counted: int
    activity: Activity
    actions: list[Action[Q]]
    ticked: Callable[[Project, QueryDict], Q]
    narrowed: Callable[[Project, Asked], Q]
    latest: Callable[[Project, Asked, int], tuple[Q, bool]]
    default_sort: str
    page_of: Callable[[Q, Project, Sort[C], str, Counting], tuple[Page[M], Place]]
    rows_of: Callable[[Project, Sequence[M], Sequence[C], Asked], list[SafeString]]
    column: Callable[[str], C | None]
    chosen: Callable[[Iterable[str], Asked], list[C]]
    offered: Callable[[Project], list[C]]
    layout: Callable[[Asked], str]
    stats_of: Callable[[Project, Asked], Any]
    facets_of: Callable[[Project, Asked], Facets]
    more: Callable[[Asked], dict[str, Any]] = nothing
    first_page: Callable[[Project], Page[M]] | None = None

    def url(self, project: Project) -> str:
        return reverse(f"{self.name}:list", args=[project.workspace_id, project.pk])

    def columns_of(self, user: User, project: Project, asked: Asked) -> list[C]:
        """Those of the URL, else those the person chose for the project, else the usual ones."""
        return self.chosen(asked.cols or Layout.objects.columns_of(user, project, self.layout(asked)), asked)

    def sort_of(self, asked: Asked) -> Sort[C]:
        return sort_of(asked.sort, self.column, self.default_sort)

    def page(self, project: Project, asked: Asked, cursor: str, counting: Counting) -> tuple[Page[M], Place]:
        sort, total = self.sort_of(asked), counting.total
        if self.first_page and total is not None and sort.text == self.default_sort and not (cursor or asked.is_narrow):
            page = self.first_page(project)
            return page, Place(1 if page.rows else 0, len(page.rows), total)
        return self.page_of(self.narrowed(project, asked), project, sort, cursor, counting)

    def newer(self, project: Project, asked: Asked, after: datetime | None, most: int) -> int:
        """How many of the rows asked for came after the moment, counted up to most."""
        since = {f"{self.activity.moment}__gt": after} if after else {}
        # Nearly always there is nothing new at all, which an index tells without the filter.
        every = asked if not asked.is_narrow else Asked(show=asked.show)
        count = self.narrowed(project, every).filter(**since)[:most].count()
        return self.narrowed(project, asked).filter(**since)[:most].count() if count and asked.is_narrow else count

    def selection_of(self, project: Project, form: QueryDict, option: str) -> Selected[Q]:
        """The rows that are ticked, or all that the page asked for."""
        asked = Asked.of(QueryDict(form.get("query", "")))
        rows = self.narrowed(project, asked) if form.get("all") else self.ticked(project, form)
        return Selected(project, asked, form, option, rows, f"{self.name}:list")
