"""The fields that a filter can name: what each is called, which operators fit it, and how its values are read."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Final
from uuid import UUID

from apps.projects.values import utc
from apps.runs.query.nodes import FilterError, Op, Value, as_json
from apps.runs.query.syntax import Literal

EQUALITY: Final = frozenset({Op.EQ, Op.NEQ, Op.IN})
ORDER: Final = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE})
ANY: Final = EQUALITY | ORDER | {Op.LIKE}

_DURATION = re.compile(r"(-?[0-9]{1,20}(?:\.[0-9]{1,20})?)\s*(us|ms|s|m|h|d)?")
_SECONDS = {"us": "0.000001", "ms": "0.001", "s": "1", "m": "60", "h": "3600", "d": "86400"}
_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")


def _text(literal: Literal) -> Value:
    value = literal.value
    return format(value, "f") if isinstance(value, Decimal) else as_json(value)


def _number(literal: Literal) -> Value:
    value = literal.value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = Decimal(value)
    if isinstance(value, Decimal):
        return value
    raise FilterError("Expected a number here", literal.at)


def _score(literal: Literal) -> Value:
    """True and false are the scores 1 and 0."""
    return Decimal(literal.value) if isinstance(literal.value, bool) else _number(literal)


def _seconds(literal: Literal) -> Value:
    match = _DURATION.fullmatch(str(literal.value).strip()) if isinstance(literal.value, str) else None
    if match:
        return Decimal(match[1]) * Decimal(_SECONDS[match[2] or "s"])
    if isinstance(literal.value, Decimal):
        return literal.value
    raise FilterError("Expected seconds, or a duration such as “500ms”, “5s” or “1m”", literal.at)


def _time(literal: Literal) -> Value:
    try:
        return utc(datetime.fromisoformat(str(literal.value).strip()))
    except ValueError:
        raise FilterError("Expected a time such as “2026-03-01T12:00:00Z”", literal.at) from None


def _uuid(literal: Literal) -> Value:
    try:
        return UUID(str(literal.value))
    except ValueError:
        raise FilterError("Expected an id such as “0195a6c1-7d1f-7000-8000-000000000000”", literal.at) from None


def _flag(literal: Literal) -> Value:
    match literal.value:
        case bool():
            return literal.value
        case str() as word if word.lower() in ("true", "false"):
            return word.lower() == "true"
    raise FilterError("Expected true or false", literal.at)


def _first(literal: Literal) -> Value:
    """The order of execution is only known of a trace's root."""
    if _number(literal) == 1:
        return True
    raise FilterError("Only execution_order 1, the root of a trace, can be asked for", literal.at)


class Kind(Enum):
    """A type of field: the reader of its values, the operators it takes, and its name in the documentation."""

    TEXT = ("text", _text, ANY)
    ID = ("id", _uuid, EQUALITY)
    TIME = ("time", _time, EQUALITY | ORDER)
    NUMBER = ("number", _number, EQUALITY | ORDER)
    SCORE = ("number", _score, EQUALITY | ORDER)
    MONEY = ("US dollars", _number, EQUALITY | ORDER)
    SECONDS = ("seconds", _seconds, EQUALITY | ORDER)
    FLAG = ("true or false", _flag, frozenset({Op.EQ, Op.NEQ}))
    FIRST = ("1", _first, frozenset({Op.EQ, Op.NEQ}))
    LIST = ("list of texts", _text, frozenset[Op]())
    JSON = ("JSON object", _text, frozenset[Op]())
    PAYLOAD = ("JSON value", _text, frozenset[Op]())
    KEY = ("dotted path", _text, EQUALITY)
    PAIRED = ("text, number or true/false", _text, ANY)

    def __init__(self, label: str, read: Callable[[Literal], Value], operators: frozenset[Op]) -> None:
        self.label = label
        self.read = read
        self.operators = operators


@dataclass(frozen=True, slots=True)
class Field:
    """phrase is what a sentence calls the field; relation is set on the two halves of a pair."""

    name: str
    kind: Kind
    phrase: str
    nullable: bool = True
    relation: str = ""


def _field(name: str, kind: Kind, phrase: str = "", *, never_null: bool = False) -> Field:
    return Field(name, kind, phrase or name.replace("_", " "), nullable=not never_null)


def _pair(relation: str, *values: str) -> list[Field]:
    halves = {"key": Kind.KEY, **dict.fromkeys(values, Kind.PAIRED)}
    return [Field(f"{relation}_{half}", kind, relation, relation=relation) for half, kind in halves.items()]


FIELDS: Final = {
    field.name: field
    for field in (
        _field("id", Kind.ID, "run id", never_null=True),
        _field("name", Kind.TEXT, never_null=True),
        _field("run_type", Kind.TEXT, "type", never_null=True),
        _field("status", Kind.TEXT, never_null=True),
        _field("model", Kind.TEXT),
        _field("error", Kind.TEXT),
        _field("start_time", Kind.TIME, "start", never_null=True),
        _field("end_time", Kind.TIME, "end"),
        _field("latency", Kind.SECONDS),
        _field("first_token_time", Kind.TIME, "first token"),
        _field("total_tokens", Kind.NUMBER),
        _field("prompt_tokens", Kind.NUMBER, "input tokens"),
        _field("completion_tokens", Kind.NUMBER, "output tokens"),
        _field("total_cost", Kind.MONEY, "cost"),
        _field("prompt_cost", Kind.MONEY, "input cost"),
        _field("completion_cost", Kind.MONEY, "output cost"),
        _field("is_root", Kind.FLAG, "a root run", never_null=True),
        _field("execution_order", Kind.FIRST, "a root run", never_null=True),
        _field("trace_id", Kind.ID, "trace", never_null=True),
        _field("parent_run_id", Kind.ID, "parent run"),
        _field("session_id", Kind.ID, "project", never_null=True),
        _field("thread_id", Kind.TEXT, "thread"),
        _field("reference_example", Kind.ID),
        _field("reference_example_id", Kind.ID, "reference example"),
        _field("tags", Kind.LIST, "tag"),
        _field("metadata", Kind.JSON),
        _field("inputs", Kind.PAYLOAD, "input"),
        _field("outputs", Kind.PAYLOAD, "output"),
        *_pair("metadata", "value"),
        *_pair("input", "value"),
        *_pair("output", "value"),
        *_pair("feedback", "value"),
        Field("feedback_score", Kind.SCORE, "feedback", relation="feedback"),
        Field("feedback_comment", Kind.TEXT, "feedback", relation="feedback"),
        Field("feedback_source", Kind.TEXT, "feedback", nullable=False, relation="feedback"),
    )
}

# Where search() looks when it is given words alone: about is the name, the error, the tags and the metadata.
SEARCHED: Final[tuple[str, ...]] = ("about", "inputs", "outputs")
SEARCHABLE: Final = frozenset({"name", "error", "tags", "metadata", "inputs", "outputs"})
