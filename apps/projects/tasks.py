"""A deleted project is gone at once; its rows, of which there may be millions, follow in the background."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.db import models, transaction
from procrastinate.contrib.django import app

from apps.projects.models import Project

CHUNK: Final = 2_000


def delete(project: Project) -> None:
    """The job is committed together with the deletion, so neither happens without the other."""
    with transaction.atomic():
        job: Any = delete_project
        job.defer(project_id=str(project.pk))
        project.delete()


@app.task(name="delete_project", retry=5)
def delete_project(project_id: str) -> None:
    """Chunk by chunk: one statement over a large project would hold its locks and its WAL for minutes."""
    for model in _belongings():
        while _delete_chunk(model, UUID(project_id)):
            pass


def _belongings() -> Iterator[type[models.Model]]:
    """The tables that name their project without a constraint, those of later apps included."""
    for relation in Project._meta.related_objects:
        if relation.on_delete is models.DO_NOTHING:
            yield relation.related_model


def _delete_chunk(model: type[models.Model], project_id: UUID) -> int:
    rows = model._base_manager.filter(project_id=project_id)
    keys = list(rows.values_list("pk", flat=True)[:CHUNK])
    return rows.filter(pk__in=keys).delete()[0] if keys else 0
