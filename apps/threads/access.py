"""The only way from an id to a thread or to a shared link."""

import uuid

from django.http import Http404

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.threads.models import Thread, thread_with_id
from apps.threads.shared import SharedLink


def thread_or_404(project: Project, thread_id: str) -> Thread:
    thread = thread_with_id(project, thread_id)
    if thread is None:
        raise Http404(f"No thread {thread_id} in this project")
    return thread


def link_or_404(token: uuid.UUID) -> SharedLink:
    """The live link with this token, whoever asks."""
    link = SharedLink.objects.live().select_related("project", "workspace").filter(pk=token).first()
    if link is None:
        raise Http404("No such link, or it was revoked")
    return link


def workspace_link_or_404(workspace: Workspace, token: uuid.UUID) -> SharedLink:
    link = SharedLink.objects.in_workspace(workspace).filter(pk=token).first()
    if link is None:
        raise Http404("No such link in this workspace")
    return link
