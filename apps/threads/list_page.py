"""What the Threads tab shows, from its URL and what the person chose before."""

from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from apps.accounts.access import MemberRequest
from apps.projects.models import Project
from apps.runs.listing import heads
from apps.runs.listing.asked import Asked
from apps.runs.listing.layout import Layout
from apps.runs.listing.times import hidden, range_of
from apps.threads.bulk import ACTIONS
from apps.threads.columns import COLUMNS, DEFAULT, FAMILIES, Column, chosen, column
from apps.threads.models import ThreadQuerySet
from apps.threads.narrow import narrowed
from apps.threads.rows import rows_of
from apps.threads.snippets import snippets_of
from apps.threads.sorts import MOST_COUNTED, page_of, sort_of

ASIDE_COOKIE: Final = "aside"
RANGE: Final = (
    "A thread is shown when any of it falls into the range: it began before the end and was active after the start."
)


def context(request: MemberRequest, project: Project, asked: Asked) -> dict[str, Any]:
    totals: Any = Project.objects.among([project.pk]).for_list().get()
    columns = columns_of(request, project, asked)
    sort = sort_of(asked.sort)
    cursor = request.GET.get("cursor", "")
    known = totals.thread_count if not asked.is_narrow else None
    page, place = page_of(narrowed(project, asked), project, sort, cursor, total=known, count=not asked.is_narrow)
    snippets = snippets_of(project, page.rows, asked.nodes.get("q"))
    first = not page.newer and page.rows and sort.text == "-last_activity"
    return {
        "project": project,
        "asked": asked,
        "query": asked.query(),
        "list_url": reverse("threads:list", args=[project.workspace_id, project.pk]),
        "totals": totals,
        "page": page,
        "cursor": cursor,
        "place": place,
        "most_counted": MOST_COUNTED,
        "rows": rows_of(project, page.rows, columns, snippets, asked.query(cols=(), saved="")),
        "headers": heads.headers(columns, asked, sort),
        "newest": page.rows[0].last_activity if first else totals.last_activity,
        "problems": asked.problems,
        "sort": sort,
        "columns": columns,
        "picker": heads.picker(columns, offered(project)),
        "picker_open": request.GET.get("columns") == "open",
        "range": range_of(asked, timezone.now()),
        "range_about": RANGE,
        "any_time": asked.query(since="", start="", end=""),
        "clear": reverse("threads:list", args=[project.workspace_id, project.pk]) + "?saved=all",
        "kept": hidden(asked, "since", "start", "end"),
        "aside": request.COOKIES.get(ASIDE_COOKIE) != "off",
        "actions": [action for action in ACTIONS if request.membership.may(action.role)],
    }


def counted(request: MemberRequest, project: Project, asked: Asked) -> dict[str, Any]:
    """The place of the page with its count, which the page itself leaves out."""
    sort = sort_of(asked.sort)
    _, place = page_of(narrowed(project, asked), project, sort, request.GET.get("cursor", ""))
    return {"asked": asked, "place": place, "sort": sort, "most_counted": MOST_COUNTED}


def summed(project: Project, asked: Asked) -> ThreadQuerySet:
    """The threads that figures are computed of, which takes several queries."""
    threads = narrowed(project, asked)
    return threads.looked_up() if asked.is_narrow else threads


def columns_of(request: MemberRequest, project: Project, asked: Asked) -> list[Column]:
    """Those of the URL, else those the person chose for the project, else the usual ones."""
    return chosen(asked.cols or Layout.objects.columns_of(request.user, project, "threads"))


def offered(project: Project) -> list[Column]:
    return [*COLUMNS.values(), *(each for family in FAMILIES.values() for each in family.offered(project))]


def rearranged(form: Any) -> list[str]:
    return heads.rearranged(form, column) or list(DEFAULT)
