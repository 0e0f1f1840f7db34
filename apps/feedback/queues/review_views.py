"""Reviewing a queue: one item after another."""

import uuid
from dataclasses import replace

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import retarget

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.feedback.annotate_save import answer
from apps.feedback.queues import reviewing
from apps.feedback.queues.access import item_or_404, queue_or_404
from apps.feedback.queues.models import AnnotationQueue, QueueItem
from apps.feedback.queues.progress import progress_of
from apps.feedback.queues.show import Review, around, shown


@require_safe
@member("annotator")
def start(request: MemberRequest, queue_id: uuid.UUID) -> HttpResponse:
    """To the item that the person is at, else to the next one; says so when nothing is left."""
    queue = _queue(request, queue_id)
    found = reviewing.held(queue, request.user) or reviewing.take(queue, request.user)
    if found is not None:
        return _to(queue, found)
    context = {"queue": queue, "progress": progress_of([queue], request.user)[queue.pk]}
    return page(request, "feedback/queue_done.html", context)


def _queue(request: MemberRequest, queue_id: uuid.UUID) -> AnnotationQueue:
    """One that the person may review."""
    queue = queue_or_404(request.workspace, queue_id)
    if not reviewing.allowed(queue, request.membership):
        raise PermissionDenied("Only the people assigned to this queue review it.")
    return queue


def _to(queue: AnnotationQueue, found: QueueItem | None) -> HttpResponse:
    if found is None:
        return redirect("queues:review", queue.workspace_id, queue.pk)
    return redirect("queues:item", queue.workspace_id, queue.pk, found.pk)


def _review(request: MemberRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> Review:
    queue = queue_or_404(request.workspace, queue_id)
    found = item_or_404(queue, item_id, request.user)
    return Review.of(queue, found, request.membership)


@require_safe
@member("annotator")
def item(request: MemberRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    review = _review(request, queue_id, item_id)
    target = review.target
    context = shown(target, request.path, request.GET) | {"review": review, "queue": review.queue}
    context |= {"project": target.project, "target": target, "may": review.may, "reviewing": True}
    if request.htmx.target != "run":
        context["around"] = around(review.queue, review.item, request.user)
    return page(request, "feedback/queue_item.html", context)


@require_POST
@member("annotator")
def verdict(request: MemberRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    review = _review(request, queue_id, item_id)
    if not review.may:
        raise PermissionDenied("This item is not yours to review now.")
    row, do = review.row(request.POST.get("key", "")), request.POST.get("do", "save")
    token, problem = answer(review.target, request.user, row, request.POST)
    if not request.htmx:
        if problem:
            messages.error(request, f"{row.label}: {problem}")
        return _to(review.queue, review.item)
    fresh = _review(request, queue_id, item_id)
    again = replace(fresh.row(row.key), undo=token, problem=problem, saved=not problem)
    again = replace(again, entered=request.POST.dict() if problem else None)
    context = {"project": review.target.project, "target": fresh.target, "review": fresh, "row": again, "may": True}
    if do == "save":
        return render(request, "feedback/queue_verdict.html#state", context)
    return retarget(render(request, "feedback/queue_verdict.html#row", context), f"#{again.id}")


@require_POST
@member("annotator")
def done(request: MemberRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    queue = _queue(request, queue_id)
    found = item_or_404(queue, item_id, request.user)
    try:
        reviewing.finish(queue, found, request.user)
    except reviewing.Unanswered as error:
        messages.error(request, str(error))
        return _to(queue, found)
    except reviewing.Full as error:
        messages.warning(request, str(error))
    return _to(queue, reviewing.take(queue, request.user, found))


@require_POST
@member("annotator")
def requeue(request: MemberRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    queue = _queue(request, queue_id)
    found = item_or_404(queue, item_id, request.user)
    following = reviewing.take(queue, request.user, found)
    reviewing.requeue(queue, found, request.user)
    return _to(queue, following)


@require_POST
@member("annotator")
def reopen(request: MemberRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    queue = _queue(request, queue_id)
    found = item_or_404(queue, item_id, request.user)
    if not reviewing.may_reopen(queue, found, request.user):
        raise Http404("This review cannot be opened again.")
    reviewing.reopen(queue, found, request.user)
    return _to(queue, found)
