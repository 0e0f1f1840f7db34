"""Pairs of metadata as one SQL/JSON path, answered from the GIN index where both a key and a value are given.

A dotted key is that very key or the nested path. Lists are looked through, one more for each [*] than lax mode does by itself:
LangChain's chat models take a list of lists of messages.
"""

import json
import re
from collections.abc import Iterable
from decimal import Decimal

from apps.runs.query.nodes import Check, Op, Value
from apps.runs.query.syntax import MAX_MAGNITUDE

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,40})(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
_SIGNS = {Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}
_PRESENT = "@ != null"


def with_key(keys: Iterable[str], checks: Iterable[Check] = ()) -> str:
    """Some pair has one of the keys, and a value that passes every check."""
    condition = " && ".join([check_path(check) for check in checks]) or _PRESENT
    paths = [path for key in keys for path in _paths(key)]
    return "$ ? (" + " || ".join(f"exists(@{path} ? ({condition}))" for path in paths) + ")"


def anywhere(checks: Iterable[Check]) -> str:
    """Some pair has a value that passes every check, whatever its key. No index helps."""
    # Each check looks through a list by itself, so that of a list in a list different elements could pass them.
    return " && ".join(['$.** ? (@.type() != "array"', *map(check_path, checks)]) + ")"


def check_path(check: Check) -> str:
    match check.op:
        case Op.EQ | Op.IN:
            return "(" + " || ".join(equal for value in check.values for equal in _equal(value)) + ")"
        case Op.NEQ:
            same = " || ".join(_equal(check.value))
            return f"({_PRESENT} && (!({same}) || ({same}) is unknown))"
        case Op.LIKE:
            return f'(@.string() like_regex {_quoted(like_regex(str(check.value)))} flag "s")'
    return f"(@ {_SIGNS[check.op]} {_scalar(check.value)})"


def as_number(text: str) -> Decimal | None:
    """The number that a text spells as JSON does, in the range that filters take."""
    if not _JSON_NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    return number if not number or abs(number.adjusted()) <= MAX_MAGNITUDE else None


def like_regex(pattern: str) -> str:
    """A LIKE pattern as a regular expression for the whole text; backslash takes the next character as it is."""
    parts = re.findall(r"\\[\s\S]|[\s\S]", pattern)
    return "^" + "".join(_like_step(part) for part in parts) + "$"


def _like_step(part: str) -> str:
    if part in ("%", "_"):
        return ".*" if part == "%" else "."
    return re.sub(r"[^\w\s]", r"\\\g<0>", part[-1]) if part[-1].isascii() else part[-1]


def _equal(value: Value) -> list[str]:
    """A value matches the text it is written as, and the JSON number or boolean that is written the same."""
    text = str(value)
    same = [f"@ == {_quoted(text)}"]
    number = as_number(text)
    if number is not None:
        same.append(f"@ == {number:f}")
    if text in ("true", "false"):
        same.append(f"@ == {text}")
    return same


def _scalar(value: Value) -> str:
    number = value if isinstance(value, Decimal) else as_number(str(value))
    return _quoted(str(value)) if number is None else f"{number:f}"


def _paths(key: str) -> list[str]:
    steps = key.split(".")
    nested = "".join(f".{_quoted(step)}[*]" for step in steps)
    return [nested] if len(steps) == 1 else [f".{_quoted(key)}[*]", nested]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
