"""Queries of one form that most pages ask. Django would write the SQL of each anew for every request, and PostgreSQL plan it, which takes
five times as long as to have it answered."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import psycopg
from django.db import connection
from django.db.models import FETCH_ONE, FETCH_RAISE, Model, QuerySet
from django.db.models.fetch_modes import FetchMode


class _Prepared(psycopg.Cursor[Any]):
    def execute(self, query: Any, params: Any = None, **how: Any) -> Self:
        return super().execute(query, params, prepare=True, **how)


def prepared(sql: str, values: Sequence[Any] | Mapping[str, Any]) -> list[Any]:
    """The rows of a statement that each connection plans once. Only where one plan is good for all values: a few rows by an index."""
    with connection.cursor() as cursor:
        # Django's own cursor writes the values into the statement, which is then another each time.
        cursor.cursor = _Prepared(connection.connection)
        cursor.execute(sql, values)
        found: list[Any] = cursor.fetchall()
        return found


class Written[M: Model]:
    """A query whose SQL is written once, to be asked with other values each time.

    query makes it of values. The samples are such values, no two alike, by which each finds its place in the SQL; so none may be a list or
    None.
    """

    def __init__(self, query: Callable[..., QuerySet[M, Any]], *samples: Any) -> None:
        self._query, self._samples = query, samples

    @cached_property
    def _made(self) -> QuerySet[M, Any]:
        return self._query(*self._samples)

    @cached_property
    def _told(self) -> tuple[str, list[int], list[tuple[int, list[Callable[..., Any]], Any]]]:
        """SQL, which value stands at each of its places, and the columns of which Django makes something else than psycopg does: JSON."""
        compiler = self._made.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        found = compiler.get_converters([column for column, _, _ in compiler.select])
        converted = [(at, converters, column) for at, (converters, column) in found.items()]
        return sql, [self._samples.index(param) for param in params], converted

    def rows(self, *values: Any) -> list[Any]:
        sql, places, converted = self._told
        found = prepared(sql, [values[place] for place in places])
        if not converted:
            return found
        found = [list(row) for row in found]
        for at, converters, column in converted:
            for row in found:
                for convert in converters:
                    row[at] = convert(row[at], column, connection)
        return found

    def __call__(self, *values: Any) -> list[M]:
        """Of a query that selects whole rows of its model, and nothing with them."""
        model, mode = self._made.model, self._made._fetch_mode  # type: ignore[attr-defined]  # the stubs do not know it
        return made(model, self.rows(*values), mode)


def made[M: Model](model: type[M], rows: Iterable[Sequence[Any]], mode: FetchMode = FETCH_ONE) -> list[M]:
    """As if Django had read the rows, which have all columns of the model."""
    names, alias = [field.attname for field in model._meta.concrete_fields], connection.alias
    return [model.from_db(alias, names, row, fetch_mode=mode) for row in rows]


def parted(row: Sequence[Any], *models: type[Model]) -> list[Any]:
    """One of each model, of a row that has all columns of the first, then all of the next."""
    found, at = [], 0
    for model in models:
        width = len(model._meta.concrete_fields)
        found += made(model, [row[at : at + width]])
        at += width
    return found


def columns_of(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


@dataclass(frozen=True)
class Statement[M: Model]:
    """A query whose SQL is written by hand, because it takes lists, or is none that Django makes. It selects the fields in `names`, in that
    order; reading another one of a row is an error."""

    model: type[M]
    names: Sequence[str]
    sql: str

    def rows(self, *params: Any) -> list[M]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            found = cursor.fetchall()
        names = frozenset(self.names)
        return [self.model.from_db(connection.alias, names, self._values(row), fetch_mode=FETCH_RAISE) for row in found]

    def first(self, *params: Any) -> M | None:
        return next(iter(self.rows(*params)), None)

    def _values(self, row: tuple[Any, ...]) -> list[Any]:
        return [row[at] if read is None else read(row[at], None, connection) for at, read in self._order]

    @cached_property
    def _order(self) -> list[tuple[int, Callable[..., Any] | None]]:
        """Where in a row the model's fields stand, as it lists them, and what reads them if they are not values as they come."""
        at = {name: index for index, name in enumerate(self.names)}
        fields = [field for field in self.model._meta.concrete_fields if field.attname in at]
        return [(at[field.attname], getattr(field, "from_db_value", None)) for field in fields]
