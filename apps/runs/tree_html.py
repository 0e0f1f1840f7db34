"""The rows of a tree as HTML. Written here, because a page has up to 500 of them, for which a template takes ten times as long."""

from collections.abc import Iterable
from html import escape
from typing import Protocol
from uuid import UUID

from django.utils.safestring import SafeString

from apps.common.templatetags.threadline import duration, tokens
from apps.runs.models import Status
from apps.runs.said import clipped
from apps.runs.tree import Row

_STATES = {
    Status.ERROR: '<span class="pill bad">error</span>',
    Status.PENDING: '<span class="pill acc">running</span>',
}


class Marks(Protocol):
    """Of the feedback on runs."""

    def of_run(self, run_id: UUID) -> SafeString: ...


def draw(rows: Iterable[Row], selected: UUID | None, marks: Marks | None) -> SafeString:
    return SafeString("".join(_row(row, marks, current=row.run.id == selected) for row in rows))


def _row(row: Row, marks: Marks | None, *, current: bool) -> str:
    run, href, kind = row.run, escape(row.href), escape(row.run.run_type)
    used = "" if run.total_tokens is None else f'<span class="took">{tokens(run.total_tokens)}</span>'
    return (
        f'<li class="d{row.depth}{" hit" if row.hit else ""}">'
        f'<a href="{href}" hx-get="{href}"{' aria-current="true"' if current else ""}>'
        f'<i class="ico {kind}" title="{kind}"></i><bdi class="name clip">{escape(clipped(run.name or "no name", 80))}</bdi>'
        f"{marks.of_run(run.id) if marks else ''}{_STATES.get(run.status, '')}{used}"
        f'<span class="took">{duration(row.latency)}</span>'
        f'<svg class="fall" width="72" height="8" viewBox="0 0 1000 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="{kind}" x="{row.bar_x}" width="{row.bar_width}" height="8"/></svg></a></li>'
    )
