"""The most frequent values in the runs of a filter, counted in the latest of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from apps.projects.models import Project
from apps.projects.ports import RunKey
from apps.runs.listing.asked import Asked
from apps.runs.listing.choices import LONGEST, MOST_VALUES, SCATTERED, UNREAD, Choice, Count, Facets, Kinds
from apps.runs.listing.narrow import narrowed_runs
from apps.runs.query.nodes import Check, Compare, Has, Node, Not, Op, Pair

SAMPLE: Final = 1_000
_READ: Final = ("status", "run_type", "name", "model", "tags", "metadata")


def choice(condition: Node) -> Choice:
    """Of the listed run itself."""
    return Choice("filter", condition, "filter", Not(condition))


def _is(field: str) -> Callable[[str, str], Choice]:
    return lambda key, value: choice(Compare(field, Check(Op.EQ, (value,))))


KINDS: Final = Kinds[RunKey](("status", "feedback", "feedback_label", "type", "model", "name", "tag"))
KINDS.add("status", "Status", _is("status"))
KINDS.add("type", "Type", _is("run_type"))
KINDS.add("name", "Name", _is("name"))
KINDS.add("model", "Model", _is("model"))
KINDS.add("tag", "Tag", lambda key, value: choice(Has("tags", value)))
KINDS.add("metadata", "", lambda key, value: choice(Pair("metadata", (key,), False, (Check(Op.EQ, (value,)),))))


def facets_of(project: Project, asked: Asked) -> Facets:
    return KINDS.facets(asked, lambda asked: _counts(project, asked))


def _counts(project: Project, asked: Asked) -> tuple[list[Count], int]:
    runs = narrowed_runs(project, asked).order_by("-start_time")
    rows = list(runs.values_list("trace_id", "id", *_READ)[: SAMPLE + 1])
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for _, _, *row in rows[:SAMPLE]:
        for kind, key, value in _values(*row):
            if 0 < len(value) <= LONGEST:
                found[kind, key][value] += 1
    counts = [
        (kind, key, value, count)
        for (kind, key), values in sorted(found.items())
        for value, count in values.most_common(MOST_VALUES)
        if not (kind == "metadata" and len(values) > SCATTERED and count < 3)
    ]
    counts += KINDS.more(project, [(trace_id, run_id) for trace_id, run_id, *_ in rows[:SAMPLE]])
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
