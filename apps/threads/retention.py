"""Conversations that a project no longer keeps, because nothing has happened in them for the days it is set to."""

from datetime import datetime, timedelta

from django.utils import timezone

from apps.projects.models import Project
from apps.runs.models import Trace, TraceQuerySet
from apps.threads.models import Thread, ThreadQuerySet
from apps.threads.tagging import ThreadTag


def outdated(project: Project, before: datetime) -> ThreadQuerySet:
    tagged = ThreadTag.objects.in_project(project).values("thread")
    return Thread.objects.in_project(project).filter(last_activity__lt=before).exclude(pk__in=tagged)


def lone(project: Project, before: datetime) -> TraceQuerySet:
    """Traces that belong to no thread."""
    return Trace.objects.in_project(project).filter(thread_id=None).started(before=before)


def count(project: Project, days: int) -> int:
    """Threads that would go if the project kept them for so many days."""
    return outdated(project, timezone.now() - timedelta(days=days)).count()
