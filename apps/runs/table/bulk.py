"""What can be done to several runs at once: those that are ticked, or all that the filter finds."""

import uuid
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.access import MemberRequest
from apps.accounts.services import record
from apps.common.templatetags.threadline import plural
from apps.projects.models import Project
from apps.projects.ports import RunKey
from apps.runs import tasks
from apps.runs.listing.bulk import MOST_TICKED, Action, Selected
from apps.runs.listing.layout import Layout
from apps.runs.listing.lines import download
from apps.runs.models import Run, RunQuerySet
from apps.runs.table import exports
from apps.runs.table.columns import chosen, layout

MOST_AT_ONCE: Final = 200
"""Traces that a request deletes itself; more are left to the worker."""

type Selection = Selected[RunQuerySet]


def ticked(project: Project, form: QueryDict) -> RunQuerySet:
    return Run.objects.in_project(project).filter(pk__in=list(_keys(form)))


def _keys(form: QueryDict) -> Iterator[RunKey]:
    """The boxes of the rows: trace id and run id with a dot between."""
    for text in form.getlist("run")[:MOST_TICKED]:
        trace_id, _, run_id = text.partition(".")
        try:
            yield uuid.UUID(trace_id), uuid.UUID(run_id)
        except ValueError:
            continue


def compare(request: MemberRequest, selection: Selection) -> HttpResponse:
    keys = list(_keys(selection.form))
    if len(keys) != 2 or selection.form.get("all"):
        messages.error(request, "Select two rows to compare.")
        return redirect(selection.page)
    url = reverse("runs:compare", args=[selection.project.workspace_id, selection.project.pk])
    # The one that stands lower in the list is the older one, so it is the first.
    asked = {"a": keys[1][1], "b": keys[0][1], "list": selection.asked.query()}
    return redirect(f"{url}?{urlencode({name: value for name, value in asked.items() if value})}")


def export(request: MemberRequest, selection: Selection) -> HttpResponseBase:
    kind = "csv" if selection.option == "csv" else "jsonl"
    project, runs, asked = selection.project, selection.rows, selection.asked
    columns = chosen(asked.cols or Layout.objects.columns_of(request.user, project, layout(asked)), asked)
    record(project.workspace, request.user, "exported runs", f"{project.name}: {plural(runs.count(), 'run')}")
    lines = (exports.csv_lines if kind == "csv" else exports.json_lines)(project, runs, columns)
    return download(lines, project, "runs", kind)


def delete(request: MemberRequest, selection: Selection) -> HttpResponse:
    """Their whole traces. Few at once, more in the background: those that are selected now, not those that match later."""
    project = selection.project
    traces = list(selection.rows.order_by().values_list("trace_id", flat=True).distinct())
    later = len(traces) > MOST_AT_ONCE
    with transaction.atomic():
        record(project.workspace, request.user, "deleted traces", f"{project.name}: {plural(len(traces), 'trace')}")
        if later:
            tasks.delete_traces_later(traces)
    if later:
        told = f"{plural(len(traces), 'trace')} will be gone shortly: they are deleted in the background."
    else:
        tasks.delete_some_traces(traces)
        told = f"{plural(len(traces), 'trace')} deleted."
    messages.success(request, told)
    return redirect(selection.page)


ACTIONS: Final[list[Action[RunQuerySet]]] = [
    Action("compare", "viewer", "runs/list_bulk_compare.html", compare),
    Action("export", "viewer", "threads/list_bulk_export.html", export),
    Action("delete", "editor", "runs/list_bulk_delete.html", delete),
]
"""In the order of the bar. A later app puts its own before the last one."""
