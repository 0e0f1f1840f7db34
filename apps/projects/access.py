"""The only way from an id or a name to a project."""

import uuid

from django.http import Http404

from apps.accounts.models import Workspace
from apps.common.sql import Written
from apps.projects.models import DEFAULT_PROJECT, Project

_IN_WORKSPACE = Written(
    lambda workspace, key: Project.objects.in_workspace(Workspace(workspace)).filter(pk=key), uuid.uuid4(), uuid.uuid4()
)


def project_or_404(workspace: Workspace, project_id: uuid.UUID) -> Project:
    found = _IN_WORKSPACE(workspace.pk, project_id)
    if not found:
        raise Http404(f"No project {project_id} in this workspace")
    project = found[0]
    # It is at hand, and half of the pages would read it again.
    project.workspace = workspace
    return project


def project_named(workspace: Workspace, name: str) -> Project:
    """The project of that name, made if it is new: the SDKs name a project and never create it."""
    return Project.objects.get_or_create(workspace=workspace, name=name or DEFAULT_PROJECT)[0]
