"""The columns of the Threads tab: what each shows, how it is read for a page of threads, and how threads are put in its order.

A column of a later app joins through `add_family`: its ids begin with a word and a dot, as meta.plan is the column of a metadata path.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import F

from apps.projects.models import Project
from apps.runs.listing import columns as listing
from apps.runs.listing.asked import Asked
from apps.threads import cells
from apps.threads.filtering import DURATION, priced
from apps.threads.knots import knots_of
from apps.threads.models import Thread
from apps.threads.of_turns import Pairs, cached_of, first_tokens, metadata_of, models_of, run_tags_of, users_of, worked


@dataclass(frozen=True)
class Column(listing.Column[Thread, str]):
    """Of threads, whose keys are their ids. They are sorted by order, a column of their row or what is computed from it, or else by the
    value that pairs has for each of them."""

    pairs: Callable[[Project], Pairs] | None = None

    @property
    def sorts(self) -> bool:
        return self.order is not None or self.pairs is not None


def _field(name: str) -> Callable[[Thread, Any], Any]:
    return lambda thread, found: getattr(thread, name)


def _figure(
    column_id: str, label: str, name: str, cell: Callable[[Thread, Any], str], about: str = "", **more: Any
) -> Column:
    return Column(column_id, label, cell, more.pop("value", _field(name)), about, True, order=F(name), **more)


def _money(column_id: str, label: str, name: str) -> Column:
    cell = cells.money(name, column_id)
    value = cells.known(name)
    return Column(column_id, label, cell, value, "US dollars", True, order=priced(name))


def _loaded(column_id: str, label: str, cell: Callable[[Thread, Any], str], about: str, **more: Any) -> Column:
    return Column(column_id, label, cell, more.pop("value", lambda thread, found: found), about, **more)


THREAD: Final = Column("thread", "Thread", cells.no_cell, _field("thread_id"))
"""Always first: it is the link of the row, and holds the sparkline."""

COLUMNS: Final = {
    column.id: column
    for column in (
        Column("first_input", "First input", cells.words("first_input"), _field("first_input")),
        Column("last_output", "Last output", cells.last_output, _field("last_output"), load=knots_of),
        _figure("turns", "Turns", "turns", cells.count("turns", "turns")),
        _figure("tokens", "Tokens", "total_tokens", cells.amount("total_tokens", "tokens"), "In and out, whole traces"),
        _figure("tokens_in", "Tokens in", "prompt_tokens", cells.amount("prompt_tokens", "in")),
        _figure("tokens_out", "Tokens out", "completion_tokens", cells.amount("completion_tokens", "out")),
        _money("cost", "Cost", "total_cost"),
        _money("cost_in", "Cost in", "prompt_cost"),
        _money("cost_out", "Cost out", "completion_cost"),
        _figure("p50", "P50", "latency_p50", cells.length("latency_p50", "P50"), "Median latency of the turns"),
        _figure("p99", "P99", "latency_p99", cells.pill("latency_p99", "P99"), "99 % of the turns were quicker"),
        _loaded(
            "ttft",
            "First token",
            cells.loaded_length("first token"),
            "Time to first token: the median of the turns that streamed",
            numeric=True,
            load=first_tokens,
            pairs=first_tokens.pairs,
        ),
        _figure("errors", "Errors", "errored_turns", cells.errors, "Turns that failed"),
        Column("last_error", "Last error", cells.words("last_error", "bad"), _field("last_error")),
        _figure("runs", "Runs", "run_count", cells.count("run_count", "runs")),
        _loaded("user", "User", cells.found_text, "user_id in the metadata of the latest turn that has one", load=users_of),
        _loaded("tags", "Tags", cells.pills, "Tags on the root runs of the last turns", load=run_tags_of),
        _loaded("models", "Models", cells.pills, "Models called in the last turns", load=models_of),
        _loaded(
            "cached",
            "Cached",
            cells.part("cached"),
            "The part of the input tokens that came from a cache, in the last turns",
            numeric=True,
            load=cached_of,
        ),
        Column("first_start", "First start", cells.time("first_start"), _field("first_start"), "", True, order=F("first_start")),
        Column("last_start", "Last start", cells.time("last_start"), _field("last_start"), "", True, order=F("last_start")),
        Column("last_activity", "Last activity", cells.last_activity, _field("last_activity"), "", True, order=F("last_activity")),
        _loaded(
            "worked",
            "Worked",
            cells.loaded_length("worked"),
            "What the turns took together: the duration without the pauses between",
            numeric=True,
            load=worked,
            pairs=worked.pairs,
        ),
        Column("duration", "Duration", cells.duration_cell, cells.seconds_long, "First start to last activity", True, order=DURATION),
    )
}  # fmt: skip
DEFAULT: Final = (
    "first_input", "last_output", "turns", "tokens", "cost", "p50", "p99", "errors", "last_activity",
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """Columns whose ids begin with the same word. of is given the rest of the id and returns None for what cannot be a column;
    offered lists those worth proposing in a project."""

    of: Callable[[str], Column | None]
    offered: Callable[[Project], Iterable[Column]] = field(default=lambda project: ())


FAMILIES: Final[dict[str, Family]] = {}


def add_family(word: str, family: Family) -> None:
    FAMILIES[word] = family


def column(column_id: str) -> Column | None:
    if column_id in COLUMNS:
        return COLUMNS[column_id]
    word, dot, rest = column_id.partition(".")
    family = FAMILIES.get(word)
    return family.of(rest) if family and dot and rest else None


def chosen(ids: Iterable[str], asked: Asked) -> list[Column]:
    """The columns of these ids that exist, in their order; the usual ones where there is none."""
    found = [known for known in map(column, ids) if known]
    return found or [COLUMNS[name] for name in DEFAULT]


def offered(project: Project) -> list[Column]:
    return [*COLUMNS.values(), *(each for family in FAMILIES.values() for each in family.offered(project))]


MAX_PATH: Final = 200


def _metadata(path: str) -> Column | None:
    """A path into the metadata of root runs: its keys with dots between."""
    if len(path) > MAX_PATH or not path.isprintable():
        return None
    read = metadata_of(path)
    return Column(
        f"meta.{path}",
        path,
        cells.found_text,
        lambda thread, found: found,
        f"Metadata {path} of the latest turn that has it",
        load=read,
        pairs=read.pairs,
    )


add_family("meta", Family(_metadata))
