"""What stands around the words of a turn, as HTML: its figures and its steps.

Written here, because a page has ten turns with up to twenty steps each, for which a template takes ten times as long.
"""

from html import escape

from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils import timezone
from django.utils.safestring import SafeString

from apps.common.templatetags.threadline import cost, duration, moment
from apps.runs.said import clipped
from apps.threads.turns import Step, Turn

_ERROR = '<span class="pill bad">error</span>'


def figures(turn: Turn) -> SafeString:
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
    return SafeString(
        f'<h2 id="turn-{turn.number}-title"><span class="sr-only">Turn {turn.number}: </span><bdi>{name}</bdi></h2> '
        f'<span title="{moment(start)}">{at}</span> {" ".join(f"<span>{one}</span>" for one in told)} {state}'
    )


def steps(turn: Turn, runs_url: str) -> SafeString:
    """What is inside a step loads when it is opened: a page of turns has many, and few are read. runs_url stands before the id of a
    run; it is empty for whoever may not read it."""
    return SafeString("".join(_step(step, runs_url) for step in turn.shown_steps))


def _step(step: Step, runs_url: str) -> str:
    if not runs_url:
        return f'<div class="card step step-line">{_line(step)}</div>'
    url = f"{escape(runs_url)}{step.run.id}"
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
