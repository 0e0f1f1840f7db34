"""A column of a list's table, and what the columns of a page read for its rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models.expressions import Combinable

from apps.projects.models import Project


@dataclass(frozen=True)
class Column[R, K]:
    """load reads what a page of rows needs beyond their own, by their keys, in one query. cell is given the row and its part of that (None
    where it has none) and returns the table cell; value the same thing for an export. Rows are sorted by order."""

    id: str
    label: str
    cell: Callable[[R, Any], str]
    value: Callable[[R, Any], Any]
    about: str = ""
    numeric: bool = False
    load: Callable[[Project, Sequence[R]], Mapping[K, Any]] | None = None
    order: Combinable | None = None

    @property
    def sorts(self) -> bool:
        return self.order is not None


type Loaded[K] = Mapping[Any, Mapping[K, Any]]
"""By the function that loads, which several columns may share."""


def loaded[R, K](project: Project, rows: Sequence[R], columns: Iterable[Column[R, K]]) -> dict[Any, Mapping[K, Any]]:
    return {load: load(project, rows) for load in {column.load for column in columns if column.load}}


def cells_of[R, K](columns: Iterable[Column[R, K]], found: Loaded[K]) -> Callable[[R, K], str]:
    """What gives the cells of a row of that key."""
    none: Mapping[K, Any] = {}
    drawn = [(column.cell, found[column.load] if column.load else none) for column in columns]
    return lambda row, key: "".join([cell(row, of.get(key)) for cell, of in drawn])


def values_of[R, K](row: R, key: K, columns: Iterable[Column[R, K]], found: Loaded[K]) -> list[Any]:
    return [column.value(row, found[column.load].get(key) if column.load else None) for column in columns]
