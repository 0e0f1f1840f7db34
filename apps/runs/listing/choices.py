"""The most frequent values of a list, each a click away from being asked for or left out."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.query.compile import THREAD_KEYS
from apps.runs.query.nodes import And, Node
from apps.runs.query.unparse import unparse

MOST_VALUES: Final = 8
MOST_KEYS: Final = 8
LONGEST: Final = 100
USER_KEYS: Final = ("user_id", "userId", "user", "ls_user_id", "langfuse_user_id")
# A key with so many values is an id or a time, and no value of it is worth a click.
SCATTERED: Final = 24


UNREAD: Final = (
    *THREAD_KEYS,
    "revision_id",
    "ls_provider",
    "ls_model_name",
    "ls_model_type",
    "ls_temperature",
    "ls_max_tokens",
    "ls_method",
    # The SDKs send the environment they run in along with every run.
    *(
        f"{maker}_{name}"
        for maker in ("LANGSMITH", "LANGCHAIN")
        for name in ("TRACING", "TRACING_V2", "ENDPOINT", "PROJECT")
    ),
)
"""Keys of metadata that are no choice."""

type Count = tuple[str, str, str, int]
"""Kind, key (of metadata), value, and how many rows have it. Those of one kind and key stand together."""


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


@dataclass
class Kinds[R]:
    """The kinds of values that a list counts, to which a later app adds its own. order is that of their groups.

    By kind, what its group is called (empty for metadata, which is called like its key) and the choice of a key and a value. Sources count
    more in a sample of rows, which they are given by what R names a row with.
    """

    order: Sequence[str]
    by_name: dict[str, tuple[str, Callable[[str, str], Choice]]] = field(default_factory=dict)
    sources: list[Callable[[Project, Sequence[R]], Iterable[Count]]] = field(default_factory=list)

    def add(self, kind: str, label: str, choice: Callable[[str, str], Choice]) -> None:
        self.by_name[kind] = label, choice

    def more(self, project: Project, rows: Sequence[R]) -> list[Count]:
        return [count for source in self.sources for count in source(project, rows)]

    def facets(self, asked: Asked, counts: Callable[[Asked], tuple[list[Count], int]]) -> Facets:
        """The counts of a group follow all that is asked for but the choices in that group, so that its other values stay in sight."""
        found, sampled = counts(asked)
        groups = {(kind, key): list(some) for (kind, key), some in groupby(found, lambda count: count[:2])}
        for group, some in list(groups.items()):
            others = without(asked, [self.by_name[kind][1](key, value) for kind, key, value, _ in some])
            if others != asked:
                groups[group] = [count for count in counts(others)[0] if count[:2] == group]
        shown = [self._group(asked, kind, key, some) for (kind, key), some in groups.items()]
        return Facets(in_order(shown, self.order), sampled)

    def _group(self, asked: Asked, kind: str, key: str, found: Sequence[Count]) -> Group:
        most = max((count for *_, count in found), default=1)
        label, choice = self.by_name[kind]
        values = [choice(key, text).value(asked, text, count, most) for _, _, text, count in found]
        return Group(label or ("User" if key in USER_KEYS else key), kind, values)


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
