"""Rows of the Runs tab, ready to print."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.projects.models import Project
from apps.projects.ports import RunKey
from apps.runs.listing.snippets import Snippet, snippet_row
from apps.runs.models import Run
from apps.runs.table.columns import Column

MAX_NAME = 80


def rows_of(
    project: Project, runs: Sequence[Run], columns: Sequence[Column], snippets: Mapping[RunKey, Snippet]
) -> list[SafeString]:
    found = loaded(project, runs, columns)
    base = reverse("projects:detail", args=[project.workspace_id, project.pk]) + "/r/"
    rows = []
    for run in runs:
        cells = "".join(column.cell(run, found[column.load].get(run.pk) if column.load else None) for column in columns)
        first = _first_cell(run, base)
        rows.append(mark_safe(f"<tr>{first}{cells}</tr>" + snippet_row(snippets.get(run.pk), len(columns) + 1)))
    return rows


def loaded(project: Project, runs: Sequence[Run], columns: Sequence[Column]) -> dict[Any, Mapping[RunKey, Any]]:
    """By the function that loads, which several columns may share."""
    return {load: load(project, runs) for load in {column.load for column in columns if column.load}}


def _first_cell(run: Run, base: str) -> str:
    name = escape(run.name[:MAX_NAME] or "no name")
    href = f"{base}{run.id}"
    return (
        f'<th scope="row" class="two"><input type="checkbox" class="pick" form="bulk" name="run" value="{run.trace_id}.{run.id}" '
        f'aria-label="Select {name}"><a class="row-link" href="{href}" hx-get="{href}" hx-target="#panel" data-row-link>'
        f'<i class="ico {run.run_type}" title="{run.run_type}"></i><bdi>{name}</bdi></a></th>'
    )
