"""A filter as a value. parse.py makes it from text; compile.py turns it into SQL and sentence.py into English.

Every node is already sound: its field exists, its operator fits the field and its values have the field's type.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

# What search() finds in the search tables: the text of all three together is where it looks when it is given words alone.
TEXTS = frozenset({"about", "inputs", "outputs"})

# None is the absent value: eq(error, null) selects runs without an error.
type Value = str | Decimal | bool | datetime | UUID | None


class FilterError(ValueError):
    """A filter that cannot be read; position counts characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(f"{message} (at character {position + 1} of the filter)")
        self.message = message
        self.position = position


class Op(StrEnum):
    EQ = "eq"
    NEQ = "neq"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    IN = "in"
    LIKE = "like"


@dataclass(frozen=True, slots=True)
class And:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Node"


@dataclass(frozen=True, slots=True)
class Check:
    """What is asked of one value. IN has several values, every other operator one; LIKE's is a pattern with % and _.

    half is which part of a pair is meant: value, or of feedback also score, comment and source.
    """

    op: Op
    values: tuple[Value, ...]
    half: str = "value"

    @property
    def value(self) -> Value:
        return self.values[0]


@dataclass(frozen=True, slots=True)
class Compare:
    """traces: of a field of the whole trace, the traces that meet it, where they are few (an array's text)."""

    field: str
    check: Check
    traces: str | None = None


@dataclass(frozen=True, slots=True)
class Has:
    """The list contains the text."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Contains:
    """The JSON object contains this one, as PostgreSQL's @> has it. json is normalised, so that nodes compare."""

    field: str
    json: str


@dataclass(frozen=True, slots=True)
class Exists:
    """The JSON object has the key, a dotted path, with a value other than null."""

    field: str
    key: str


@dataclass(frozen=True, slots=True)
class Search:
    """Each word is part of some searchable text, whatever its case. fields is where to look.

    traces are the only ones that may match, as an array's text, where the index tells that; common is what too many have to be told.
    """

    words: tuple[str, ...]
    fields: tuple[str, ...]
    traces: str | None = None
    common: bool = False

    @property
    def in_texts(self) -> bool:
        """Whether it looks into the search tables rather than into the run's own columns."""
        return not TEXTS.isdisjoint(self.fields)


@dataclass(frozen=True, slots=True)
class Pair:
    """One key and its value in a relation such as metadata: the conditions of one and() that bind to the same pair.

    keys is empty when no key was asked for; keys_absent tells neq(key) from eq(key). See docs/filter-language.md.
    traces and common are those of a search, for pairs of inputs and outputs; of metadata only traces is used.
    """

    relation: str
    keys: tuple[str, ...]
    keys_absent: bool
    checks: tuple[Check, ...]
    traces: str | None = None
    common: bool = False


type Node = And | Or | Not | Compare | Has | Contains | Exists | Search | Pair


def as_json(value: Any) -> str:
    """A JSON scalar of a pair as the text it is compared by."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
