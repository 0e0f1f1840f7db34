"""Tags that people give to whole threads, beside those that applications give to runs."""

import uuid
from collections.abc import Iterable
from typing import Any, Final, Self

from django.db import models
from django.db.models import F

from apps.common.sql import prepared
from apps.projects.models import Project
from apps.runs.columns import unenforced

MAX_TAG: Final = 60


class ThreadTagQuerySet(models.QuerySet["ThreadTag"]):
    def in_project(self, project: Project) -> Self:
        return self.filter(project=project)

    def of_threads(self, threads: Iterable[uuid.UUID]) -> Self:
        return self.filter(thread__in=list(threads))

    def called(self, tag: str) -> Self:
        return self.filter(tag=tag)

    def on(self, threads: "models.QuerySet[Any]") -> Self:
        return self.filter(thread__in=threads.order_by().values("pk"))

    def by_thread(self, threads: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
        found: dict[uuid.UUID, list[str]] = {}
        for thread, tag in prepared(_BY_THREAD, [list(threads)]):
            found.setdefault(thread, []).append(tag)
        return found


# Django takes five times as long to write the ids of a page as PostgreSQL to find their tags.
_BY_THREAD = "SELECT thread, tag FROM threads_threadtag WHERE thread = ANY(%s) ORDER BY tag"


class ThreadTag(models.Model):
    """thread is the uuid of the thread's row: on a cluster the tags lie beside it."""

    pk = models.CompositePrimaryKey("thread", "tag")
    thread = models.UUIDField()
    tag = models.TextField()
    project = unenforced(Project, "thread_tags")

    objects = ThreadTagQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(F("project"), F("tag"), name="thread_tagged")]

    def __str__(self) -> str:
        return self.tag


def clean_tag(text: str) -> str:
    """One line; empty where nothing is left."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:MAX_TAG].strip()
