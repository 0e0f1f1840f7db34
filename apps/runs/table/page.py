"""What the Runs tab shows, from its URL and what the person chose before."""

from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from apps.accounts.access import MemberRequest
from apps.projects.models import Project
from apps.runs.listing import heads
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import ALL
from apps.runs.listing.layout import Layout
from apps.runs.listing.narrow import narrowed_runs
from apps.runs.listing.times import hidden, range_of
from apps.runs.table.bulk import ACTIONS
from apps.runs.table.columns import Column, chosen, offered
from apps.runs.table.rows import rows_of
from apps.runs.table.snippets import snippets_of
from apps.runs.table.sorts import DEFAULT_SORT, MOST_COUNTED, MOST_SORTED, page_of, sort_of

PRESETS: Final = {"traces": "Traces", "llm": "LLM calls", "all": "All runs"}
NOUNS: Final = {"traces": "trace", "llm": "LLM call", "all": "run"}
RANGE: Final = "A run is shown when it started in the range."
ASIDE_COOKIE: Final = "aside"


def show_of(asked: Asked) -> str:
    return asked.show if asked.show in PRESETS else "traces"


def context(request: MemberRequest, project: Project, asked: Asked) -> dict[str, Any]:
    totals: Any = Project.objects.among([project.pk]).for_list().get()
    columns = columns_of(request, project, asked)
    sort, show = sort_of(asked.sort), show_of(asked)
    known = {"traces": totals.trace_count, "all": totals.run_count}.get(show) if not asked.is_narrow else None
    page, place, some = page_of(narrowed_runs(project, asked), sort, request.GET.get("cursor", ""), total=known)
    first = not page.newer and page.rows and sort.text == DEFAULT_SORT
    return {
        "project": project,
        "asked": asked,
        "query": asked.query(),
        "list_url": list_url(project),
        "totals": totals,
        "page": page,
        "place": place,
        "presets": [(name, label, _preset(asked, name)) for name, label in PRESETS.items()],
        "show": show,
        "noun": NOUNS[show],
        "most_counted": MOST_COUNTED,
        "most_sorted": MOST_SORTED if some else 0,
        "rows": rows_of(project, page.rows, columns, snippets_of(page.rows, asked.nodes.get("q"))),
        "headers": heads.headers(columns, asked, sort),
        "newest": page.rows[0].start_time if first else timezone.now(),
        "problems": asked.problems,
        "sort": sort,
        "columns": columns,
        "picker": heads.picker(columns, offered(project)),
        "picker_open": request.GET.get("columns") == "open",
        "range": range_of(asked, timezone.now()),
        "range_about": RANGE,
        "any_time": asked.query(since="", start="", end=""),
        "kept": hidden(asked, "since", "start", "end"),
        "aside": request.COOKIES.get(ASIDE_COOKIE) != "off",
        "actions": [action for action in ACTIONS if request.membership.may(action.role)],
    }


def _preset(asked: Asked, name: str) -> str:
    """The query string of the same list of other runs. An empty one would lead to a default filter."""
    return asked.query(show="" if name == "traces" else name) or f"saved={ALL}"


def columns_of(request: MemberRequest, project: Project, asked: Asked) -> list[Column]:
    """Those of the URL, else those the person chose for the preset in this project, else the usual ones."""
    show = show_of(asked)
    return chosen(asked.cols or Layout.objects.columns_of(request.user, project, layout(show)), show)


def layout(show: str) -> str:
    """Each preset keeps columns of its own: what tells traces apart says little of model calls."""
    return f"runs.{show}"


def list_url(project: Project) -> str:
    return reverse("runs:list", args=[project.workspace_id, project.pk])
