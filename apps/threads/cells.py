"""The cells of the Threads tab as HTML. In Python, because as many calls of template filters would take most of the page's time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final

from apps.common.templatetags.threadline import ago, cost, duration, latency_pill, tokens
from apps.runs.listing.cells import figure_cell, pills_cell, text_cell
from apps.runs.listing.cells import length as length_of
from apps.runs.models import Status
from apps.threads.knots import Knot
from apps.threads.models import Thread

type Cell = Callable[[Thread, Any], str]


def no_cell(thread: Thread, found: Any) -> str:
    return ""


def words(name: str, css: str = "") -> Cell:
    css = f"words {css}".strip()
    return lambda thread, found: text_cell(getattr(thread, name), css if getattr(thread, name) else "words")


def last_output(thread: Thread, knots: Sequence[Knot] | None) -> str:
    """The error instead where the last turn failed: what it left unsaid is the news."""
    status = knots[-1].status if knots else ""
    if status == Status.ERROR and thread.last_error:
        return text_cell(thread.last_error, "words bad")
    if status == Status.PENDING and not thread.last_output:
        return '<td class="words"><span class="pill acc">running</span></td>'
    return text_cell(thread.last_output)


def count(name: str, label: str) -> Cell:
    return lambda thread, found: figure_cell(label, f"{getattr(thread, name):,}")


def amount(name: str, label: str) -> Cell:
    return lambda thread, found: figure_cell(label, tokens(getattr(thread, name)))


def length(name: str, label: str) -> Cell:
    return lambda thread, found: figure_cell(label, length_of(getattr(thread, name)))


def loaded_length(label: str) -> Cell:
    return lambda thread, found: figure_cell(label, "" if found is None else duration(float(found)))


def pill(name: str, label: str) -> Cell:
    return lambda thread, found: figure_cell(label, latency_pill(getattr(thread, name)))


def known(name: str) -> Callable[[Thread, Any], Any]:
    """None where no run has a price, which is not the same as free."""
    return lambda thread, found: getattr(thread, name) if thread.known_cost is not None else None


def money(name: str, label: str) -> Cell:
    amount_of = known(name)

    def cell(thread: Thread, found: Any) -> str:
        if (sum_ := amount_of(thread, found)) is None:
            return figure_cell(label, "")
        part = (
            f'<abbr class="part" title="{thread.unpriced_count} of {thread.llm_count} model calls have no price">+</abbr>'
            if thread.unpriced_count
            else ""
        )
        return figure_cell(label, cost(sum_) + part)

    return cell


def errors(thread: Thread, found: Any) -> str:
    turns = thread.errored_turns
    return figure_cell("errors", f'<span class="pill bad">{turns}</span>' if turns else '<span class="faint">0</span>')


def time(name: str) -> Cell:
    def cell(thread: Thread, found: Any) -> str:
        value: datetime | None = getattr(thread, name)
        return f'<td class="num muted when {name}">{ago(value)}</td>'

    return cell


_LIVE: Final = '<i class="live" role="img" aria-label="Active now" title="Active in the last 5 minutes"></i>'


def last_activity(thread: Thread, found: Any) -> str:
    live = "" if thread.idle_for else _LIVE
    return f'<td class="num muted when last_activity">{live}{ago(thread.last_activity)}</td>'


def part(label: str) -> Cell:
    return lambda thread, found: figure_cell(label, "" if found is None else f"{found:.0%}".replace("%", " %"))


def seconds_long(thread: Thread, found: Any) -> float | None:
    return None if thread.duration is None else thread.duration.total_seconds()


def duration_cell(thread: Thread, found: Any) -> str:
    return figure_cell("long", length_of(seconds_long(thread, found)))


def found_text(thread: Thread, found: str | None) -> str:
    return text_cell(found, "short")


def pills(thread: Thread, found: Sequence[str] | None) -> str:
    return pills_cell(found)
