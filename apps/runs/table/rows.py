"""Rows of the Runs tab, ready to print."""

from collections.abc import Mapping, Sequence
from html import escape

from django.urls import reverse
from django.utils.safestring import SafeString

from apps.projects.models import Project
from apps.projects.ports import RunKey
from apps.runs.listing.columns import cells_of, loaded
from apps.runs.listing.snippets import Snippet, snippet_row
from apps.runs.models import Run
from apps.runs.table.columns import Column

MAX_NAME = 80


def rows_of(
    project: Project, runs: Sequence[Run], columns: Sequence[Column], snippets: Mapping[RunKey, Snippet]
) -> list[SafeString]:
    found = loaded(project, runs, columns)
    base = reverse("projects:detail", args=[project.workspace_id, project.pk]) + "/r/"
    cells = cells_of(columns, found)
    rows = []
    for run in runs:
        whole = _first_cell(run, base) + cells(run, run.pk)
        rows.append(SafeString(f"<tr>{whole}</tr>" + snippet_row(snippets.get(run.pk), len(columns) + 1)))
    return rows


def _first_cell(run: Run, base: str) -> str:
    name = escape(run.name[:MAX_NAME] or "no name")
    href = f"{base}{run.id}"
    return (
        f'<th scope="row" class="two"><input type="checkbox" class="pick" form="bulk" name="run" value="{run.trace_id}.{run.id}" '
        f'aria-label="Select {name}"><a class="row-link" href="{href}" hx-get="{href}" hx-target="#panel" data-row-link>'
        f'<i class="ico {run.run_type}" title="{run.run_type}"></i><bdi>{name}</bdi></a></th>'
    )
