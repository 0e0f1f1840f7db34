"""Keyset paging: a page costs the same at any depth, and rows that arrive while one reads shift nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.core import signing
from django.core.exceptions import ValidationError
from django.db.models import F, Field, Model, OrderBy, Q, QuerySet

SIZE = 50
SALT = "cursor"


@dataclass(frozen=True)
class Term:
    """A column of the order. Nulls go where PostgreSQL puts them unless said otherwise: a plain index serves then."""

    name: str
    descending: bool = False
    nulls_last: bool | None = None

    @classmethod
    def of(cls, term: "str | Term") -> Self | "Term":
        return term if isinstance(term, Term) else cls(term.removeprefix("-"), term.startswith("-"))

    @property
    def nulls_at_end(self) -> bool:
        return not self.descending if self.nulls_last is None else self.nulls_last

    def reversed(self) -> "Term":
        return Term(self.name, not self.descending, None if self.nulls_last is None else not self.nulls_last)

    def order_by(self) -> OrderBy:
        column = F(self.name)
        explicit: dict[str, bool] = (
            {} if self.nulls_last is None else {f"nulls_{'last' if self.nulls_last else 'first'}": True}
        )
        return column.desc(**explicit) if self.descending else column.asc(**explicit)

    def equal(self, value: Any) -> Q:
        return Q(**{f"{self.name}__isnull": True}) if value is None else Q(**{self.name: value})

    def after(self, value: Any, *, nullable: bool) -> Q:
        """Strictly behind value in this order."""
        if value is None:
            return Q(pk__in=[]) if self.nulls_at_end else Q(**{f"{self.name}__isnull": False})
        behind = Q(**{f"{self.name}__{'lt' if self.descending else 'gt'}": value})
        return behind | Q(**{f"{self.name}__isnull": True}) if nullable and self.nulls_at_end else behind

    def bound(self, value: Any, *, nullable: bool) -> Q:
        """Not before value: implied by the rest, but as one comparison it lets an index start at the right place."""
        if value is None or (nullable and self.nulls_at_end):
            return Q()
        return Q(**{f"{self.name}__{'lte' if self.descending else 'gte'}": value})


@dataclass(frozen=True)
class Page[M: Model]:
    """Rows in the order asked for; newer and older are the cursors of its neighbours, empty where there is none."""

    rows: list[M]
    newer: str
    older: str


def keyset[M: Model](rows: QuerySet[M], order: Sequence[str | Term], cursor: str = "", size: int = SIZE) -> Page[M]:
    """One page of rows. The last column of the order must be unique among them.

    A cursor that was tampered with or belongs to another order shows the first page.
    """
    terms = [Term.of(term) for term in order]
    backwards, values = _read(cursor, rows, terms)
    wanted = [term.reversed() for term in terms] if backwards else terms
    found = rows.order_by(*(term.order_by() for term in wanted))
    if values is not None:
        found = found.filter(_behind(wanted, values, [_nullable(rows, term.name) for term in wanted]))
    fetched = list(found[: size + 1])
    shown = fetched[:size]
    more = len(fetched) > size
    if backwards:
        shown.reverse()
    return Page(
        shown,
        newer=_write("newer", terms, shown[0]) if shown and values is not None and (more or not backwards) else "",
        older=_write("older", terms, shown[-1]) if shown and (more or backwards) else "",
    )


def first_page[M: Model](fetched: Sequence[M], order: Sequence[str | Term], size: int = SIZE) -> Page[M]:
    """Of the first rows of the order, of which one more is given than a page has, where there are as many."""
    more = len(fetched) > size
    return Page(
        list(fetched[:size]), "", _write("older", [Term.of(term) for term in order], fetched[size - 1]) if more else ""
    )


def preceding[M: Model](rows: QuerySet[M], order: Sequence[str | Term], row: M) -> QuerySet[M]:
    """The rows that come before this one, of which the values of the order are known."""
    terms = [Term.of(term).reversed() for term in order]
    values = [getattr(row, term.name) for term in terms]
    return rows.order_by().filter(_behind(terms, values, [_nullable(rows, term.name) for term in terms]))


def _behind(terms: list[Term], values: list[Any], nullable: list[bool]) -> Q:
    condition = Q()
    for term, value, nulls in reversed(list(zip(terms, values, nullable, strict=True))):
        after = term.after(value, nullable=nulls)
        condition = after | (term.equal(value) & condition) if condition else after
    return terms[0].bound(values[0], nullable=nullable[0]) & condition


def _field(rows: QuerySet[Any], name: str) -> "Field[Any, Any]":
    annotation = rows.query.annotations.get(name)
    return annotation.output_field if annotation is not None else rows.model._meta.get_field(name)


def _nullable(rows: QuerySet[Any], name: str) -> bool:
    return name in rows.query.annotations or _field(rows, name).null


def _write(direction: str, terms: list[Term], row: Model) -> str:
    values = [getattr(row, term.name) for term in terms]
    return signing.dumps(
        [direction, _key(terms), [None if value is None else str(value) for value in values]], salt=SALT
    )


def _key(terms: list[Term]) -> str:
    return ",".join(("-" if term.descending else "") + term.name for term in terms)


def _read(cursor: str, rows: QuerySet[Any], terms: list[Term]) -> tuple[bool, list[Any] | None]:
    """Whether the cursor asks for newer rows, and the values it stands at."""
    try:
        direction, key, texts = signing.loads(cursor, salt=SALT)
        if key != _key(terms):
            return False, None
        return direction == "newer", [
            _field(rows, term.name).to_python(text) for term, text in zip(terms, texts, strict=True)
        ]
    except (signing.BadSignature, ValidationError, ValueError):
        return False, None
