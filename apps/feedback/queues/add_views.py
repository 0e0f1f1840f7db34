"""Putting what is shown or ticked into a queue."""

import uuid
from collections.abc import Mapping

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.feedback.queues.access import queue_or_404
from apps.feedback.queues.adding import add_runs, add_threads
from apps.feedback.queues.models import AnnotationQueue, QueueItem
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.runs.access import run_or_404
from apps.runs.models import Run
from apps.threads.access import thread_or_404
from apps.threads.models import Thread
from apps.threads.trace_view import as_uuid


@member("annotator")
def add(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """?thread=<id> or ?run=<id>."""
    project = project_or_404(request.workspace, project_id)
    subject = _subject(project, request.GET)
    queues = AnnotationQueue.objects.in_workspace(request.workspace).to_choose_from()
    added = None
    if request.method == "POST":
        added = queue_or_404(request.workspace, _id(request.POST.get("queue", "")))
        _put(added, project, subject)
        if not request.htmx:
            messages.success(request, f"It is in {added.name}.")
            return redirect("queues:detail", request.workspace.pk, added.pk)
    items = QueueItem.objects.in_queues(queues).about(subject.pk if isinstance(subject, Thread) else subject.id)
    held = {item.queue_id: item for item in items}
    context = {"project": project, "subject": subject, "added": added, "rows": [(q, held.get(q.pk)) for q in queues]}
    return page(request, "feedback/queue_add.html", context)


def _subject(project: Project, asked: Mapping[str, str]) -> Thread | Run:
    if thread_id := asked.get("thread"):
        return thread_or_404(project, thread_id)
    return run_or_404(project, _id(asked.get("run", "")))


def _put(queue: AnnotationQueue, project: Project, subject: Thread | Run) -> None:
    if isinstance(subject, Thread):
        add_threads(queue, [(project, subject.thread_id)])
    else:
        add_runs(queue, [subject.id])


def _id(text: str) -> uuid.UUID:
    found = as_uuid(text)
    if found is None:
        raise Http404("No such run or queue")
    return found
