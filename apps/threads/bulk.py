"""What can be done to several threads at once: those that are ticked, or all that the filter finds."""

import contextlib
import uuid
from collections.abc import Iterator
from typing import Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect

from apps.accounts.access import MemberRequest
from apps.accounts.services import record
from apps.common.templatetags.threadline import plural
from apps.projects.models import Project
from apps.runs.listing.bulk import MOST_TICKED, Action, Selected
from apps.runs.listing.layout import Layout
from apps.runs.listing.lines import download
from apps.threads import exports, tasks
from apps.threads.columns import chosen
from apps.threads.models import Thread, ThreadQuerySet
from apps.threads.tagging import ThreadTag, clean_tag

MOST_AT_ONCE: Final = 200
"""Turns that a request deletes itself; more are left to the worker."""
TAG_BATCH: Final = 5_000


type Selection = Selected[ThreadQuerySet]


def ticked(project: Project, form: QueryDict) -> ThreadQuerySet:
    return Thread.objects.in_project(project).among(_keys(form))


def _keys(form: QueryDict) -> Iterator[uuid.UUID]:
    for text in form.getlist("thread")[:MOST_TICKED]:
        with contextlib.suppress(ValueError):
            yield uuid.UUID(text)


def export(request: MemberRequest, selection: Selection) -> HttpResponseBase:
    kind = "csv" if selection.option == "csv" else "jsonl"
    project, threads = selection.project, selection.rows
    asked = selection.asked
    columns = chosen(asked.cols or Layout.objects.columns_of(request.user, project, "threads"), asked)
    record(project.workspace, request.user, "exported threads", f"{project.name}: {plural(threads.count(), 'thread')}")
    lines = (exports.csv_lines if kind == "csv" else exports.json_lines)(project, threads, columns)
    return download(lines, project, "threads", kind)


def tag(request: MemberRequest, selection: Selection) -> HttpResponse:
    name = clean_tag(selection.form.get("tag", ""))
    if not name:
        messages.error(request, "Type the tag first.")
        return redirect(selection.page)
    taking_off = selection.option == "remove"
    count = (_untag if taking_off else _tag)(selection, request, name)
    done = "lost the tag" if taking_off else "tagged"
    messages.success(request, f"{plural(count, 'thread')} {done} {name}.")
    return redirect(selection.page)


@transaction.atomic
def _tag(selection: Selection, request: MemberRequest, name: str) -> int:
    keys = list(selection.rows.keys())
    project = selection.project
    tags = (ThreadTag(thread=key, tag=name, project=project) for key in keys)
    ThreadTag.objects.bulk_create(tags, batch_size=TAG_BATCH, ignore_conflicts=True)
    record(project.workspace, request.user, "tagged threads", f"{project.name}: {plural(len(keys), 'thread')} {name}")
    return len(keys)


@transaction.atomic
def _untag(selection: Selection, request: MemberRequest, name: str) -> int:
    project = selection.project
    count = ThreadTag.objects.in_project(project).called(name).on(selection.rows).delete()[0]
    record(project.workspace, request.user, "untagged threads", f"{project.name}: {plural(count, 'thread')} {name}")
    return count


def delete(request: MemberRequest, selection: Selection) -> HttpResponse:
    """Few at once, more in the background: those that are selected now, not those that match later."""
    project = selection.project
    keys, turns = list(selection.rows.keys()), selection.rows.turn_count()
    with transaction.atomic():
        record(project.workspace, request.user, "deleted threads", f"{project.name}: {plural(len(keys), 'thread')}")
        if turns > MOST_AT_ONCE:
            tasks.delete_later(project, keys)
    if turns > MOST_AT_ONCE:
        messages.success(
            request, f"{plural(len(keys), 'thread')} will be gone shortly: they are deleted in the background."
        )
    else:
        tasks.delete_threads(project.pk, keys)
        messages.success(request, f"{plural(len(keys), 'thread')} deleted.")
    return redirect(selection.page)


ACTIONS: Final[list[Action[ThreadQuerySet]]] = [
    Action("export", "viewer", "threads/list_bulk_export.html", export),
    Action("tag", "annotator", "threads/list_bulk_tag.html", tag),
    Action("delete", "editor", "threads/list_bulk_delete.html", delete),
]
"""In the order of the bar. A later app appends its own."""
