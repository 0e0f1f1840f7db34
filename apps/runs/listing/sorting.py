"""The order of a list, its pages, and where a page of it stands."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from django.db.models import Model, QuerySet

from apps.common.paging import Page, Term, keyset, preceding

TIMES: Final = frozenset({"start", "first_start", "last_start", "last_activity"})


class Sorted(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def sorts(self) -> bool: ...


@dataclass(frozen=True)
class Sort[C: Sorted]:
    column: C
    descending: bool

    @property
    def text(self) -> str:
        return ("-" if self.descending else "") + self.column.id

    @property
    def first(self) -> str:
        """Which rows come first, in a word."""
        ends = ("earliest", "latest") if self.column.id in TIMES else ("smallest", "largest")
        return ends[self.descending]


def sort_of[C: Sorted](text: str, column: Callable[[str], C | None], default: str) -> Sort[C]:
    """The order asked for, or the usual one where it names no column that sorts."""
    found = column(text.removeprefix("-"))
    if found is None or not found.sorts:
        return sort_of(default, column, default)
    return Sort(found, text.startswith("-"))


@dataclass(frozen=True)
class Place:
    """first and last are the numbers of the rows shown, first 0 where the page is too deep to say. total None: not counted yet; where it
    is over most, the count stopped there. most 0: it did not stop. latest: how many, the latest, are sorted where not all can be."""

    first: int
    last: int
    total: int | None
    most: int = 0
    latest: int = 0

    @property
    def count(self) -> str:
        """12,408 or 10,000+; empty where nobody has counted."""
        if self.total is None:
            return ""
        return f"{self.most:,}+" if 0 < self.most < self.total else f"{self.total:,}"


@dataclass(frozen=True)
class Counting:
    """How the rows of a list are counted. total is how many there are, where that is known; else they are counted up to most, so that it
    never takes longer than to show them. now: with the page, not after it."""

    most: int
    total: int | None = None
    now: bool = True


def paged[M: Model](
    rows: QuerySet[M], terms: Sequence[Term], cursor: str, counting: Counting, every: QuerySet[M] | None = None
) -> tuple[Page[M], Place]:
    """A page of the rows in this order. every is all that match, where rows are only the latest of them."""
    page = keyset(rows, terms, cursor)
    most, total = counting.most, counting.total
    if total is None and not counting.now and (cursor or page.older):
        return page, Place(0, 0, None)
    before = preceding(rows, terms, page.rows[0])[: most + 1].count() if cursor and page.rows else 0
    first = before + 1 if page.rows and before <= most else 0
    last = first + len(page.rows) - 1 if first else 0
    if total is not None:
        return page, Place(first, last, total)
    whole = not page.older and not cursor and every is None
    counted = len(page.rows) if whole else (rows if every is None else every).order_by()[: most + 1].count()
    return page, Place(first, last, counted, most)
