"""Rows of the Threads tab, ready to print."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from django.urls import reverse
from django.utils.safestring import SafeString

from apps.common.templatetags.threadline import short_id
from apps.projects.models import Project
from apps.runs.listing.columns import cells_of, loaded
from apps.runs.listing.snippets import Snippet, snippet_row
from apps.threads.columns import Column
from apps.threads.configure import configured_texts
from apps.threads.converters import ThreadIdConverter
from apps.threads.knots import Knot, knots_of, sparkline
from apps.threads.models import Thread
from apps.threads.tagging import ThreadTag

_CONVERTER = ThreadIdConverter()
SHOWN_TAGS = 2


def rows_of(
    project: Project,
    threads: Sequence[Thread],
    columns: Sequence[Column],
    snippets: Mapping[str, Snippet],
    query: str = "",
) -> list[SafeString]:
    """`query` is that of the list, so that the page of a thread knows its neighbours there."""
    found = found_for(project, threads, columns)
    knots = found.get(knots_of) or knots_of(project, threads)
    tags = ThreadTag.objects.by_thread(thread.id for thread in threads)
    # As reverse() would, which takes as long as the rest of the row.
    base = reverse("threads:detail", args=[project.workspace_id, project.pk, "x"])[:-1]
    tail = f"?{urlencode({'list': query})}" if query else ""
    cells = cells_of(columns, found)
    rows = []
    for thread in threads:
        href = base + quote(_CONVERTER.to_url(thread.thread_id), safe="/:@") + tail
        first = _first_cell(thread, href, knots[thread.thread_id], tags.get(thread.id))
        whole = first + cells(thread, thread.thread_id)
        rows.append(SafeString(f"<tr>{whole}</tr>" + snippet_row(snippets.get(thread.thread_id), len(columns) + 1)))
    return rows


def found_for(project: Project, threads: Sequence[Thread], columns: Sequence[Column]) -> dict[Any, Mapping[str, Any]]:
    """What the columns load. First inputs and last outputs become those the project configured."""
    texts = configured_texts(project, threads)
    for thread in threads if texts else ():
        thread.first_input, thread.last_output = texts[thread.thread_id]
    return loaded(project, threads, columns)


def _first_cell(thread: Thread, href: str, knots: Sequence[Knot], tags: Sequence[str] | None) -> str:
    name = escape(short_id(thread.thread_id))
    return (
        f'<th scope="row" class="two"><input type="checkbox" class="pick" form="bulk" name="thread" value="{thread.id}" '
        f'aria-label="Select {name}"><a class="row-link mono" href="{escape(href)}" title="{escape(thread.thread_id)}">'
        f'<bdi>{name}</bdi></a><span class="line-of">{sparkline(knots, thread.turns)}{_tags(tags)}</span></th>'
    )


def _tags(tags: Sequence[str] | None) -> str:
    if not tags:
        return ""
    shown = "".join(f'<span class="pill acc"><bdi>{escape(tag)}</bdi></span>' for tag in tags[:SHOWN_TAGS])
    rest = tags[SHOWN_TAGS:]
    return shown + (f'<span class="pill acc" title="{escape(", ".join(rest))}">+{len(rest)}</span>' if rest else "")
