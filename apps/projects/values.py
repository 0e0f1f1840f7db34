"""What PostgreSQL and Python must both be able to hold."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.utils import timezone

MAX_JSON_DEPTH = 50
# One that never ends goes to the end of the text: given back, each of its quotes would be tried anew as a beginning.
JSON_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
_STRING = re.compile(JSON_STRING, re.DOTALL)
_NOT_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def nests_deeper(text: bytes, levels: int) -> bool:
    """Whether JSON, or what claims to be some, nests deeper than that. To be asked before it is parsed: a parser recurses on its
    thread's stack, and past its end the process is gone.

    Cheap first: text with no more opening brackets than levels cannot be deeper, nor can so short a one, as each has to be closed too.
    """
    if len(text) <= 2 * levels or text.count(b"[") + text.count(b"{") <= levels:
        return False
    depth = 0
    for bracket in _STRING.sub(b"", text).translate(None, _NOT_BRACKET):
        depth += 1 if bracket in b"[{" else -1
        if depth > levels:
            return True
    return False


def read_json(text: str | bytes, levels: int = MAX_JSON_DEPTH) -> Any:
    """Raises ValueError, which says what is wrong."""
    encoded = text.encode(errors="replace") if isinstance(text, str) else text
    if nests_deeper(encoded, levels):
        raise ValueError(f"nested deeper than {levels} levels")
    try:
        return msgspec.json.decode(encoded)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def utc(moment: datetime) -> datetime:
    """Without an offset it is UTC. Raises ValueError where UTC leaves the years that Python can read back."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("the year is out of range") from None


def storable(value: Any, depth: int = MAX_JSON_DEPTH) -> bool:
    """Whether a JSON value nests at most so deep and holds nothing that jsonb refuses."""
    match value:
        case dict():
            return depth > 0 and all("\x00" not in key and storable(item, depth - 1) for key, item in value.items())
        case list():
            return depth > 0 and all(storable(item, depth - 1) for item in value)
        case str():
            return "\x00" not in value
        case float():
            return abs(value) < 1e300
    return True


def in_zone(moment: datetime) -> datetime:
    """In the zone of the reader, or in UTC at the ends of the calendar, where a zone may lead past them."""
    try:
        return timezone.localtime(moment)
    except OverflowError:
        return moment.astimezone(UTC)
