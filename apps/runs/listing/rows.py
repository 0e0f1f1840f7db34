"""A filter as rows that a person can edit, and back. What rows cannot say stays as a row of query text, so nothing is lost."""

import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from django.utils import timezone

from apps.projects.values import in_zone
from apps.runs.listing.asked import from_zone
from apps.runs.listing.scopes import ANYWHERE, WITHOUT_VALUE, Offer, Scope
from apps.runs.query.fields import SEARCHED, Kind
from apps.runs.query.nodes import (
    And,
    Check,
    Compare,
    Exists,
    FilterError,
    Has,
    Node,
    Not,
    Op,
    Or,
    Pair,
    Search,
    Value,
    as_json,
)
from apps.runs.query.texts import like_literal
from apps.runs.query.unparse import quoted, unparse

MAX_ROWS: Final = 60
MAX_NESTING: Final = 3
MAX_VALUE: Final = 4_000
MAX_KEY: Final = 250
_LINES: Final = re.compile("[\x00-\x1f\x7f\u2028\u2029]")
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_COMPARE: Final = {"is": Op.EQ, "isnt": Op.NEQ, "gt": Op.GT, "gte": Op.GTE, "lt": Op.LT, "lte": Op.LTE, "in": Op.IN}
_NAMES: Final = {op: name for name, op in _COMPARE.items()}
_NEGATED: Final = {"notin": "in", "hasnt": "has", "nowords": "words", "excludes": "includes"}
_NEGATION: Final = {name: negated for negated, name in _NEGATED.items()}


@dataclass(frozen=True, slots=True)
class Row:
    """A condition. key is that of a pair; values of "is one of" stand in one line with commas."""

    field: str
    op: str
    value: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A condition in the filter language."""

    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """join is all, any or none."""

    join: str
    items: "tuple[Item, ...]"


type Item = Row | Text | Group


def text_of(item: Item, scope: Scope) -> str:
    """In the filter language; empty for a group without items. Raises FilterError where a row cannot be read."""
    match item:
        case Text(text):
            # Read first: a lone half of a pair would bind to its neighbours.
            return unparse(scope.parse(text))
        case Row():
            return _row_text(item, scope.offers()[item.field])
    texts = [text for part in item.items if (text := text_of(part, scope))]
    if not texts:
        return ""
    if item.join == "none":
        return f"not({_joined('or', texts)})"
    return f"{'or' if item.join == 'any' else 'and'}({', '.join(texts)})"


def whole_text(items: Iterable[Item], scope: Scope) -> str:
    """All of them at once, as the URL has it."""
    return _joined("and", [text for item in items if (text := text_of(item, scope))])


def _joined(word: str, texts: list[str]) -> str:
    return f"{word}({', '.join(texts)})" if len(texts) > 1 else "".join(texts)


def _row_text(row: Row, offer: Offer) -> str:
    if row.op in _NEGATED:
        return f"not({_row_text(Row(row.field, _NEGATED[row.op], row.value, row.key), offer)})"
    if offer.relation:
        return _pair_text(row, offer)
    match row.op:
        case "set" | "unset":
            return f"{'neq' if row.op == 'set' else 'eq'}({row.field}, null)"
        case "words":
            return f"search({'' if row.field == ANYWHERE else row.field + ', '}{quoted(row.value)})"
        case "includes":
            return f"has({row.field}, {quoted(row.value)})"
    return _condition(row.field, row, offer)


def _pair_text(row: Row, offer: Offer) -> str:
    """In an and of its own, so that it binds to no other pair."""
    key = f"{offer.relation}_key"
    if row.op in ("set", "unset"):
        return f"and({'eq' if row.op == 'set' else 'neq'}({key}, {quoted(row.key)}))"
    condition = _condition(f"{offer.relation}_{offer.half}", row, offer)
    return f"and(eq({key}, {quoted(row.key)}), {condition})" if row.key else f"and({condition})"


def _condition(field: str, row: Row, offer: Offer) -> str:
    match row.op:
        case "has":
            return f"like({field}, {quoted(f'%{like_literal(row.value)}%')})"
        case "starts":
            return f"like({field}, {quoted(f'{like_literal(row.value)}%')})"
        case "in":
            return f"in({field}, [{', '.join(quoted(value) for value in several(row.value))}])"
    bare = offer.kind in (Kind.NUMBER, Kind.MONEY, Kind.SCORE) or (
        offer.kind is Kind.PAIRED and row.op not in ("is", "isnt")
    )
    value = row.value.strip()
    if offer.kind is Kind.TIME:
        # Rows have times of the reader's zone; a filter keeps what they are in UTC, so that a link finds the same for everybody.
        return f"{_COMPARE[row.op].value}({field}, {quoted(from_zone(value, timezone.get_current_timezone()))})"
    shown = value if bare and _NUMBER.fullmatch(value) else quoted(value if bare else row.value)
    return f"{_COMPARE[row.op].value}({field}, {shown})"


def several(line: str) -> list[str]:
    """The values in a line with commas; a value with a comma stands in double quotes."""
    return [value for value in next(csv.reader([line.replace("\n", " ")], skipinitialspace=True), []) if value]


def in_line(values: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue().replace(",", ", ") if '"' not in out.getvalue() else out.getvalue()


def items_of(node: Node, scope: Scope) -> tuple[Item, ...]:
    """The rows whose conditions must all hold."""
    node = bare(node)
    parts = node.parts if isinstance(node, And) else (node,)
    items = tuple(_item(part, scope, 1) for part in parts)
    return items if sum(map(_size, items)) <= MAX_ROWS else (Text(unparse(node)),)


def _size(item: Item) -> int:
    return 1 + sum(map(_size, item.items)) if isinstance(item, Group) else 1


def bare(node: Node) -> Node:
    """The same condition in one way of writing it: without the and and or of one part, and exists as the key of a pair."""
    match node:
        case Exists(field, key):
            return Pair(field, (key,), False, ())
        case And((part,)) | Or((part,)):
            return bare(part)
        case And(parts):
            return And(tuple(map(bare, parts)))
        case Or(parts):
            return Or(tuple(map(bare, parts)))
        case Not(part):
            return Not(bare(part))
    return node


def _item(node: Node, scope: Scope, depth: int) -> Item:
    if row := _row(node, scope):
        return row
    if depth <= MAX_NESTING:
        match node:
            case And(parts):
                return Group("all", tuple(_item(part, scope, depth + 1) for part in parts))
            case Or(parts):
                return Group("any", tuple(_item(part, scope, depth + 1) for part in parts))
            case Not(Or(parts)):
                return Group("none", tuple(_item(part, scope, depth + 1) for part in parts))
            case Not(part):
                return Group("none", (_item(part, scope, depth + 1),))
    return Text(unparse(node))


def _row(node: Node, scope: Scope) -> Row | None:
    """The row that says exactly this, if there is one."""
    row = _guess(node)
    offer = scope.offers().get(row.field) if row else None
    if row is None or offer is None or row.op not in offer.operators or not _fits(row):
        return None
    try:
        said = bare(scope.parse(_row_text(row, offer)))
    except FilterError:
        return None
    return row if said == node else None


def _fits(row: Row) -> bool:
    """Into the fields of a form, which hold one line, and where a value is wanted not an empty one."""
    lacks = row.op not in WITHOUT_VALUE and not row.value.strip()
    return not (lacks or len(row.value) > MAX_VALUE or len(row.key) > MAX_KEY or _LINES.search(row.value + row.key))


def _guess(node: Node) -> Row | None:
    match node:
        case Not(part) if (row := _guess(part)) and row.op in _NEGATION:
            return Row(row.field, _NEGATION[row.op], row.value, row.key)
        case Compare(field, check):
            return _checked(field, check)
        case Has(field, text):
            return Row(field, "includes", text)
        case Search(words, fields):
            anywhere = fields == SEARCHED or len(fields) > 1
            return Row(ANYWHERE if anywhere else fields[0], "words", " ".join(words))
        case Pair(relation, keys, absent, checks) if len(keys) <= 1 and len(checks) <= 1:
            key = keys[0] if keys else ""
            if not checks:
                return Row(_of_pair(relation, "score"), "unset" if absent else "set", key=key)
            row = _checked(_of_pair(relation, checks[0].half), checks[0])
            return row and Row(row.field, row.op, row.value, key)
    return None


def _of_pair(relation: str, half: str) -> str:
    """The name of the builder's field."""
    return f"feedback_{half}" if relation == "feedback" else relation


def _checked(field: str, check: Check) -> Row | None:
    if check.values == (None,):
        return Row(field, "unset" if check.op is Op.EQ else "set")
    if check.op is Op.LIKE:
        return _like(field, str(check.value))
    # The field's own reader takes the value back: row_of compares what it makes of it.
    values = [_shown(value, field) for value in check.values]
    return Row(field, _NAMES[check.op], in_line(values) if check.op is Op.IN else values[0])


def _like(field: str, pattern: str) -> Row | None:
    op, inner = ("has", pattern[1:-1]) if pattern.startswith("%") and len(pattern) > 2 else ("starts", pattern[:-1])
    return Row(field, op, re.sub(r"\\([\\%_])", r"\1", inner)) if pattern.endswith("%") else None


_DURATIONS: Final = ("latency", "thread_duration", "trace_latency_p50", "trace_latency_p99")


def _shown(value: Value, field: str) -> str:
    match value:
        case Decimal() if field in _DURATIONS:
            return f"{plain(value)}s" if value >= 1 or not value else f"{plain(value * 1000)}ms"
        case Decimal():
            return plain(value)
        case datetime():
            return _local(value)
    return as_json(value)


def _local(moment: datetime) -> str:
    """As a time of the reader's zone; with an offset where the clock shows that time twice."""
    text, told = (
        in_zone(moment).replace(tzinfo=None).isoformat(),
        moment.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    )
    return text if from_zone(text, timezone.get_current_timezone()) == told else told


def plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
