"""Saving filters: htmx gets the fresh tabs of the list, others go to the list."""

import uuid

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, push_url, reswap, retarget

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.runs.listing import services
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import FilterBar, said
from apps.runs.listing.forms import SavedFilters, SaveForm
from apps.runs.listing.saved import SavedFilter


@require_safe
@member()
def index(request: MemberRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    seen = SavedFilter.objects.in_project(project, kind).seen_by(request.user)
    form = SavedFilters(request.GET, queryset=seen.kept().for_page().fetch_mode(FETCH_RAISE))
    rows = [(saved, saved.may_change(request.membership), said(saved.asked, kind) or "Everything") for saved in form.qs]
    bar = FilterBar(request, project, kind, Asked())
    return page(request, "filters/saved.html", {"project": project, "bar": bar, "rows": rows, "search": form})


@member()
def create(request: MemberRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    """The filter is what the URL of this page asks for, as that of the list does."""
    project = project_or_404(request.workspace, project_id)
    saved = SavedFilter(project=project, owner=request.user, kind=kind, query=Asked.of(request.GET).query(saved=""))
    form = SaveForm(saved, request.membership, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.apply()
        services.save(saved, request.user, "saved a filter")
        messages.success(request, f"Saved as “{saved.name}”.")
        url = FilterBar(request, project, kind, saved.asked).path + saved.href
        # Every link of the list is to carry it from now on.
        return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)
    return _form(request, saved, form)


@member()
def change(request: MemberRequest, project_id: uuid.UUID, kind: str, saved_id: uuid.UUID) -> HttpResponse:
    """Its name and what goes with it; the filter itself stays."""
    saved = saved_or_404(request, project_or_404(request.workspace, project_id), kind, saved_id, change=True)
    form = SaveForm(saved, request.membership, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.apply()
        services.save(saved, request.user, "changed a saved filter")
        return _done(request, saved, f"Saved “{saved.name}”.")
    return _form(request, saved, form)


@require_POST
@member()
def update(request: MemberRequest, project_id: uuid.UUID, kind: str, saved_id: uuid.UUID) -> HttpResponse:
    """The filter becomes what the list, whose query string comes as query, shows now."""
    saved = saved_or_404(request, project_or_404(request.workspace, project_id), kind, saved_id, change=True)
    saved.query = Asked.of_query(request.POST.get("query", "")).query(saved="")
    services.save(saved, request.user, "changed a saved filter")
    return _done(request, saved, f"“{saved.name}” is what you see now.")


@require_POST
@member()
def delete(request: MemberRequest, project_id: uuid.UUID, kind: str, saved_id: uuid.UUID) -> HttpResponse:
    saved = saved_or_404(request, project_or_404(request.workspace, project_id), kind, saved_id, change=True)
    services.delete(saved, request.user)
    if request.htmx:
        return _tabs(request, saved, saved.asked, {"deleted": saved})
    messages.success(request, f"Deleted “{saved.name}”. It can be restored here for 30 days.")
    return redirect("runs:saved", request.workspace.pk, project_id, kind)


@require_POST
@member()
def restore(request: MemberRequest, project_id: uuid.UUID, kind: str, saved_id: uuid.UUID) -> HttpResponse:
    saved = saved_or_404(request, project_or_404(request.workspace, project_id), kind, saved_id, change=True)
    saved.deleted_at = None
    services.save(saved, request.user, "restored a saved filter")
    return _done(request, saved, f"“{saved.name}” is back.")


def saved_or_404(
    request: MemberRequest, project: Project, kind: str, saved_id: uuid.UUID, *, change: bool = False
) -> SavedFilter:
    """One of those the person sees, deleted ones that can be restored included. Raises PermissionDenied where they may not change it."""
    seen = SavedFilter.objects.in_project(project, kind).seen_by(request.user).kept()
    saved = seen.with_id(saved_id)
    if saved is None:
        raise Http404("No such saved filter")
    if change and not saved.may_change(request.membership):
        raise PermissionDenied("Shared filters are changed by editors. Save it as your own instead.")
    return saved


def _form(request: MemberRequest, saved: SavedFilter, form: SaveForm) -> HttpResponse:
    bar = FilterBar(request, saved.project, saved.kind, saved.asked)
    context = {"project": saved.project, "bar": bar, "saved": saved, "form": form, "is_new": saved._state.adding}
    response = page(request, "filters/save.html", context)
    # The form asks for the tabs in return; with something to correct it comes back itself.
    return reswap(retarget(response, "#filter-panel"), "innerHTML") if request.htmx and form.is_bound else response


def _done(request: MemberRequest, saved: SavedFilter, message: str) -> HttpResponse:
    messages.success(request, message)
    if request.htmx:
        return _tabs(request, saved, Asked.of_query(saved.asked.query(saved=str(saved.pk))), {})
    bar = FilterBar(request, saved.project, saved.kind, saved.asked)
    return HttpResponseRedirect(bar.path + saved.href)


def _tabs(request: MemberRequest, saved: SavedFilter, asked: Asked, context: dict[str, object]) -> HttpResponse:
    bar = FilterBar(request, saved.project, saved.kind, asked)
    context |= {"bar": bar, "project": saved.project, "fresh": True}
    return push_url(render(request, "filters/bar.html#saved_filters", context), f"{bar.path}?{bar.query}")
