"""What changes a project by hand. Each change and its audit entry are one transaction."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record
from apps.projects import tasks
from apps.projects.models import Project


@transaction.atomic
def save(project: Project, by: User, *, name: str, description: str) -> Project:
    action = "created project" if project._state.adding else "changed project"
    project.name, project.description = name, description
    project.save()
    record(project.workspace, by, action, name)
    return project


@transaction.atomic
def delete(project: Project, by: User | None) -> None:
    """At once from every page; its runs follow in the background."""
    record(project.workspace, by, "deleted project", project.name)
    tasks.delete(project)
