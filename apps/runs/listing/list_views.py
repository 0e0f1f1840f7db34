"""A list and what is loaded beside it, for that of threads and that of runs: `patterns` gives a tab its addresses."""

import uuid
from typing import Any, Final

from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.runs.listing import heads, list_page
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import FilterBar
from apps.runs.listing.bulk import carry_out
from apps.runs.listing.histogram import histogram_of
from apps.runs.listing.layout import Layout
from apps.runs.listing.tab import Tab
from apps.runs.listing.times import moment_of

MOST_NEWER: Final = 99
MOST_DRAWN: Final = 10_000

type AnyTab = Tab[Any, Any, Any]


@require_safe
@member()
def rows(request: MemberRequest, project_id: uuid.UUID, tab: AnyTab) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    bar = FilterBar(request, project, tab.name, asked)
    if default := bar.default_query():
        return redirect(f"{tab.url(project)}?{default}")
    return page(request, f"{tab.name}/list.html", {"bar": bar, **list_page.context(request, tab, project, asked)})


@require_safe
@member()
def newer(request: MemberRequest, project_id: uuid.UUID, tab: AnyTab) -> HttpResponse:
    """Polled by a list: how many of the rows it asks for came after the newest it shows."""
    project = project_or_404(request.workspace, project_id)
    asked, after = Asked.of(request.GET), moment_of(request.GET.get("after", ""))
    count = tab.newer(project, asked, after, MOST_NEWER + 1)
    context = list_page.common(tab, project, asked) | {"count": count, "most": MOST_NEWER, "newest": after}
    return render(request, "lists/newer.html", context)


@require_safe
@member()
def place(request: MemberRequest, project_id: uuid.UUID, tab: AnyTab) -> HttpResponse:
    """Where the rows of a page stand among all that the filter finds."""
    project = project_or_404(request.workspace, project_id)
    context = list_page.counted(request, tab, project, Asked.of(request.GET))
    return render(request, "lists/place.html", context)


@require_POST
@member()
def columns(request: MemberRequest, project_id: uuid.UUID, tab: AnyTab) -> HttpResponse:
    """Remembers the columns and shows them; a button that moves one leaves the menu open."""
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(QueryDict(request.POST.get("query", "")))
    ids = [] if "reset" in request.POST else heads.rearranged(request.POST, tab.column)
    if ids:
        Layout.objects.remember(request.user, project, tab.layout(asked), ids)
    else:
        Layout.objects.forget(request.user, project, tab.layout(asked))
    again = "&columns=open" if {"up", "down"} & request.POST.keys() else ""
    return redirect(f"{tab.url(project)}?{asked.query(cols=tuple(ids))}{again}")


@require_safe
@member()
def aside(request: MemberRequest, project_id: uuid.UUID, tab: AnyTab) -> HttpResponse:
    """What the rows of the filter add up to, and their most frequent values."""
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    figures = {
        "figures": f"{tab.name}/list_figures.html",
        "stats": tab.stats_of(project, asked),
        "facets": tab.facets_of(project, asked),
    }
    return page(request, "lists/aside.html", list_page.common(tab, project, asked) | figures)


@require_safe
@member()
def histogram(request: MemberRequest, project_id: uuid.UUID, tab: AnyTab) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    latest, some = tab.latest(project, asked, MOST_DRAWN)
    shown = histogram_of(latest, tab.activity, tab.noun(asked), asked, timezone.now())
    context = {"histogram": shown, "activity": tab.activity, "most_drawn": MOST_DRAWN if some else 0}
    return page(request, "lists/histogram.html", list_page.common(tab, project, asked) | context)


@require_POST
@member()
def bulk(request: MemberRequest, project_id: uuid.UUID, tab: AnyTab) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    return carry_out(request, tab.actions, lambda option: tab.selection_of(project, request.POST, option))


def patterns(route: str, tab: AnyTab) -> list[URLPattern]:
    """The addresses below that of a project."""
    parts = {
        "newer": newer,
        "place": place,
        "columns": columns,
        "bulk": bulk,
        "aside": aside,
        "histogram": histogram,
    }
    beside = [path(f"{route}/{name}", part, {"tab": tab}, name=name) for name, part in parts.items()]
    return [path(route, rows, {"tab": tab}, name="list"), *beside]
