"""The syntax tree to nodes: names become operators and fields, literals become values, and pairs find their halves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

import msgspec

from apps.projects.values import MAX_JSON_DEPTH, read_json, storable
from apps.runs.query.fields import FIELDS, ORDER, SEARCHABLE, SEARCHED, Field, Kind
from apps.runs.query.nodes import (
    And,
    Check,
    Compare,
    Contains,
    Exists,
    FilterError,
    Has,
    Node,
    Not,
    Op,
    Or,
    Pair,
    Search,
)
from apps.runs.query.syntax import Argument, Call, Items, Literal, Word, syntax

MAX_WORDS = 20
MAX_PATTERN = 500

OPERATORS: Final = {
    "and": "and(…, …)",
    "or": "or(…, …)",
    "not": "not(…)",
    **{op.value: f"{op.value}(field, value)" for op in Op if op is not Op.IN},
    "in": "in(field, [value, …])",
    "has": 'has(tags, "a tag") or has(metadata, \'{"key": "value"}\')',
    "exists": 'exists(metadata, "key")',
    "search": 'search("words") or search(name, "words")',
}


# Of fields that are not compared.
_FITTING: Final = {
    Kind.LIST: ["has"],
    Kind.JSON: ["has", "exists"],
    Kind.PAYLOAD: ["search(field, …)", "neq(field, null)", "a pair such as input_key with input_value"],
}


@dataclass(frozen=True, slots=True)
class Half:
    """A condition on one half of a pair: check is None for the key."""

    relation: str
    keys: tuple[str, ...] = ()
    keys_absent: bool = False
    check: Check | None = None


def parse(text: str) -> Node:
    """Raises FilterError, which says where and what was expected."""
    return run_node(syntax(text))


def run_node(call: Call) -> Node:
    """A condition on runs, which may stand inside one of another language."""
    found = _read(call)
    return paired([found])[0] if isinstance(found, Half) else found


def _read(call: Call) -> Node | Half:
    match call.name:
        case "and" | "or":
            return _connect(call)
        case "not":
            return Not(run_node(*conditions(call, most=1)))
        case "has":
            return _has(call)
        case "exists":
            return _exists(call)
        case "search":
            return _search(call)
        case name if name in OPERATORS:
            return _compare(call, Op(name))
    raise no_operator(call, OPERATORS)


def no_operator(call: Call, known: Iterable[str]) -> FilterError:
    return FilterError(f"There is no operator {call.name}{_hint(call.name, known)}", call.at)


def _connect(call: Call) -> Node:
    parts = conditions(call)
    if call.name == "or":
        return Or(tuple(run_node(part) for part in parts))
    return And(tuple(paired([_read(part) for part in parts])))


def conditions(call: Call, most: int | None = None) -> list[Call]:
    for arg in call.args:
        if not isinstance(arg, Call):
            raise FilterError(f'{call.name} takes conditions such as eq(status, "error")', arg.at)
    if not call.args or len(call.args) > (most or len(call.args)):
        raise FilterError(f"{call.name} takes {'one condition' if most == 1 else 'at least one condition'}", call.at)
    return [arg for arg in call.args if isinstance(arg, Call)]


def paired(parts: Iterable[Node | Half]) -> list[Node]:
    """Halves of a relation, in written order, joined to pairs: a second key starts a new pair."""
    found: list[Node | list[Half]] = []
    open_pairs: dict[str, list[Half]] = {}
    for part in parts:
        if not isinstance(part, Half):
            found.append(part)
            continue
        pair = open_pairs.get(part.relation)
        if pair is None or (part.check is None and any(half.check is None for half in pair)):
            pair = open_pairs[part.relation] = []
            found.append(pair)
        pair.append(part)
    return [_pair(part) if isinstance(part, list) else part for part in found]


def _pair(halves: list[Half]) -> Pair:
    key = next((half for half in halves if half.check is None), Half(halves[0].relation))
    return Pair(key.relation, key.keys, key.keys_absent, tuple(half.check for half in halves if half.check is not None))


def _compare(call: Call, op: Op) -> Node | Half:
    field, argument = _field_and(call)
    return condition_on(field, argument, op, call)


def condition_on(field: Field, argument: Argument, op: Op, call: Call) -> Node | Half:
    """A field, one of a pair's too, against a value or a list of values."""
    if field.kind is Kind.KEY:
        keys = tuple(str(field.kind.read(literal)) for literal in _literals(argument, op))
        _check_operator(field, op, call)
        return Half(field.relation, keys, keys_absent=op is Op.NEQ)
    node = compared(field, argument, op, call)
    if field.relation and isinstance(node, Compare):
        half = field.name.removeprefix(f"{field.relation}_")
        return Half(field.relation, check=replace(node.check, half=half))
    return node


def compared(field: Field, argument: Argument, op: Op, call: Call) -> Node:
    """A field against a value or a list of values; anything but the key of a pair."""
    literals = _literals(argument, op)
    if all(literal.value is None for literal in literals) and op in (Op.EQ, Op.NEQ):
        return _compare_null(field, op, literals[0])
    _check_operator(field, op, call)
    return Compare(field.name, Check(op, tuple(_value(field, op, literal) for literal in literals)))


def _compare_null(field: Field, op: Op, null: Literal) -> Node:
    if field.kind is Kind.PAIRED:
        raise FilterError(f"A pair always has a value; ask for its absence with neq({field.relation}_key, …)", null.at)
    if not field.nullable:
        raise FilterError(f"{field.name} is never null", null.at)
    return Compare(field.name, Check(op, (None,)))


def _value(field: Field, op: Op, literal: Literal) -> Any:
    if literal.value is None:
        raise FilterError("null only goes with eq and neq", literal.at)
    if op is Op.LIKE and not isinstance(literal.value, str):
        raise FilterError("Expected a pattern in quotes, with % for any text and _ for one character", literal.at)
    if op is Op.LIKE and len(str(literal.value)) > MAX_PATTERN:
        raise FilterError(f"A pattern has at most {MAX_PATTERN} characters", literal.at)
    if field.kind is Kind.PAIRED and op in ORDER:
        return _orderable(literal)
    return field.kind.read(literal)


def _orderable(literal: Literal) -> Any:
    if isinstance(literal.value, bool):
        raise FilterError("Expected a number or a text here", literal.at)
    return literal.value


def _check_operator(field: Field, op: Op, call: Call) -> None:
    if op in field.kind.operators:
        return
    fitting = _FITTING.get(field.kind, sorted(field.kind.operators))
    raise FilterError(f"{op} does not go with {field.name}; use {', '.join(fitting)}", call.at)


def _literals(argument: Argument, op: Op) -> list[Literal]:
    given = argument.items if isinstance(argument, Items) else (argument,)
    if isinstance(argument, Items) is not (op is Op.IN):
        expected = "Expected a list such as [1, 2]" if op is Op.IN else "Expected one value, not a list"
        raise FilterError(expected, argument.at)
    literals = [_literal(item) for item in given]
    if not literals:
        raise FilterError("The list is empty", argument.at)
    return literals


def _literal(argument: Argument) -> Literal:
    if isinstance(argument, Literal):
        return argument
    if isinstance(argument, Word):
        raise FilterError(f"Put {argument.text} in quotes: “{argument.text}”", argument.at)
    raise FilterError("Expected a value here", argument.at)


def _text(argument: Argument) -> Literal:
    literal = _literal(argument)
    if not isinstance(literal.value, str):
        raise FilterError("Expected a text in quotes", literal.at)
    return literal


def _field_and(call: Call) -> tuple[Field, Argument]:
    first, second = two(call)
    return _field(first), second


def two(call: Call) -> tuple[Argument, Argument]:
    if len(call.args) != 2:
        raise FilterError(f"{call.name} takes two arguments: {OPERATORS[call.name]}", call.at)
    return call.args[0], call.args[1]


def _field(argument: Argument) -> Field:
    return field_among(FIELDS, argument)


def field_among(fields: Mapping[str, Field], argument: Argument) -> Field:
    name = argument.text if isinstance(argument, Word) else argument.value if isinstance(argument, Literal) else None
    if not isinstance(name, str):
        raise FilterError("Expected a field such as name or metadata_key", argument.at)
    field = fields.get(name)
    if field is None:
        raise FilterError(f"There is no field {name[:60]}{_hint(name, fields)}", argument.at)
    return field


def _has(call: Call) -> Node:
    field, argument = _field_and(call)
    if field.kind is Kind.LIST:
        return Has(field.name, str(field.kind.read(_literal(argument))))
    if field.kind is Kind.JSON:
        return Contains(field.name, _json_object(_text(argument)))
    raise FilterError(f"has goes with tags and metadata, not with {field.name}", call.at)


def _exists(call: Call) -> Node:
    field, argument = _field_and(call)
    if field.kind is not Kind.JSON:
        raise FilterError(f"exists goes with metadata; for {field.name} use neq({field.name}, null)", call.at)
    return Exists(field.name, str(_text(argument).value))


def _search(call: Call) -> Node:
    if len(call.args) not in (1, 2):
        raise FilterError(f"search takes one or two arguments: {OPERATORS['search']}", call.at)
    looked_in: tuple[str, ...] = SEARCHED
    if len(call.args) == 2:
        field = _field(call.args[0])
        if field.name not in SEARCHABLE:
            raise FilterError(f"search looks in {', '.join(sorted(SEARCHABLE))}, not in {field.name}", call.args[0].at)
        looked_in = (field.name,)
    return Search(words_of(call.args[-1]), looked_in)


def words_of(argument: Argument) -> tuple[str, ...]:
    literal = _text(argument)
    words = tuple(dict.fromkeys(str(literal.value).split()))
    if not 1 <= len(words) <= MAX_WORDS:
        raise FilterError(f"search takes between 1 and {MAX_WORDS} words", literal.at)
    return words


def _json_object(literal: Literal) -> str:
    """The text as it stood in its quotes is tried first: JSON inside single quotes needs no second escaping."""
    for text in (literal.raw, str(literal.value)):
        try:
            value = read_json(text)
        except ValueError:
            continue
        if isinstance(value, dict) and storable(value):
            return msgspec.json.encode(value, order="deterministic").decode()
    raise FilterError(f"Expected a JSON object in quotes, at most {MAX_JSON_DEPTH} deep", literal.at)


def _hint(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name[:60], known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
