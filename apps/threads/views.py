import uuid
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.threads import thread_page
from apps.threads.access import thread_or_404
from apps.threads.models import Thread


@require_safe
@member()
def thread(request: MemberRequest, project_id: uuid.UUID, thread_id: str) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    found = thread_or_404(project, thread_id)
    asked = request.GET
    context: dict[str, Any] = {"project": project, "thread": found, "shown_at": asked.get("at") or stamp(found)}
    if asked.get("part") == "newer":
        context["newer"] = context["shown_at"] != stamp(found)
        return render(request, "threads/detail.html#newer", context)
    context |= thread_page.context(found, asked, request.htmx.target, request.path)
    if "window" in context:
        context["above"], context["below"] = Thread.objects.in_project(project).beside(found)
    return page(request, "threads/detail.html", context)


def stamp(thread: Thread) -> str:
    """Changes whenever the thread does."""
    return f"{thread.last_activity and thread.last_activity.isoformat()}/{thread.run_count}/{thread.errored_turns}"
