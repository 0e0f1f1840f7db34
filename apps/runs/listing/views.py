"""The builder of filters and what it loads while it is used. Each answers for the list of threads and for that of runs."""

import uuid

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import FilterBar, said
from apps.runs.listing.builder import Builder, Panel, decoded
from apps.runs.listing.copying import copies
from apps.runs.listing.counting import counted
from apps.runs.listing.values import keys_of, values_of


@require_safe
@member()
def build(request: MemberRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    """Opens with what the URL of the list asks for; its own form comes back here."""
    project = project_or_404(request.workspace, project_id)
    panel = Panel.of(kind, request.GET)
    bar = FilterBar(request, project, kind, panel.asked)
    if request.GET.get("do") == "apply" and panel.is_sound:
        url = f"{bar.path}?{panel.asked.query()}"
        return HttpResponseClientRedirect(url) if request.htmx else HttpResponseRedirect(url)
    context = {"project": project, "kind": kind, "bar": bar, "panel": panel, "said": said(panel.asked, kind)}
    return page(request, "filters/build.html", context)


@require_safe
@member()
def count(request: MemberRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    """Of the builder's rows as they are: what matches all of them, or with n what matches the entry of that number."""
    project = project_or_404(request.workspace, project_id)
    asked: Asked | None = Asked.of(request.GET)
    whole = "n" not in request.GET
    if request.GET.get("mode") == "rows" and asked:
        builder = Builder(kind, decoded(request.GET))
        one = builder.numbered(request.GET.get("n", ""))
        asked = builder.alone(one, asked) if one else builder.together(asked)
    if asked is None or asked.problems:
        return render(request, "filters/build.html#count", {"whole": whole})
    context = {"whole": whole, "kind": kind, "said": said(asked, kind), "count": counted(project, kind, asked)}
    return render(request, "filters/build.html#count", context)


@require_safe
@member()
def suggest(request: MemberRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    """What could be written into a row's key or value, whichever part names, counted in the project's newest runs."""
    project = project_or_404(request.workspace, project_id)
    one = Builder(kind, decoded(request.GET)).numbered(request.GET.get("n", ""))
    if one is None or (form := one.form) is None:
        raise Http404("No such condition")
    key, value = form["key"].value() or "", form["value"].value() or ""
    if request.GET.get("part") == "key":
        choices = keys_of(project, form.offer.relation, key)
    else:
        choices = values_of(project, form.offer.name, key, value.rsplit(",", 1)[-1].strip())
    return render(request, "filters/build.html#choices", {"choices": choices, "id": request.GET.get("part")})


@require_safe
@member()
def copy(request: MemberRequest, project_id: uuid.UUID, kind: str) -> HttpResponse:
    """Of a list, or of the builder's form as it is."""
    project = project_or_404(request.workspace, project_id)
    asked = Panel.of(kind, request.GET).asked
    bar = FilterBar(request, project, kind, asked)
    link = request.build_absolute_uri(f"{bar.path}?{bar.query}")
    origin = request.build_absolute_uri("/").rstrip("/")
    shown = copies(project, kind, asked, link=link, origin=origin)
    return page(request, "filters/copy.html", {"project": project, "kind": kind, "bar": bar, "copies": shown})
