"""The filter bar above a list: saved filters as tabs, words to search for, the conditions as chips, and all of it in words."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import parse_qsl

from django.urls import reverse
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.accounts.access import MemberRequest
from apps.projects.models import Project
from apps.runs.listing.asked import FILTERS, Asked, saved_id
from apps.runs.listing.marked import Marked
from apps.runs.listing.rows import bare
from apps.runs.listing.saved import SavedFilter, opening, tabs_of
from apps.runs.listing.scopes import Scope, scopes
from apps.runs.listing.sorting import Sort
from apps.runs.listing.times import span, zoned
from apps.runs.query.nodes import And, Node
from apps.runs.query.sentence import sentence
from apps.runs.query.unparse import unparse

# Tabs beyond these stand under "more", pinned or not.
MAX_TABS: Final = 5
ALL: Final = "all"
_CLAUSES: Final = {
    "threads": {
        "thread_filter": "where {}",
        "trace_filter": "with a root run where {}",
        "filter": "with a run where {}",
        "tree_filter": "with another run where {}",
    },
    "runs": {
        "filter": "where {}",
        "trace_filter": "whose root run is one where {}",
        "tree_filter": "with a run in the trace where {}",
        "thread_filter": "in a thread where {}",
    },
}

# By name: the listing knows no list.
_COLUMN: Final = {"threads": "apps.threads.columns.column", "runs": "apps.runs.table.columns.column"}


@dataclass(frozen=True, slots=True)
class Chip:
    """A condition that holds for all rows; remove is the query string of the list without it."""

    scope: str
    words: str
    remove: str


@dataclass(frozen=True)
class FilterBar:
    request: MemberRequest
    project: Project
    kind: str
    asked: Asked

    @cached_property
    def path(self) -> str:
        """Of the list, threads or runs."""
        return reverse("projects:detail", args=[self.project.workspace_id, self.project.pk]) + "/" + self.kind

    @cached_property
    def base(self) -> str:
        """Of the pages about its filters."""
        return reverse("runs:build", args=[self.project.workspace_id, self.project.pk, self.kind])

    @cached_property
    def query(self) -> str:
        return self.asked.query()

    @cached_property
    def saved(self) -> list[SavedFilter]:
        return tabs_of(self.project, self.kind, self.request.user)

    @property
    def tabs(self) -> list[SavedFilter]:
        return [saved for saved in self.saved if saved.pinned][:MAX_TABS]

    @property
    def more(self) -> list[SavedFilter]:
        tabs = set(self.tabs)
        return [saved for saved in self.saved if saved not in tabs]

    @cached_property
    def active(self) -> SavedFilter | None:
        wanted = saved_id(self.asked.saved)
        return next((saved for saved in self.saved if saved.pk == wanted), None)

    @property
    def active_in_more(self) -> bool:
        return self.active is not None and self.active in self.more

    @property
    def is_changed(self) -> bool:
        """The list shows something else than the saved filter it was opened with."""
        return self.active is not None and self.active.asked != self.asked

    @property
    def may_change(self) -> bool:
        return self.active is not None and self.active.may_change(self.request.membership)

    @property
    def everything(self) -> str:
        """The query string of the list without any filter, of the same preset; it must not lead back to the default."""
        return Asked(show=self.asked.show).query() or (f"saved={ALL}" if opening(self.saved) else "")

    @property
    def is_everything(self) -> bool:
        return self.active is None and not self.asked.is_narrow

    def default_query(self) -> str:
        """Where a visitor who asks for nothing in particular goes: the query string of a default, or nothing."""
        if self.request.GET or self.request.htmx or not (saved := opening(self.saved)):
            return ""
        return saved.href.removeprefix("?")

    @cached_property
    def chips(self) -> list[Chip]:
        by_scope = scopes(self.kind)
        return [chip for name in FILTERS for chip in self._chips(by_scope[name])]

    def _chips(self, scope: Scope) -> list[Chip]:
        text = getattr(self.asked, scope.name)
        if not text:
            return []
        if scope.name in self.asked.problems:
            return [Chip(scope.label, text, self._with(scope.name, ""))]
        node = bare(self.asked.nodes[scope.name])
        parts = node.parts if isinstance(node, And) else (node,)
        return [
            Chip(
                scope.label,
                sentence(part, scope.fields),
                self._with(scope.name, _without(parts, number)),
            )
            for number, part in enumerate(parts)
        ]

    def _with(self, name: str, text: str) -> str:
        """The query string of the list with this text in the place of one filter."""
        return self.asked.query(**{name: text}) or self.everything

    @property
    def problems(self) -> list[tuple[Marked, str]]:
        """Each with the query string of the list without it."""
        labels = {name: f"The filter on “{scope.label}”" for name, scope in scopes(self.kind).items()}
        labels |= {"q": "The search", "since": "The time range", "start": "The time range", "end": "The time range"}
        return [
            (Marked.of(labels[name], getattr(self.asked, name), error), self._with(name, ""))
            for name, error in self.asked.problems.items()
        ]

    @property
    def without_filters(self) -> str:
        return self.asked.query(**dict.fromkeys(FILTERS, "")) or self.everything

    @property
    def is_savable(self) -> bool:
        return bool(self.asked.query(saved="")) and not self.asked.problems

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The parameters that a search leaves as they are."""
        return parse_qsl(self.asked.query(q=""))

    @property
    def kept_beside(self) -> list[tuple[str, str]]:
        """The parameters that the builder leaves as they are."""
        return parse_qsl(self.without_filters)

    @property
    def said(self) -> str:
        return said(self.asked, self.kind)

    @property
    def order(self) -> str:
        """The order asked for in words: turns, largest first. Empty where none is."""
        column = import_string(_COLUMN[self.kind])(self.asked.sort.removeprefix("-"))
        if column is None or not column.sorts:
            return ""
        return f"{column.label}, {Sort(column, self.asked.sort.startswith('-')).first} first"


def _without(parts: tuple[Node, ...], number: int) -> str:
    rest = parts[:number] + parts[number + 1 :]
    return unparse(rest[0] if len(rest) == 1 else And(rest)) if rest else ""


def said(asked: Asked, kind: str) -> str:
    """All that is asked for in plain words; empty when everything is."""
    by_scope = scopes(kind)
    found = [
        clause.format(sentence(asked.nodes[name], by_scope[name].fields))
        for name, clause in _CLAUSES[kind].items()
        if name in asked.nodes
    ]
    if "q" in asked.nodes:
        found.append(f"that mention “{asked.q}”")
    found += _time(asked, "active" if kind == "threads" else "started")
    return f"{kind.capitalize()} {', '.join(found)}" if found else ""


def _time(asked: Asked, verb: str) -> list[str]:
    if asked.since and "since" not in asked.problems:
        return [f"{verb} in the {span(asked.since).lower()}"]
    bounds = zip(("from", "until"), asked.period(timezone.now()), strict=True)
    return [f"{word} {zoned(moment)}" for word, moment in bounds if moment]
