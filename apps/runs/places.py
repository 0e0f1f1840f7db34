"""A place in a run, written as the JMESPath that Configure takes: inputs.messages[0].content."""

import json
import re
from collections.abc import Iterable
from typing import Final

type Steps = tuple[str | int, ...]
"""Keys and indexes from the run down; the first is the name of a field."""

MAX_PATH: Final = 2_000
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_STEP = re.compile(r'\.?(?P<bare>[A-Za-z_][A-Za-z0-9_]*)|\.?(?P<quoted>"(?:[^"\\]|\\.)*")|\[(?P<index>-?\d{1,9})\]')


def written(steps: Iterable[str | int]) -> str:
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if _BARE.match(step) else json.dumps(step))
    return text


def read(path: str) -> Steps:
    """Of a path without wildcards and functions; () for any other text."""
    if len(path) > MAX_PATH:
        return ()
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or (at == 0 and path.startswith(".")):
            return ()
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> str | int:
    if found["index"]:
        return int(found["index"])
    return found["bare"] or _unquoted(found["quoted"])


def _unquoted(text: str) -> str:
    try:
        return str(json.loads(text))
    except ValueError:
        return text[1:-1]
