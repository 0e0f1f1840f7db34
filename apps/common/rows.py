"""Rows of models by statements that are written once, for the pages that people open most: for such a page the ORM puts the same dozen
queries together each time, which takes it longer than everything else about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import FETCH_RAISE, Model


def columns_of(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.attname for field in model._meta.concrete_fields)


@dataclass(frozen=True)
class Statement[M: Model]:
    """What `sql` selects are the fields in `names`, in that order. Reading another one of a row is an error."""

    model: type[M]
    names: Sequence[str]
    sql: str

    def rows(self, *params: Any) -> list[M]:
        with connection.cursor() as cursor:
            cursor.execute(self.sql, params)
            found = cursor.fetchall()
        names = frozenset(self.names)
        return [self.model.from_db(DEFAULT_DB_ALIAS, names, self._values(row), fetch_mode=FETCH_RAISE) for row in found]

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
