"""The list of queues, a queue with its items, and making, changing and deleting one."""

import contextlib
import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.common.paging import keyset
from apps.common.templatetags.threadline import plural
from apps.feedback.models import FeedbackKey
from apps.feedback.queues import reviewing, services
from apps.feedback.queues.access import queue_or_404
from apps.feedback.queues.agreement import agreement_of
from apps.feedback.queues.forms import QueueForm, rubric_forms
from apps.feedback.queues.models import AnnotationQueue, QueueItem, Section
from apps.feedback.queues.progress import progress_of
from apps.feedback.queues.rubric import rows_of
from apps.feedback.queues.show import rows_shown

MOST_TICKED = 1_000


@require_safe
@member()
def queues(request: MemberRequest) -> HttpResponse:
    found = AnnotationQueue.objects.in_workspace(request.workspace).for_list()
    shown = keyset(found.with_people(), ["-created_at", "-id"], request.GET.get("cursor", ""))
    progress = progress_of(shown.rows, request.user)
    rows = [(queue, progress[queue.pk]) for queue in shown.rows]
    return page(request, "feedback/queues.html", {"page": shown, "rows": rows})


@require_safe
@member()
def detail(request: MemberRequest, queue_id: uuid.UUID) -> HttpResponse:
    queue = queue_or_404(request.workspace, queue_id)
    section = request.GET.get("section", "")
    items = QueueItem.objects.in_queue(queue).for_person(request.user).in_section(_section(section)).for_list()
    shown = keyset(items, ["queued_at", "id"], request.GET.get("cursor", ""))
    context = {
        "queue": queue,
        "progress": progress_of([queue], request.user)[queue.pk],
        "section": section,
        "page": shown,
        "rows": rows_shown(shown.rows),
        "rubric": rows_of(request.workspace, queue.rubric),
        "people": [membership.user for membership in queue.reviewers.select_related("user")],
        "agreement": agreement_of(queue),
        "may_review": reviewing.allowed(queue, request.membership),
    }
    return page(request, "feedback/queue.html", context)


def _section(text: str) -> str | None:
    return text if text in Section.values else None


@member("editor")
def create(request: MemberRequest) -> HttpResponse:
    return _form(request, None)


@member("editor")
def edit(request: MemberRequest, queue_id: uuid.UUID) -> HttpResponse:
    return _form(request, queue_or_404(request.workspace, queue_id))


def _form(request: MemberRequest, queue: AnnotationQueue | None) -> HttpResponse:
    form = QueueForm(request.workspace, queue, request.POST or None)
    rubric = rubric_forms(queue, request.POST or None)
    if request.method == "POST" and all([form.is_valid(), rubric.is_valid()]):
        values, people = form.values() | {"rubric": rubric.rubric}, form.cleaned_data["reviewers"]
        saved = services.save(request.workspace, request.user, queue, values, people)
        messages.success(request, "Saved." if queue else "The queue is ready. Add threads or runs to it.")
        return redirect("queues:detail", request.workspace.pk, saved.pk)
    keys = FeedbackKey.objects.in_workspace(request.workspace)
    context: dict[str, Any] = {"queue": queue, "form": form, "rubric": rubric, "keys": keys}
    return page(request, "feedback/queue_form.html", context)


@require_POST
@member("editor")
def delete(request: MemberRequest, queue_id: uuid.UUID) -> HttpResponse:
    queue = queue_or_404(request.workspace, queue_id)
    services.delete(queue, request.user)
    messages.success(request, f"{queue.name} is deleted. The feedback given in it stays.")
    return redirect("queues:list", request.workspace.pk)


@require_POST
@member("editor")
def remove(request: MemberRequest, queue_id: uuid.UUID) -> HttpResponse:
    queue = queue_or_404(request.workspace, queue_id)
    ticked = []
    for text in request.POST.getlist("item")[:MOST_TICKED]:
        with contextlib.suppress(ValueError):
            ticked.append(uuid.UUID(text))
    count = services.remove(queue, request.user, ticked)
    messages.success(request, f"{plural(count, 'item')} taken out. The feedback on them stays.")
    return redirect("queues:detail", request.workspace.pk, queue.pk)
