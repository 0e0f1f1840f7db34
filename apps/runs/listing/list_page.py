"""What a list shows, from its URL and what the person chose before."""

from typing import Any, Final

from django.utils import timezone
from django.utils.safestring import SafeString

from apps.accounts.access import MemberRequest
from apps.projects.models import Project
from apps.runs.listing import heads
from apps.runs.listing.asked import Asked
from apps.runs.listing.bar import ALL
from apps.runs.listing.sorting import Counting
from apps.runs.listing.tab import Tab
from apps.runs.listing.times import hidden, range_of

ASIDE_COOKIE: Final = "aside"


def common(tab: Tab[Any, Any, Any], project: Project, asked: Asked) -> dict[str, Any]:
    """What the page and all that is loaded into it know."""
    return {
        "tab": tab.name,
        "project": project,
        "asked": asked,
        "query": asked.query(),
        "list_url": tab.url(project),
        "noun": tab.noun(asked),
    }


def context(request: MemberRequest, tab: Tab[Any, Any, Any], project: Project, asked: Asked) -> dict[str, Any]:
    totals = project.totals()
    columns = tab.columns_of(request.user, project, asked)
    sort = tab.sort_of(asked)
    cursor = request.GET.get("cursor", "")
    known = None if asked.is_narrow else tab.known_total(totals, asked)
    # Counting what a filter finds takes longer than its first rows.
    page, place = tab.page(project, asked, cursor, Counting(tab.most_counted, known, now=False))
    first = not page.newer and page.rows and sort.text == tab.default_sort
    return {
        **common(tab, project, asked),
        **tab.more(asked),
        "totals": totals,
        "filled": getattr(totals, tab.filled_by),
        "page": page,
        "cursor": cursor,
        "place": place,
        "rows": SafeString("".join(tab.rows_of(project, page.rows, columns, asked))),
        "headers": heads.headers(columns, asked, sort),
        "newest": getattr(page.rows[0], tab.activity.moment) if first else totals.last_activity,
        "problems": asked.problems,
        "sort": sort,
        "columns": columns,
        "picker": heads.picker(columns, tab.offered(project)),
        "picker_open": request.GET.get("columns") == "open",
        "range": range_of(asked, timezone.now()),
        "range_about": tab.range_about,
        "any_time": asked.query(since="", start="", end="") or f"saved={ALL}",
        "kept": hidden(asked, "since", "start", "end"),
        "aside": request.COOKIES.get(ASIDE_COOKIE) != "off",
        "actions": [action for action in tab.actions if request.membership.may(action.role)],
    }


def counted(request: MemberRequest, tab: Tab[Any, Any, Any], project: Project, asked: Asked) -> dict[str, Any]:
    """The place of the page with its count, which the page itself leaves out."""
    _, place = tab.page(project, asked, request.GET.get("cursor", ""), Counting(tab.most_counted))
    return common(tab, project, asked) | {"place": place, "sort": tab.sort_of(asked)}
