"""The page and panel where a project's paths are set."""

import uuid
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.threads import thread_page
from apps.threads.access import thread_or_404
from apps.threads.configure import Draft, preview, save
from apps.threads.configure_tree import pick_tree
from apps.threads.models import Thread


@require_http_methods(["GET", "HEAD", "POST"])
@member()
def configure(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """?thread=<id>&turn=<n> is the sample, the latest thread without. Anybody may try paths out, an editor saves them."""
    project = project_or_404(request.workspace, project_id)
    draft = Draft.of(request.POST) if request.method == "POST" else Draft.saved(project)
    do = request.POST.get("do", "")
    if do in ("save", "reset"):
        if not request.membership.may("editor"):
            raise PermissionDenied("This needs the role editor.")
        draft = Draft([], []) if do == "reset" else draft
        if not draft.problems:
            save(project, request.user, draft)
            messages.success(
                request, "Saved." if not draft.is_empty else "Threadline finds the messages by itself again."
            )
            return _back(request, project)
    context = {
        "project": project,
        "draft": draft,
        "preview": preview(project, draft.paths),
        "configured": not Draft.saved(project).is_empty,
        **_sample(project, request.GET.get("thread", ""), request.POST.get("sample") or request.GET.get("turn", "")),
    }
    return page(request, "threads/configure.html", context)


def _sample(project: Project, thread_id: str, turn: str) -> dict[str, Any]:
    """A turn to pick values from, each side as a tree of buttons."""
    thread = thread_or_404(project, thread_id) if thread_id else Thread.objects.in_project(project).for_table().first()
    if thread is None:
        return {}
    thread.project = project
    window = thread_page.Window.asked_for(thread, {"turn": turn})
    sample = thread_page.one_turn(window)
    if sample is None:
        return {"thread": thread}
    trees = [
        (name, payload, pick_tree(payload.value, side))
        for side, name, payload in (("inputs", "Input", sample.asked), ("outputs", "Output", sample.answered))
    ]
    return {"thread": thread, "sample": sample, "trees": trees}


def _back(request: MemberRequest, project: Project) -> HttpResponse:
    """To what has changed: the thread that was the sample, or the list."""
    thread_id, turn = request.GET.get("thread", ""), request.GET.get("turn", "")
    where = reverse("threads:list", args=[request.workspace.pk, project.pk])
    if thread_id:
        where = reverse("threads:detail", args=[request.workspace.pk, project.pk, thread_id])
        where += f"?turn={turn}" if turn.isdecimal() else ""
    return HttpResponseClientRedirect(where) if request.htmx else redirect(where)
