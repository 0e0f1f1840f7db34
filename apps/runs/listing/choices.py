"""The most frequent values of a list, each a click away from being asked for or left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from apps.runs.listing.asked import Asked
from apps.runs.query.nodes import And, Node
from apps.runs.query.unparse import unparse

MOST_VALUES: Final = 8
MOST_KEYS: Final = 8
LONGEST: Final = 100
# A key with so many values is an id or a time, and no value of it is worth a click.
SCATTERED: Final = 24


@dataclass(frozen=True)
class Value:
    """count is how many of the sample have it; share is percent of the most. The queries turn the choice on or off again."""

    text: str
    count: int
    share: float
    included: bool
    excluded: bool
    include: str
    exclude: str


@dataclass(frozen=True)
class Group:
    label: str
    kind: str
    values: list[Value]


@dataclass(frozen=True)
class Facets:
    """sampled: how many rows were looked at, where that is not all of them."""

    groups: list[Group]
    sampled: int


@dataclass(frozen=True)
class Choice:
    """What it writes into the URL: to have the value, and not to have it, with the parameters that these go to."""

    parameter: str
    condition: Node
    refused_in: str
    refusal: Node

    def value(self, asked: Asked, text: str, count: int, most: int) -> Value:
        included = self.condition in _parts(asked, self.parameter)
        excluded = self.refusal in _parts(asked, self.refused_in)
        free = without(asked, [self])
        return Value(
            text,
            count,
            round(100 * count / most, 1),
            included,
            excluded,
            free.query() if included else _with(free, self.parameter, self.condition),
            free.query() if excluded else _with(free, self.refused_in, self.refusal),
        )


def without(asked: Asked, choices: Sequence[Choice]) -> Asked:
    """Neither asked for nor left out."""
    gone = [(choice.parameter, choice.condition) for choice in choices]
    gone += [(choice.refused_in, choice.refusal) for choice in choices]
    changes: dict[str, Any] = {}
    for parameter in {parameter for parameter, _ in gone}:
        parts = _parts(asked, parameter)
        kept = tuple(part for part in parts if (parameter, part) not in gone)
        if len(kept) < len(parts):
            changes[parameter] = _text(kept)
    return asked.but(**changes) if changes else asked


def _parts(asked: Asked, parameter: str) -> tuple[Node, ...]:
    node = asked.nodes.get(parameter)
    return () if node is None else node.parts if isinstance(node, And) else (node,)


def _with(asked: Asked, parameter: str, condition: Node) -> str:
    return asked.query(**{parameter: _text((*_parts(asked, parameter), condition))})


def _text(parts: tuple[Node, ...]) -> str:
    return "" if not parts else unparse(parts[0] if len(parts) == 1 else And(parts))


def in_order(groups: Sequence[Group], order: Sequence[str]) -> list[Group]:
    """Those of these kinds, then keys of metadata by how many rows have them, users first."""
    known = [group for kind in order for group in groups if group.kind == kind]
    others = [group for group in groups if group.kind not in order]
    others.sort(key=lambda group: (group.label != "User", -sum(value.count for value in group.values)))
    return known + others[:MOST_KEYS]
