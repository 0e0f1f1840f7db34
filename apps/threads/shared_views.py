"""Sharing from a workspace's side, and the public pages: the same pages as a member's, without a way into the workspace."""

import functools
import uuid
from collections.abc import Callable
from typing import Any, Concatenate, Final

from django.contrib import messages
from django.db.models import FETCH_RAISE
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.common.paging import keyset
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.runs.access import run_or_404
from apps.runs.views import answer_raw, show
from apps.threads import thread_page
from apps.threads.access import thread_or_404, workspace_link_or_404
from apps.threads.shared import LEFT_OUT, SharedLink, SharedLinkQuerySet
from apps.threads.sharing import Maker, revoke, share_run, share_thread

LASTS: Final = {"0": "until it is revoked", "1": "for a day", "7": "for a week", "30": "for 30 days"}
"""Days that a link may be made for."""


def public[**P](view: Callable[Concatenate[HttpRequest, SharedLink, P], HttpResponse]) -> Callable[..., HttpResponse]:
    """For pages under /public/<token>/: nothing is kept by search engines and caches, so that revoking takes effect at once."""

    @never_cache
    @require_safe
    @functools.wraps(view)
    def guarded(request: HttpRequest, token: uuid.UUID, *args: Any, **kwargs: Any) -> HttpResponse:
        link = SharedLink.objects.select_related("project").filter(pk=token).first()
        if link is None:
            raise Http404("No such link")
        if link.ended_at:
            response = render(request, "threads/revoked.html", {"shared": link}, status=410)
        else:
            response = view(request, link, *args, **kwargs)
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


@public
def shared(request: HttpRequest, link: SharedLink) -> HttpResponse:
    if link.thread_id is None:
        found = (link.runs.with_id(link.run_id).first() if link.run_id else None) or link.runs.order_by(
            "dotted_order"
        ).first()
        if found is None:
            raise Http404("The run was deleted")
        return show(request, link.project, found, shared=link)
    thread = thread_or_404(link.project, link.thread_id)
    if link.hide:
        context = thread_page.conversation(thread, request.GET, link.hide)
    else:
        context = thread_page.context(thread, request.GET, request.htmx.target, request.path)  # type: ignore[attr-defined]
    return page(request, "threads/detail.html", {"project": link.project, "thread": thread, "shared": link, **context})


@public
def shared_run(request: HttpRequest, link: SharedLink, run_id: uuid.UUID) -> HttpResponse:
    return show(request, link.project, _run(link, run_id), shared=link)


@public
def shared_raw(request: HttpRequest, link: SharedLink, run_id: uuid.UUID, field: str) -> HttpResponse:
    return answer_raw(_run(link, run_id), field, request.GET.get("path", ""))


def _run(link: SharedLink, run_id: uuid.UUID) -> Any:
    found = link.runs.with_id(run_id).first()
    if found is None:
        raise Http404("This link leads to no such run")
    return found


@never_cache
@member("editor")
def share(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """?thread=<id> or ?run=<id>: its link, with a button to make or to revoke it."""
    project = project_or_404(request.workspace, project_id)
    lasts = request.POST.get("lasts", "0")
    by = Maker(request.user, days=int(lasts) if lasts in LASTS else 0, leave_out=request.POST.getlist("hide"))
    links, make = _thing(project, request.GET, by)
    if request.method == "POST":
        if request.POST.get("do") == "revoke":
            revoke(links, by)
        else:
            make()
        if not request.htmx:
            return redirect(request.get_full_path())
    link = links.live().order_by("created_at").first()
    url = request.build_absolute_uri(link.path) if link else ""
    context = {"project": project, "link": link, "url": url, "thread_id": request.GET.get("thread", "")}
    choices = {"lasts": LASTS, "left_out": {name: words for name, (_, words) in LEFT_OUT.items()}}
    return page(request, "threads/share.html", context | choices)


def _thing(project: Project, asked: Any, by: Maker) -> tuple[SharedLinkQuerySet, Callable[[], SharedLink]]:
    """The links to what is asked for, and how to make one. 404 where it is not in this project."""
    if thread_id := asked.get("thread"):
        thread = thread_or_404(project, thread_id)
        return SharedLink.objects.to_thread(project, thread_id), lambda: share_thread(thread, by)
    try:
        run = run_or_404(project, uuid.UUID(asked.get("run", "")))
    except ValueError:
        raise Http404("Name what is to be shared: ?run=<id> or ?thread=<id>") from None
    return SharedLink.objects.to_trace(project, run.trace_id), lambda: share_run(project, run, by)


@require_safe
@never_cache
@member("editor")
def links(request: MemberRequest) -> HttpResponse:
    """All links of the workspace, the revoked ones too."""
    found = SharedLink.objects.in_workspace(request.workspace).fetch_mode(FETCH_RAISE)
    shown = keyset(found, ("-created_at", "-token"), request.GET.get("cursor", ""))
    return page(request, "threads/shared_links.html", {"page": shown})


@require_POST
@member("editor")
def revoke_link(request: MemberRequest, token: uuid.UUID) -> HttpResponse:
    link = workspace_link_or_404(request.workspace, token)
    revoke(SharedLink.objects.filter(pk=link.pk), Maker(request.user))
    messages.success(request, "The link is revoked.")
    return redirect("threads:shared_links", request.workspace.pk)
