"""The cells of the Runs tab."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from django.urls import reverse

from apps.common.templatetags.threadline import ago, cost, duration, latency_pill, short_id, tokens
from apps.runs.listing.cells import figure_cell, pills_cell, text_cell
from apps.runs.models import Run, Status, Trace

type Cell = Callable[[Run, Any], str]
type Value = Callable[[Run, Any], Any]

LARGE = '<span class="faint">too large for a line</span>'


def kind(run: Run, found: Any) -> str:
    return f'<td><span class="pill {run.run_type}">{run.run_type}</span></td>'


def status(run: Run, found: Any) -> str:
    css, word = {Status.ERROR: ("bad", "error"), Status.PENDING: ("acc", "running")}.get(
        Status(run.status), ("ok", "success")
    )
    return f'<td><span class="pill {css}">{word}</span></td>'


def asked(run: Run, found: Any) -> str:
    return _line(found.inputs if found else None, found)


def answered(value: Callable[[Run, Any], str | None]) -> Cell:
    def cell(run: Run, found: Any) -> str:
        if run.status == Status.ERROR:
            return text_cell(value(run, found) or "error", "words bad")
        if run.status == Status.PENDING and not value(run, found):
            return '<td class="words"><span class="pill acc">running</span></td>'
        return _line(value(run, found), found)

    return cell


def _line(text: str | None, found: Any) -> str:
    return f'<td class="words">{LARGE}</td>' if not text and found and found.large else text_cell(text)


def amount(value: Value, label: str) -> Cell:
    return lambda run, found: figure_cell(label.lower(), "" if (sum_ := value(run, found)) is None else tokens(sum_))


def count(value: Value) -> Cell:
    return lambda run, found: figure_cell("", "" if (sum_ := value(run, found)) is None else f"{sum_:,}")


def length(value: Value) -> Cell:
    return lambda run, found: figure_cell("first token", "" if (long := value(run, found)) is None else duration(long))


def pill(value: Value) -> Cell:
    return lambda run, found: figure_cell("", latency_pill(value(run, found)))


def money(value: Value) -> Cell:
    def cell(run: Run, trace: Trace | None) -> str:
        if (sum_ := value(run, trace)) is None:
            return figure_cell("cost", "")
        part = ""
        if run.is_root and trace and trace.unpriced_count:
            part = f'<abbr class="part" title="{trace.unpriced_count} of {trace.llm_count} model calls have no price">+</abbr>'
        return figure_cell("cost", cost(sum_) + part)

    return cell


def words(value: Value) -> Cell:
    return lambda run, found: text_cell(value(run, found), "short")


def pills(value: Callable[[Run, Any], Sequence[str] | None]) -> Cell:
    return lambda run, found: pills_cell(value(run, found))


def found_text(run: Run, found: str | None) -> str:
    return text_cell(found, "short")


def thread(run: Run, trace: Trace | None) -> str:
    if trace is None or trace.thread_id is None:
        return text_cell(None, "short")
    href = reverse("threads:detail", args=[trace.project.workspace_id, trace.project_id, trace.thread_id])
    name, whole = escape(short_id(trace.thread_id)), escape(trace.thread_id)
    return f'<td class="short"><a class="link mono" href="{escape(href)}" title="{whole}"><bdi>{name}</bdi></a></td>'


def score(key: str) -> Cell:
    def cell(run: Run, found: Any) -> str:
        stats = found.get(key) if found else None
        if not stats:
            return figure_cell(key, "")
        if stats.get("avg") is not None:
            return figure_cell(key, f"{stats['avg']:.3g}")
        return figure_cell(key, escape(", ".join(list(stats.get("values") or {})[:3]) or str(stats.get("n", ""))))

    return cell


def start(run: Run, found: Any) -> str:
    return f'<td class="num muted when last_activity">{ago(run.start_time)}</td>'
