"""The cells of the Threads tab as HTML. In Python, because as many calls of template filters would take most of the page's time."""

from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from apps.common.templatetags.threadline import UNKNOWN, ago, cost, duration, latency_pill, tokens
from apps.runs.models import Status
from apps.threads.knots import Knot
from apps.threads.models import Thread

type Cell = Callable[[Thread, Any], str]

SHOWN_WORDS: Final = 3
MAX_TEXT: Final = 300
_FAINT: Final = f'<span class="faint">{UNKNOWN}</span>'


def text_cell(text: str | None, css: str = "words") -> str:
    if not text:
        return f'<td class="{css}"><span class="faint">{UNKNOWN}</span></td>'
    safe = escape(text[:MAX_TEXT])
    return f'<td class="{css}" dir="auto" title="{safe}">{safe}</td>'


def figure_cell(label: str, shown: str) -> str:
    return f'<td class="num" data-l="{escape(label)}">{shown or _FAINT}</td>'


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
    return lambda thread, found: figure_cell(label, _length(getattr(thread, name)))


def _length(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


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


def seconds_long(thread: Thread, found: Any) -> float | None:
    if thread.first_start is None or thread.last_activity is None:
        return None
    return (thread.last_activity - thread.first_start).total_seconds()


def duration_cell(thread: Thread, found: Any) -> str:
    return figure_cell("long", _length(seconds_long(thread, found)))


def found_text(thread: Thread, found: str | None) -> str:
    return text_cell(found, "short")


def pills(thread: Thread, found: Sequence[str] | None) -> str:
    if not found:
        return f'<td class="pills">{_FAINT}</td>'
    shown = " ".join(f'<span class="pill"><bdi>{escape(word[:60])}</bdi></span>' for word in found[:SHOWN_WORDS])
    rest = found[SHOWN_WORDS:]
    more = f' <span class="pill" title="{escape(", ".join(rest)[:MAX_TEXT])}">+{len(rest)}</span>' if rest else ""
    return f'<td class="pills">{shown}{more}</td>'
