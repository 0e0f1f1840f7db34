"""The buttons of the Threads tab and of the Runs tab that put what is selected into a queue."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render

from apps.accounts.access import MemberRequest
from apps.common.templatetags.threadline import plural
from apps.feedback.queues.access import queue_or_404
from apps.feedback.queues.adding import MOST_ADDED, add_selected, add_selected_runs
from apps.feedback.queues.models import AnnotationQueue
from apps.runs.listing.bulk import MOST_TICKED, Action, Selected
from apps.threads.trace_view import as_uuid


def _adding[Q: QuerySet[Any]](noun: str, add: Callable[[AnnotationQueue, Q], tuple[int, int]]) -> Action[Q]:
    """Asks which queue first, where the form does not say it. add returns how many are new in the queue, and how many were in it."""

    def run(request: MemberRequest, selection: Selected[Q]) -> HttpResponse:
        chosen = as_uuid(selection.form.get("queue", ""))
        if chosen is None:
            return _ask(request, selection, noun)
        queue = queue_or_404(request.workspace, chosen)
        return _told(request, selection.page, queue, noun, *add(queue, selection.rows))

    return Action("queue", "annotator", "feedback/queue_bulk.html", run)


def _told(
    request: MemberRequest, page: str, queue: AnnotationQueue, noun: str, added: int, before: int
) -> HttpResponse:
    told = f"{plural(added, noun)} added to {queue.name}"
    if before:
        told += f"; {before} {'was' if before == 1 else 'were'} in it already"
    if added + before == MOST_ADDED:
        told += f". At most {MOST_ADDED:,} are added at once, the latest first"
    messages.success(request, f"{told}.")
    return redirect(page)


def _ask(request: MemberRequest, selection: Selected[Any], noun: str) -> HttpResponse:
    """With what is selected in hidden fields."""
    form = selection.form
    kept = [(name, value) for name in ("query", "all") if (value := form.get(name))]
    kept += [(noun, value) for value in form.getlist(noun)[:MOST_TICKED]]
    context = {
        "project": selection.project,
        "back": selection.page,
        "kept": kept,
        "noun": noun,
        "action": request.path,
        "count": min(selection.rows.count(), MOST_ADDED),
        "queues": AnnotationQueue.objects.in_workspace(request.workspace).to_choose_from(),
    }
    return render(request, "feedback/queue_choose.html", context)


ACTION: Final = _adding("thread", add_selected)
RUN_ACTION: Final = _adding("run", add_selected_runs)
