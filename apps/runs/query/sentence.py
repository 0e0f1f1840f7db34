"""A filter in plain English: "metadata plan is enterprise and latency over 5 s"."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from apps.projects.values import in_zone
from apps.runs.query.fields import FIELDS, Field, Kind
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
    as_json,
)
from apps.runs.query.texts import like_literal

_PLAIN = re.compile(r"[\w./:@+-]+")
_MOMENTS: Final = {Op.GT: "after", Op.GTE: "from", Op.LT: "before", Op.LTE: "until"}
_AMOUNTS: Final = {Op.GT: "over", Op.GTE: "at least", Op.LT: "under", Op.LTE: "at most"}
_INNER: Final = {"any_run": "run", "any_root": "root run"}
_SAMENESS: Final = {Op.EQ: "is", Op.NEQ: "is not"}


def sentence(node: Node, fields: Mapping[str, Field] = FIELDS) -> str:
    """Without capital and full stop, so that it fits after "Threads where". fields are those of threads for a thread filter."""
    match node:
        case And(parts):
            return " and ".join(_nested(part, Or, fields) for part in parts)
        case Or(parts):
            return " or ".join(_nested(part, And, fields) for part in parts)
        case Not(part):
            return _not(part, fields)
        case Compare(field, check):
            return _compare(fields[field], check)
        case Has(field, text):
            return f"{FIELDS[field].phrase} {_quoted(text)}"
        case Contains(field, text):
            return _contains(field, text)
        case Exists(field, key):
            return f"{FIELDS[field].phrase} has {_quoted(key)}"
        case Search(words, looked_in):
            place = f" in {FIELDS[looked_in[0]].phrase}" if len(looked_in) == 1 else ""
            return f"text contains {_listed(words, 'and')}{place}"
        case Pair():
            return _pair(node)
        case inner:
            # Of threads: any_run(…) and any_root(…), which hold a condition on runs.
            return f"some {_INNER[inner.operator]} where {sentence(inner.part)}"


def _not(part: Node, fields: Mapping[str, Field]) -> str:
    said = sentence(part, fields)
    return f"no {said.removeprefix('some ')}" if hasattr(part, "operator") else f"not ({said})"


def _nested(part: Node, other: type[And | Or], fields: Mapping[str, Field]) -> str:
    text = sentence(part, fields)
    return f"({text})" if isinstance(part, other) and len(part.parts) > 1 else text


def _compare(field: Field, check: Check) -> str:
    if check.values == (None,):
        article = "an" if field.phrase[0] in "aeiou" else "a"
        return f"has {'no' if check.op is Op.EQ else article} {field.phrase}"
    if field.kind in (Kind.FLAG, Kind.FIRST):
        return f"is {'' if check.value is (check.op is Op.EQ) else 'not '}{field.phrase}"
    return f"{field.phrase} {_check(check, field.kind)}"


def _check(check: Check, kind: Kind) -> str:
    values = [_shown(value, kind) for value in check.values]
    if check.op is Op.IN:
        return f"is {_listed(values, 'or', quote=False)}"
    if check.op is Op.LIKE:
        return _like(str(check.value))
    words = _SAMENESS | (_MOMENTS if kind is Kind.TIME else _AMOUNTS)
    return f"{words[check.op]} {values[0]}"


def _like(pattern: str) -> str:
    word, inner = ("contains", pattern[1:-1]) if pattern.startswith("%") else ("starts with", pattern[:-1])
    text = re.sub(r"\\([\\%_])", r"\1", inner)
    plain = text and pattern.endswith("%") and like_literal(text) == inner
    return f"{word} {_quoted(text)}" if plain else f"is like {_quoted(pattern)}"


def _feedback(pair: Pair) -> str:
    kinds = {"score": Kind.SCORE, "value": Kind.PAIRED, "comment": Kind.TEXT, "source": Kind.TEXT}
    said = " and ".join(
        f"{'a' if check.op is Op.NEQ else 'no'} {check.half}"
        if check.value is None
        else f"{check.half} {_check(check, kinds[check.half])}"
        for check in pair.checks
    )
    keys = _listed(pair.keys, "or")
    if pair.keys_absent:
        return f"has no feedback {keys}" + (f" and other feedback with {said}" if said else "")
    return f"has feedback{f' {keys}' if keys else ''}" + (f" with {said}" if said else "")


def _pair(pair: Pair) -> str:
    if pair.relation == "feedback":
        return _feedback(pair)
    relation = FIELDS[f"{pair.relation}_key"].phrase
    checks = " and ".join(_check(check, Kind.PAIRED) for check in pair.checks)
    keys = _listed(pair.keys, "or")
    if pair.keys_absent:
        other = f" and another {relation} value {checks}" if pair.checks else ""
        return f"{relation} has no {keys}{other}"
    if not pair.checks:
        return f"{relation} has {keys}"
    return f"{relation} {keys} {checks}" if pair.keys else f"any {relation} value {checks}"


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
            local = in_zone(value)
            return f"{local:%Y-%m-%d %H:%M:%S}".removesuffix(" 00:00:00") + f" {local:%Z}"
        case Decimal() if kind is Kind.SECONDS:
            return f"{_digits(value)} s" if value >= 1 or not value else f"{_digits(value * 1000)} ms"
        case Decimal():
            return f"{'$' if kind is Kind.MONEY else ''}{_digits(value)}"
    return _quoted(as_json(value))


def _digits(number: Decimal) -> str:
    return f"{number.normalize():,f}"


def _listed(texts: Iterable[str], word: str, *, quote: bool = True) -> str:
    *first, last = [_quoted(text) if quote else text for text in texts] or [""]
    return f"{', '.join(first)} {word} {last}" if first else last


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else f"“{text}”"
