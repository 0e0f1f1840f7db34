"""The most frequent values in the runs of a filter, counted in the latest of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from apps.projects.models import Project
from apps.runs.listing import choices
from apps.runs.listing.asked import Asked
from apps.runs.listing.choices import LONGEST, MOST_VALUES, SCATTERED, UNREAD, Choice, Count, Facets, Kinds
from apps.runs.listing.narrow import narrowed_runs
from apps.runs.query.nodes import Check, Compare, Has, Node, Not, Op, Pair

SAMPLE: Final = 1_000


def _choice(condition: Node) -> Choice:
    return Choice("filter", condition, "filter", Not(condition))


def _is(field: str) -> Callable[[str, str], Choice]:
    return lambda key, value: _choice(Compare(field, Check(Op.EQ, (value,))))


_KINDS: Final[Kinds] = {
    "status": ("Status", _is("status")),
    "type": ("Type", _is("run_type")),
    "name": ("Name", _is("name")),
    "model": ("Model", _is("model")),
    "tag": ("Tag", lambda key, value: _choice(Has("tags", value))),
    "metadata": (
        "",
        lambda key, value: _choice(Pair("metadata", (key,), False, (Check(Op.EQ, (value,)),))),
    ),
}
_ORDER: Final = ("status", "type", "model", "name", "tag")


def facets_of(project: Project, asked: Asked) -> Facets:
    return choices.facets_of(asked, lambda asked: _counts(project, asked), _KINDS, _ORDER)


def _counts(project: Project, asked: Asked) -> tuple[list[Count], int]:
    runs = narrowed_runs(project, asked).order_by("-start_time")
    rows = list(runs.values_list("status", "run_type", "name", "model", "tags", "metadata")[: SAMPLE + 1])
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows[:SAMPLE]:
        for kind, key, value in _values(*row):
            if 0 < len(value) <= LONGEST:
                found[kind, key][value] += 1
    counts = [
        (kind, key, value, count)
        for (kind, key), values in sorted(found.items())
        for value, count in values.most_common(MOST_VALUES)
        if not (kind == "metadata" and len(values) > SCATTERED and count < 3)
    ]
    return counts, SAMPLE if len(rows) > SAMPLE else 0


def _values(
    status: str, run_type: str, name: str, model: str | None, tags: Iterable[str] | None, metadata: Any
) -> Iterator[tuple[str, str, str]]:
    yield "status", "", status
    yield "type", "", run_type
    yield "name", "", name
    yield "model", "", model or ""
    for tag in set(tags or ()):
        yield "tag", "", tag
    for key, value in metadata.items() if isinstance(metadata, dict) else ():
        if key not in UNREAD and isinstance(value, str | int | float):
            yield "metadata", key, value if isinstance(value, str) else _written(value)


def _written(value: float) -> str:
    """As JSON has it, which is how the filter compares it."""
    return str(value).lower() if isinstance(value, bool) else f"{value}"
