"""The only way from a thread id to a thread."""

from django.http import Http404

from apps.projects.models import Project
from apps.runs.models import thread_uuid
from apps.threads.models import Thread


def thread_or_404(project: Project, thread_id: str) -> Thread:
    thread = Thread.objects.in_project(project).filter(pk=thread_uuid(project.pk, thread_id)).first()
    if thread is None:
        raise Http404(f"No thread {thread_id} in this project")
    thread.project = project
    return thread
