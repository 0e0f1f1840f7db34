"""The only way from an id or a name to a project."""

import uuid

from django.http import Http404

from apps.accounts.models import Workspace
from apps.projects.models import DEFAULT_PROJECT, Project


def project_or_404(workspace: Workspace, project_id: uuid.UUID) -> Project:
    project = Project.objects.in_workspace(workspace).filter(pk=project_id).first()
    if project is None:
        raise Http404(f"No project {project_id} in this workspace")
    # It is at hand, and half of the pages would read it again.
    project.workspace = workspace
    return project


def project_named(workspace: Workspace, name: str) -> Project:
    """The project of that name, made if it is new: the SDKs name a project and never create it."""
    return Project.objects.get_or_create(workspace=workspace, name=name or DEFAULT_PROJECT)[0]
