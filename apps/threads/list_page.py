"""What the Threads tab shows, from its URL and what the person chose before."""

from html import escape
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe

from apps.accounts.access import MemberRequest
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.threads.bulk import ACTIONS
from apps.threads.columns import COLUMNS, DEFAULT, FAMILIES, Column, chosen, column
from apps.threads.layout import Layout
from apps.threads.narrow import narrowed
from apps.threads.rows import rows_of
from apps.threads.snippets import snippets_of
from apps.threads.sorts import MOST_COUNTED, Sort, page_of, sort_of
from apps.threads.times import hidden, range_of

ASIDE_COOKIE: Final = "aside"


def context(request: MemberRequest, project: Project, asked: Asked) -> dict[str, Any]:
    totals: Any = Project.objects.among([project.pk]).for_list().get()
    columns = columns_of(request, project, asked)
    sort = sort_of(asked.sort)
    cursor = request.GET.get("cursor", "")
    known = totals.thread_count if not asked.is_narrow else None
    page, place = page_of(narrowed(project, asked), project, sort, cursor, total=known)
    snippets = snippets_of(project, page.rows, asked.nodes.get("q"))
    first = not page.newer and page.rows and sort.text == "-last_activity"
    return {
        "project": project,
        "asked": asked,
        "query": asked.query(),
        "totals": totals,
        "page": page,
        "place": place,
        "most_counted": MOST_COUNTED,
        "rows": rows_of(project, page.rows, columns, snippets, asked.query(cols=(), saved="")),
        "headers": mark_safe("".join(header(each, asked, sort) for each in columns)),
        "newest": page.rows[0].last_activity if first else totals.last_activity,
        "problems": asked.problems,
        "sort": sort,
        "columns": columns,
        "picker": picker(project, columns),
        "picker_open": request.GET.get("columns") == "open",
        "range": range_of(asked, timezone.now()),
        "any_time": asked.query(since="", start="", end=""),
        "clear": reverse("threads:list", args=[project.workspace_id, project.pk]) + "?saved=all",
        "kept": hidden(asked, "since", "start", "end"),
        "aside": request.COOKIES.get(ASIDE_COOKIE) != "off",
        "actions": [action for action in ACTIONS if request.membership.may(action.role)],
    }


def columns_of(request: MemberRequest, project: Project, asked: Asked) -> list[Column]:
    """Those of the URL, else those the person chose for the project, else the usual ones."""
    return chosen(asked.cols or Layout.objects.columns_of(request.user, project))


def header(each: Column, asked: Asked, sort: Sort) -> str:
    """A link that sorts by the column, the other way round where it sorts already. A figure is first sorted from the largest."""
    current = each.id == sort.column.id
    again = each.id if current and sort.descending else f"-{each.id}"
    aria = f' aria-sort="{"descending" if sort.descending else "ascending"}"' if current else ""
    about = f' title="{escape(each.about)}"' if each.about else ""
    label = f"<bdi>{escape(each.label)}</bdi>"
    link = f'<a href="?{escape(asked.query(sort=again))}">{label}</a>' if each.sorts else label
    return f'<th scope="col"{' class="num"' if each.numeric else ""}{aria}{about}>{link}</th>'


def picker(project: Project, columns: list[Column]) -> SafeString:
    """The chosen columns in their order, then the others, as items of a list: in Python for the reason that the cells are."""
    taken = {each.id for each in columns}
    offered = [*COLUMNS.values(), *(each for family in FAMILIES.values() for each in family.offered(project))]
    items = [_item(each, taken=True) for each in columns]
    return mark_safe("".join(items + [_item(each, taken=False) for each in offered if each.id not in taken]))


def _item(each: Column, *, taken: bool) -> str:
    id_, label = escape(each.id), escape(each.label)
    box = f'<input type="checkbox" name="col" value="{id_}"{" checked" if taken else ""}>'
    tick = f'<label class="check">{box}<bdi>{label}</bdi></label>'
    if not taken:
        return f'<li class="free">{tick}</li>'
    moves = "".join(
        f'<button class="btn quiet icon-only" name="{name}" value="{id_}" title="Further {side}">'
        f'<span aria-hidden="true">{arrow}</span><span class="sr-only">Move {label} {side}</span></button>'
        for name, side, arrow in (("up", "left", "↑"), ("down", "right", "↓"))
    )
    return f'<li>{tick}<span class="moves push">{moves}</span></li>'


def rearranged(form: Any) -> list[str]:
    """The ids that the form of the columns chooses: those ticked in the order of the page, moved by a button, and a path typed in."""
    ids = [each for each in dict.fromkeys(form.getlist("col")) if column(each)]
    for button, by in (("up", -1), ("down", 1)):
        if (moved := form.get(button)) in ids:
            at = ids.index(moved)
            ids.insert(max(0, at + by), ids.pop(at))
    path = form.get("path", "").strip().removeprefix("metadata.").removeprefix("meta.")
    if path and column(f"meta.{path}") and f"meta.{path}" not in ids:
        ids.append(f"meta.{path}")
    return ids or list(DEFAULT)
