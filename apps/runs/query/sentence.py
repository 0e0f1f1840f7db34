"""A filter in plain English: "metadata plan is enterprise and latency over 5 s"."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from apps.runs.query.fields import FIELDS, SEARCHED, Field, Kind
from apps.runs.query.nodes import (
    And,
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
    Test,
    Value,
    as_json,
)

_PLAIN = re.compile(r"[\w./:@+-]+")
_MOMENTS: Final = {Op.GT: "after", Op.GTE: "from", Op.LT: "before", Op.LTE: "until"}
_AMOUNTS: Final = {Op.GT: "over", Op.GTE: "at least", Op.LT: "under", Op.LTE: "at most"}
_SAMENESS: Final = {Op.EQ: "is", Op.NEQ: "is not", Op.LIKE: "is like"}


def sentence(node: Node) -> str:
    """Without capital and full stop, so that it fits after "Threads where"."""
    match node:
        case And(parts):
            return " and ".join(_nested(part, Or) for part in parts)
        case Or(parts):
            return " or ".join(_nested(part, And) for part in parts)
        case Not(part):
            return f"not ({sentence(part)})"
        case Compare(field, test):
            return _compare(FIELDS[field], test)
        case Has(field, text):
            return f"{FIELDS[field].phrase} {_quoted(text)}"
        case Contains(field, text):
            return _contains(field, text)
        case Exists(field, key):
            return f"{FIELDS[field].phrase} has {_quoted(key)}"
        case Search(words, fields):
            place = "" if fields == SEARCHED else f" in {FIELDS[fields[0]].phrase}"
            return f"text contains {_listed(words, 'and')}{place}"
        case Pair():
            return _pair(node)


def _nested(part: Node, other: type[And | Or]) -> str:
    text = sentence(part)
    return f"({text})" if isinstance(part, other) and len(part.parts) > 1 else text


def _compare(field: Field, test: Test) -> str:
    if test.values == (None,):
        return f"has {'no' if test.op is Op.EQ else 'a value for'} {field.phrase}"
    if field.kind in (Kind.FLAG, Kind.FIRST):
        return f"is {'' if test.value is (test.op is Op.EQ) else 'not '}{field.phrase}"
    return f"{field.phrase} {_test(test, field.kind)}"


def _test(test: Test, kind: Kind) -> str:
    values = [_shown(value, kind) for value in test.values]
    if test.op is Op.IN:
        return f"is {_listed(values, 'or', quote=False)}"
    words = _SAMENESS | (_MOMENTS if kind is Kind.TIME else _AMOUNTS)
    return f"{words[test.op]} {values[0]}"


def _pair(pair: Pair) -> str:
    relation = FIELDS[f"{pair.relation}_key"].phrase
    tests = " and ".join(_test(test, Kind.PAIRED) for test in pair.tests)
    keys = _listed(pair.keys, "or")
    if pair.keys_absent:
        other = f" and another {relation} value {tests}" if pair.tests else ""
        return f"{relation} has no {keys}{other}"
    if not pair.tests:
        return f"{relation} has {keys}"
    return f"{relation} {keys} {tests}" if pair.keys else f"any {relation} value {tests}"


def _contains(field: str, text: str) -> str:
    phrase = FIELDS[field].phrase
    items = json.loads(text).items()
    shown = [f"{phrase} {_quoted(key)} is {_quoted(_inner(value))}" for key, value in items]
    return " and ".join(shown) or f"has {phrase}"


def _inner(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _shown(value: Value, kind: Kind) -> str:
    match value:
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00")
        case Decimal() if kind is Kind.SECONDS:
            return f"{value:,f} s" if value >= 1 or not value else f"{value * 1000:,f} ms"
        case Decimal():
            return f"${value:,f}" if kind is Kind.MONEY else f"{value:,f}"
    return _quoted(as_json(value))


def _listed(texts: Iterable[str], word: str, *, quote: bool = True) -> str:
    *first, last = [_quoted(text) if quote else text for text in texts] or [""]
    return f"{', '.join(first)} {word} {last}" if first else last


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else f"“{text}”"
