import uuid
from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.common.paging import keyset
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.threads import thread_page
from apps.threads.access import thread_or_404
from apps.threads.models import Thread
from apps.threads.rows import rows_of

MOST_NEWER = 99
LATEST_FIRST = ("-last_activity", "-id")


@require_safe
@member()
def threads(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    rows = Thread.objects.in_project(project).for_table()
    shown = keyset(rows, LATEST_FIRST, request.GET.get("cursor", ""))
    context = {
        "project": project,
        "totals": Project.objects.among([project.pk]).for_list().get(),
        "page": shown,
        "rows": rows_of(project, shown.rows),
        "newest": None if shown.newer or not shown.rows else shown.rows[0].last_activity,
    }
    return page(request, "threads/list.html", context)


@require_safe
@member()
def newer(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """Polled by the Threads tab: how many threads were active after the newest it shows."""
    project = project_or_404(request.workspace, project_id)
    after = _moment(request.GET.get("after", ""))
    found = Thread.objects.in_project(project)
    count = (found.active_since(after) if after else found)[: MOST_NEWER + 1].count()
    return render(
        request,
        "threads/list.html#newer",
        {"project": project, "count": count, "most": MOST_NEWER, "newest": after},
    )


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


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None
