"""The turns of a thread as HTML.

Written here, because a page has ten turns with up to twenty steps each, for which a template takes ten times as long. What came from
a trace is escaped where it is put in. What few turns have is left to templates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Protocol
from uuid import UUID

from django.contrib.humanize.templatetags.humanize import intcomma
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.common.templatetags.threadline import cost, duration, moment, plural
from apps.runs.attachments import Attachment
from apps.runs.said import Look, clipped, said
from apps.threads.turns import Step, Turn

_ERROR = '<span class="pill bad">error</span>'
_PANEL = 'hx-target="#panel"'


class Marks(Protocol):
    def of_turn(self, trace_id: UUID) -> SafeString: ...


@dataclass(frozen=True)
class Page:
    """Where turns are shown. runs_url stands before the id of a run; it and annotate_url are empty for whoever has no way there."""

    runs_url: str
    annotate_url: str = ""
    marks: Marks | None = None
    """Of the feedback on the turns."""
    shared: bool = False
    newest_first: bool = False

    @property
    def hides(self) -> bool:
        """A shared link from which something is left out, and which therefore leads to no run."""
        return not self.runs_url


def draw(turns: Iterable[Turn], page: Page) -> SafeString:
    return SafeString("".join(_turn(turn, page) for turn in turns))


def _turn(turn: Turn, page: Page) -> str:
    number = turn.number
    url = f"{page.runs_url}{turn.trace.trace_id}" if page.runs_url else ""
    body = _body(turn, url, page) if turn.root else _rootless(turn, url)
    article = (
        f'<article class="turn{" failed" if turn.failed else ""}" id="turn-{number}" '
        f'aria-labelledby="turn-{number}-title" tabindex="-1">'
        f'<a class="knot" href="#turn-{number}" aria-label="Link to turn {number}">{number}</a>'
        f'<header class="meta">{_figures(turn)} {page.marks.of_turn(turn.trace.trace_id) if page.marks else ""} '
        f'<div class="deeds">{_deeds(turn, url, page)}</div></header>{body}</article>'
    )
    if not turn.pause:
        return article
    pause = f'<p class="pause">{duration(turn.pause)} {"earlier" if page.newest_first else "later"}</p>'
    return article + pause if page.newest_first else pause + article


def _figures(turn: Turn) -> str:
    """Its name, when it was, how long it took, and what it used."""
    trace, start = turn.trace, turn.trace.start_time
    name = escape(clipped(turn.name or "no name", 60))
    at = f"{timezone.localtime(start):%H:%M:%S}" if start else ""
    told = [] if turn.latency is None else [duration(turn.latency)]
    told += [f"{intcomma(trace.total_tokens)} tokens"] if trace.llm_count else []
    told += [] if trace.known_cost is None else [cost(trace.known_cost)]
    state = ""
    if turn.failed:
        state = _ERROR
    elif pending := turn.pending_for:
        state = f'<span class="pill acc">running for {duration(pending)}</span>'
    return (
        f'<h2 id="turn-{turn.number}-title"><span class="sr-only">Turn {turn.number}: </span><bdi>{name}</bdi></h2> '
        f'<span title="{moment(start)}">{at}</span> {" ".join(f"<span>{one}</span>" for one in told)} {state}'
    )


def _deeds(turn: Turn, url: str, page: Page) -> str:
    saw = opened = annotate = ""
    if turn.trace.llm_count and not page.shared:
        saw = f'<a class="btn quiet open" href="{url}/saw" hx-get="{url}/saw" {_PANEL}>What the model saw</a>'
    if url:
        opened = f'<a class="btn open" href="{url}" hx-get="{url}" {_PANEL} data-open-trace>Open trace <kbd>o</kbd></a>'
    if turn.root and page.annotate_url:
        form = f"{page.annotate_url}?run={turn.trace.trace_id}"
        annotate = f'<a class="btn" href="{form}" hx-get="{form}" {_PANEL} data-annotate>Annotate <kbd>a</kbd></a>'
    return f"{saw} {opened} {annotate}"


def _body(turn: Turn, url: str, page: Page) -> str:
    look, asked = Look(url, fold=True), turn.input
    hidden = page.hides and turn.asked.value and not asked.messages
    return "".join((
        _history(asked.earlier, url) if asked.earlier else "",
        said(asked, turn.asked, "inputs", look, "in"),
        _attachments(turn.attachments) if turn.attachments else "",
        '<p class="note">What was asked is no message, and not shown by this link.</p>' if hidden else "",
        *(_step(step, page.runs_url) for step in turn.shown_steps),
        _more_steps(f"{plural(turn.hidden_steps, 'more step')}", url) if turn.hidden_steps else "",
        _more_steps("Its steps are not listed here", url) if turn.steps_left_out else "",
        said(turn.output, turn.answered, "outputs", look, "out", turn.models),
        _failure(turn.error, page) if turn.failed else "",
    ))  # fmt: skip


def _rootless(turn: Turn, url: str) -> str:
    count = turn.trace.run_count
    come = f"{plural(count, 'run')} of it {'has' if count == 1 else 'have'}"
    more = " Open the trace to see what is there." if url else ""
    return f'<p class="note">The root run of this trace has not arrived; {come}.{more}</p>'


def _history(earlier: int, url: str) -> str:
    load = f'hx-get="{url}?part=history" hx-trigger="toggle from:closest details once" hx-swap="innerHTML"'
    return (
        f'<details class="history"><summary>{plural(earlier, "earlier message")} hidden <span class="under">show</span>'
        f'</summary><div {load}><a class="link" href="{url}">Read them in the run</a></div></details>'
    )


def _more_steps(told: str, url: str) -> str:
    if url:
        told = f'<a href="{url}" hx-get="{url}" {_PANEL}>{told} · open the trace</a>'
    return f'<p class="hidden-note out">{told}</p>'


def _attachments(attachments: Sequence[Attachment]) -> str:
    return render_to_string("runs/attachments.html", {"attachments": attachments})


def _failure(error: str, page: Page) -> str:
    return render_to_string("runs/error.html", {"error": error, "shared": {"hide": page.hides}})


def _step(step: Step, runs_url: str) -> str:
    """What is inside loads when it is opened: a page of turns has many, and few are read."""
    if not runs_url:
        return f'<div class="card step step-line">{_line(step)}</div>'
    url = f"{runs_url}{step.run.id}"
    load = f'hx-get="{url}?part=step" hx-trigger="toggle from:closest details once" hx-swap="innerHTML"'
    return (
        f'<details class="card step"><summary>{_line(step)}</summary>'
        f'<div {load}><a class="link" href="{url}">Open the run</a></div></details>'
    )


def _line(step: Step) -> str:
    took = "running" if step.latency is None else duration(step.latency)
    return (
        f'<i class="dot {escape(step.run.run_type)}"></i><b><bdi>{escape(clipped(step.name, 60))}</bdi></b>'
        f'<span class="mono args clip">{escape(step.line)}</span>'
        f'{"" if step.run.error is None else _ERROR}<span class="muted">{took}</span>'
    )
