"""The Runs tab: the table, and what is loaded beside it."""

import uuid

from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.runs.listing import heads
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import FilterBar
from apps.runs.listing.bulk import carry_out
from apps.runs.listing.histogram import Activity, histogram_of
from apps.runs.listing.layout import Layout
from apps.runs.listing.narrow import narrowed_runs
from apps.runs.listing.times import moment_of
from apps.runs.table import page as tab
from apps.runs.table.bulk import ACTIONS, selection_of
from apps.runs.table.columns import column
from apps.runs.table.facets import facets_of
from apps.runs.table.sorts import latest_of, started_after
from apps.runs.table.stats import stats_of

MOST_NEWER = 99
MOST_DRAWN = 20_000


@require_safe
@member()
def runs(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    bar = FilterBar(request, project, "runs", asked)
    if default := bar.default_query():
        return redirect(f"{tab.list_url(project)}?{default}")
    return page(request, "runs/list.html", {"bar": bar, **tab.context(request, project, asked)})


@require_safe
@member()
def newer(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """Polled by the Runs tab: how many of the runs it asks for started after the newest it shows."""
    project = project_or_404(request.workspace, project_id)
    asked, after = Asked.of(request.GET), moment_of(request.GET.get("after", ""))
    found = started_after(narrowed_runs(project, asked), after)
    context = {
        "project": project,
        "count": found[: MOST_NEWER + 1].count(),
        "most": MOST_NEWER,
        "newest": after,
        "query": asked.query(),
        "list_url": tab.list_url(project),
    }
    return render(request, "runs/list.html#newer", context)


@require_POST
@member()
def columns(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """Remembers the columns of the preset and shows them; a button that moves one leaves the menu open."""
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(QueryDict(request.POST.get("query", "")))
    kind = tab.layout(tab.show_of(asked))
    ids = [] if "reset" in request.POST else heads.rearranged(request.POST, column)
    if ids:
        Layout.objects.remember(request.user, project, kind, ids)
    else:
        Layout.objects.forget(request.user, project, kind)
    again = "&columns=open" if {"up", "down"} & request.POST.keys() else ""
    return redirect(f"{tab.list_url(project)}?{asked.query(cols=tuple(ids))}{again}")


@require_safe
@member()
def aside(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """What the runs of the filter add up to, and their most frequent values."""
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    context = {
        "project": project,
        "asked": asked,
        "tab": "runs",
        "query": asked.query(),
        "list_url": tab.list_url(project),
        "noun": tab.NOUNS[tab.show_of(asked)],
        "stats": stats_of(project, narrowed_runs(project, asked), tab.show_of(asked)),
        "facets": facets_of(project, asked),
    }
    return page(request, "runs/list_aside.html", context)


@require_safe
@member()
def histogram(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    latest, some = latest_of(narrowed_runs(project, asked), MOST_DRAWN)
    activity = Activity("start_time", Q(error__isnull=False), tab.NOUNS[tab.show_of(asked)], "started")
    context = {
        "project": project,
        "tab": "runs",
        "query": asked.query(),
        "list_url": tab.list_url(project),
        "histogram": histogram_of(latest, activity, asked, timezone.now()),
        "bars_of": f"start, latest {MOST_DRAWN:,}" if some else "start",
        "bars_about": "Runs by their start",
    }
    return page(request, "lists/histogram.html", context)


@require_POST
@member()
def bulk(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    return carry_out(request, ACTIONS, lambda form: selection_of(project, form))
