import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.runs.listing.asked import Asked
from apps.threads import thread_page
from apps.threads.access import thread_or_404
from apps.threads.models import Thread
from apps.threads.neighbours import is_plain, neighbours, uncounted


@require_safe
@member()
def thread(request: MemberRequest, project_id: uuid.UUID, thread_id: str) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    found = thread_or_404(project, thread_id)
    asked = request.GET
    context: dict[str, Any] = {"project": project, "thread": found, "shown_at": asked.get("at") or stamp(found)}
    if (part := asked.get("part")) in PARTS:
        context |= PARTS[part](found, asked)
        return render(request, f"threads/detail.html#{part}", context)
    context |= thread_page.context(found, asked, request.htmx.target, request.path)
    if "window" in context:
        asked_list = asked.get("list", "")[: thread_page.MAX_LIST]
        # Those of any other list may take longer to find than the page, which asks for them then.
        plain = is_plain(Asked.of_query(asked_list))
        context |= {"beside": neighbours(project, found) if plain else uncounted(found), "beside_later": not plain}
    return page(request, "threads/detail.html", context)


def _newer(thread: Thread, asked: Mapping[str, str]) -> dict[str, Any]:
    return {"newer": asked.get("at") not in (None, stamp(thread)), "kept": thread_page.kept(asked)}


def _beside(thread: Thread, asked: Mapping[str, str]) -> dict[str, Any]:
    """Its place in the list it was opened from, which may take longer to find than the page."""
    found = neighbours(thread.project, thread, asked.get("list", "")[: thread_page.MAX_LIST])
    return {"beside": found, "view": asked.get("view"), "kept": thread_page.kept(asked)}


def _unpriced(thread: Thread, asked: Mapping[str, str]) -> dict[str, Any]:
    return {"models": thread_page.unpriced_models(thread)}


# What the page of a thread loads later, or again.
PARTS: dict[str, Callable[[Thread, Mapping[str, str]], dict[str, Any]]] = {
    "newer": _newer,
    "beside": _beside,
    "unpriced": _unpriced,
}


def stamp(thread: Thread) -> str:
    """Changes whenever the thread does."""
    return f"{thread.last_activity and thread.last_activity.isoformat()}/{thread.run_count}/{thread.errored_turns}"
