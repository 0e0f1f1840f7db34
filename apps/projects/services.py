"""What changes a project by hand. Each change and its audit entry are one transaction."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record
from apps.common.templatetags.threadline import plural
from apps.projects import tasks
from apps.projects.models import Project


@transaction.atomic
def save(project: Project, by: User, *, name: str, description: str, keep_days: int | None = None) -> Project:
    action = "created project" if project._state.adding else "changed project"
    kept = "" if project.keep_days == keep_days else f", keeps {plural(keep_days, 'day') if keep_days else 'all'}"
    project.name, project.description, project.keep_days = name, description, keep_days
    project.save()
    record(project.workspace, by, action, name + kept)
    return project


@transaction.atomic
def delete(project: Project, by: User | None) -> None:
    """At once from every page; its runs follow in the background."""
    record(project.workspace, by, "deleted project", project.name)
    tasks.delete(project)
