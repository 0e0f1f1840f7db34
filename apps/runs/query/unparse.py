"""A filter back to its text: parse reads the same filter from it."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from apps.runs.query.fields import FIELDS, SEARCHED, Kind
from apps.runs.query.nodes import (
    And,
    Check,
    Compare,
    Contains,
    Exists,
    Has,
    Node,
    Not,
    Op,
    Or,
    Pair,
    Search,
    Value,
)


def unparse(node: Node) -> str:
    match node:
        case And(parts):
            return _call("and", map(unparse, parts))
        case Or(parts):
            return _call("or", map(unparse, parts))
        case Not(part):
            return _call("not", [unparse(part)])
        case Compare(field, check):
            return _checked(field, check)
        case Has(field, text) | Contains(field, text):
            return _call("has", [field, quoted(text)])
        case Exists(field, key):
            return _call("exists", [field, quoted(key)])
        case Search(words, fields):
            looked_in = [] if fields == SEARCHED or len(fields) > 1 else [fields[0]]
            return _call("search", [*looked_in, quoted(" ".join(words))])
        case Pair():
            return _pair(node)
        case inner:
            # Of threads: any_run(…) and any_root(…), which hold a condition on runs.
            return _call(inner.operator, [unparse(inner.part)])


def _pair(pair: Pair) -> str:
    """In an and of its own, so that it binds to no other condition."""
    key = f"{pair.relation}_key"
    keys = [] if not pair.keys else [_checked(key, Check(_key_op(pair), pair.keys))]
    checks = [_checked(f"{pair.relation}_{check.half}", check) for check in pair.checks]
    return _call("and", [*keys, *checks])


def _key_op(pair: Pair) -> Op:
    return Op.NEQ if pair.keys_absent else Op.EQ if len(pair.keys) == 1 else Op.IN


def _checked(field: str, check: Check) -> str:
    values = [literal(value) for value in check.values]
    first = field in FIELDS and FIELDS[field].kind is Kind.FIRST
    shown = "1" if first else f"[{', '.join(values)}]" if check.op is Op.IN else values[0]
    return _call(check.op.value, [field, shown])


def literal(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
        case datetime():
            return quoted(value.astimezone(UTC).isoformat().replace("+00:00", "Z"))
        case UUID():
            return quoted(str(value))
    return quoted(value)


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _call(name: str, arguments: "map[str] | list[str]") -> str:
    return f"{name}({', '.join(arguments)})"
