"""The Threads tab: the table, and what is loaded beside it."""

import uuid

from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import FilterBar
from apps.runs.listing.bulk import carry_out
from apps.runs.listing.histogram import Activity, histogram_of
from apps.runs.listing.layout import Layout
from apps.runs.listing.times import moment_of
from apps.threads import list_page
from apps.threads.bulk import ACTIONS, selection_of
from apps.threads.facets import facets_of
from apps.threads.models import Thread
from apps.threads.narrow import narrowed
from apps.threads.stats import stats_of

MOST_NEWER = 99
ACTIVITY = Activity("last_activity", Q(errored_turns__gt=0), "thread", "last active")


@require_safe
@member()
def threads(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    bar = FilterBar(request, project, "threads", asked)
    if default := bar.default_query():
        return redirect(f"{_url(project)}?{default}")
    return page(request, "threads/list.html", {"bar": bar, **list_page.context(request, project, asked)})


@require_safe
@member()
def newer(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """Polled by the Threads tab: how many of the threads it asks for were active after the newest it shows."""
    project = project_or_404(request.workspace, project_id)
    asked, after = Asked.of(request.GET), moment_of(request.GET.get("after", ""))
    found = Thread.objects.in_project(project)
    if after is not None:
        found = found.active_since(after)
    # Nearly always there is nothing new at all, which an index tells without the filter.
    count = found[: MOST_NEWER + 1].count()
    if count and asked.is_narrow:
        found = narrowed(project, asked)
        count = (found.active_since(after) if after else found)[: MOST_NEWER + 1].count()
    context = {"project": project, "count": count, "most": MOST_NEWER, "newest": after, "query": asked.query()}
    return render(request, "threads/list.html#newer", context)


@require_safe
@member()
def place(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """Where the rows of a page stand among all that the filter finds."""
    project = project_or_404(request.workspace, project_id)
    return render(request, "threads/list_place.html", list_page.counted(request, project, Asked.of(request.GET)))


@require_POST
@member()
def columns(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """Remembers the columns and shows them; a button that moves one leaves the menu open."""
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(QueryDict(request.POST.get("query", "")))
    if "reset" in request.POST:
        Layout.objects.forget(request.user, project, "threads")
        ids: list[str] = []
    else:
        ids = list_page.rearranged(request.POST)
        Layout.objects.remember(request.user, project, "threads", ids)
    query = asked.query(cols=tuple(ids))
    again = "&columns=open" if {"up", "down"} & request.POST.keys() else ""
    return redirect(f"{_url(project)}?{query}{again}")


@require_safe
@member()
def aside(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """What the threads of the filter add up to, and their most frequent values."""
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    context = {
        "project": project,
        "asked": asked,
        "tab": "threads",
        "query": asked.query(),
        "list_url": _url(project),
        "stats": stats_of(project, list_page.summed(project, asked), every=not asked.is_narrow),
        "facets": facets_of(project, asked),
    }
    return page(request, "threads/list_aside.html", context)


@require_safe
@member()
def histogram(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    asked = Asked.of(request.GET)
    shown = histogram_of(list_page.summed(project, asked), ACTIVITY, asked, timezone.now())
    context = {
        "project": project,
        "tab": "threads",
        "query": asked.query(),
        "list_url": _url(project),
        "histogram": shown,
        "bars_of": "last activity",
        "bars_about": "Threads by their last activity",
    }
    return page(request, "lists/histogram.html", context)


@require_POST
@member()
def bulk(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    return carry_out(request, ACTIONS, lambda form: selection_of(project, form))


def _url(project: Project) -> str:
    return reverse("threads:list", args=[project.workspace_id, project.pk])
