"""JMESPath into the inputs and outputs of a run, without the parts of the language whose cost is not bounded by the value.

Functions and multi-selects could make a value grow at every step; with what is left each path looks at each part of a value
at most once, and at MAX_STEPS parts at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import jmespath
from jmespath.exceptions import EmptyExpressionError, LexerError, ParseError
from jmespath.visitor import TreeInterpreter

from apps.runs.shapes import Json

MAX_LENGTH: Final = 300
MAX_NESTED: Final = 40
"""Brackets and operators: each may nest the next, and the parser calls itself for each."""
MAX_STEPS: Final = 20_000
SIDES: Final = ("inputs", "outputs")
_NESTING: Final = frozenset("([{!*|&")
_REFUSED: Final = {
    "function_expression": "Functions cannot be used here; name a field, or add another path",
    "expref": "Functions cannot be used here; name a field, or add another path",
    "multi_select_list": "To show several fields, add a path for each",
    "multi_select_dict": "To show several fields, add a path for each",
}


class PathError(ValueError):
    """A path that cannot be read. `position` counts characters from 0."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.message, self.position = message, position


class _TooMuch(Exception):
    pass


class _Bounded(TreeInterpreter):
    def __init__(self) -> None:
        super().__init__()
        self.left = MAX_STEPS

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise _TooMuch
        return super().visit(node, *args, **kwargs)


@dataclass(frozen=True)
class Path:
    text: str
    side: str
    tree: Any

    def find(self, value: Json) -> Json:
        """What the path leads to; None where it leads to nothing, or would take too many steps."""
        bounded = _Bounded()
        # A run may have a field called inputs itself.
        roots = [{self.side: value}, value] if _leads(self.text, self.side) else [value]
        try:
            found = (bounded.visit(self.tree, root) for root in roots)
            return next((one for one in found if one not in (None, "", [], {})), None)
        except _TooMuch:
            return None


@lru_cache(maxsize=512)
def parse(text: str, side: str) -> Path:
    """A path into the inputs or outputs, with or without that word before it. Raises PathError."""
    if len(text) > MAX_LENGTH:
        raise PathError(f"A path has at most {MAX_LENGTH} characters", MAX_LENGTH)
    if sum(character in _NESTING for character in text) > MAX_NESTED:
        raise PathError(f"A path has at most {MAX_NESTED} brackets and operators")
    other = next(name for name in SIDES if name != side)
    if _leads(text, other):
        raise PathError(f"This path begins in the {other}; here it begins in the {side}")
    return Path(text, side, _tree(text))


def _leads(text: str, side: str) -> bool:
    return text == side or text.startswith((f"{side}.", f"{side}["))


def _tree(text: str) -> Any:
    try:
        tree = jmespath.compile(text).parsed
    except EmptyExpressionError:
        raise PathError("Name a field, such as messages[-1].content") from None
    except LexerError as error:
        position = min(int(error.lexer_position), len(text))
        raise PathError(f"{text[position : position + 1] or 'The end'} is not expected here", position) from None
    except ParseError as error:
        position = len(text) if error.lex_position is None else int(error.lex_position)
        what = f"{error.token_value} is not expected here" if error.token_value else "Something is missing at the end"
        raise PathError(what, position) from None
    for node in _nodes(tree):
        if node["type"] in _REFUSED:
            raise PathError(_REFUSED[node["type"]])
        if node["type"] == "slice" and node["children"][2] == 0:
            raise PathError("The step of a slice cannot be 0")
    return tree


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, dict) and "type" in node:
            yield node
            if node["type"] != "literal":
                stack.extend(node.get("children", ()))
