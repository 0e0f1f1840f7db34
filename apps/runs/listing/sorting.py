"""The order of a list and where a page of it stands."""

from dataclasses import dataclass
from typing import Final, Protocol

TIMES: Final = frozenset({"start", "first_start", "last_start", "last_activity"})


class Sorted(Protocol):
    @property
    def id(self) -> str: ...


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


@dataclass(frozen=True)
class Place:
    """first and last are the numbers of the rows shown, first 0 where the page is too deep to say. total None: not counted yet."""

    first: int
    last: int
    total: int | None

    @classmethod
    def of(cls, before: int, shown: int, total: int, most: int) -> "Place":
        """Of a page with so many rows before it; beyond most nobody has counted."""
        first = before + 1 if shown and before <= most else 0
        return cls(first, first + shown - 1 if first else 0, total)
