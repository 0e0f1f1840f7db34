"""What the page of a thread shows: a window of its turns, as a conversation or as a tree of runs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from apps.runs.models import Run, RunType, Trace, TraceQuerySet
from apps.runs.place import Place
from apps.runs.shown import of_turns
from apps.threads.find import find
from apps.threads.hide import NOTHING, Hide
from apps.threads.models import Thread
from apps.threads.timeline import Span, draw, spans_of
from apps.threads.trace_view import as_uuid, picked, run_of, tree_of
from apps.threads.turns import MOST_STEPS, Turn, read_turns
from apps.threads.view_paths import ThreadView

SIZE = 10
MAX_MODELS = 10
MAX_LIST = 4_000
"""Characters of the query string of the list that a thread was opened from."""
MOST_SPANNED = 5_000
"""Turns that the timeline strip covers; a longer thread shows the strip of the window."""


@dataclass(frozen=True)
class Window:
    """The turns first to last, counted from 1. Turns are appended, so their numbers stay: no cursor is needed."""

    thread: Thread
    turn: int
    """The turn asked for."""
    newest_first: bool = False
    """Read from the last turn back: the turn asked for is then the last of its window."""
    size: int = SIZE

    @classmethod
    def asked_for(cls, thread: Thread, query: Mapping[str, str]) -> "Window":
        """?turn=57 or ?trace=<id>: the window that holds it; else the first, or with ?order=newest the last, of ?size= turns."""
        newest_first = query.get("order") == "newest"
        number = _number(query.get("turn", "")) or (thread.turns if newest_first else 1)
        if trace_id := as_uuid(query.get("trace", "")):
            number = turns_of(thread).number_of(trace_id)
        size = min(_number(query.get("size", "")) or SIZE, SIZE) if newest_first else SIZE
        return cls(thread, min(max(number, 1), max(thread.turns, 1)), newest_first, size)

    @property
    def first(self) -> int:
        return max(1, self.turn - self.size + 1) if self.newest_first else (self.turn - 1) // SIZE * SIZE + 1

    @property
    def last(self) -> int:
        return min(self.turn if self.newest_first else self.first + SIZE - 1, self.thread.turns)

    @property
    def earlier(self) -> int:
        """The turn to ask for to see the window before, or 0."""
        return self.first - (1 if self.newest_first else SIZE) if self.first > 1 else 0

    @property
    def later(self) -> int:
        if self.last >= self.thread.turns:
            return 0
        return self.last + self.later_size if self.newest_first else self.last + 1

    @property
    def later_size(self) -> int:
        """Turns of the window after, so that it never overlaps this one."""
        return min(SIZE, self.thread.turns - self.last)

    @property
    def whole(self) -> bool:
        return not self.earlier and not self.later

    def traces(self) -> tuple[Trace | None, list[Trace]]:
        """The turn before the window, and the turns of the window."""
        begin = self.first - 1
        found = self.thread.turns_from(max(begin, 1), self.last - max(begin - 1, 0))
        return (found[0], found[1:]) if begin and found else (None, found)


def context(thread: Thread, asked: Mapping[str, str], target: str | None, path: str) -> dict[str, Any]:
    """What ?view=, ?turn=, ?trace= and ?run= ask for; for the pane of a run beside the tree only that run. `path` is the page's."""
    place = Place.of(path, asked, in_thread=True)
    if target == "run":
        return {"shown": run_of(thread, asked.get("run", ""), place)}
    view = "trace" if asked.get("view") == "trace" else "overview"
    found = find(thread, place, view) if asked.get("find") else None
    if found and found.current:
        place = place.at(run=str(found.current.run_id), turn=str(found.current.turn))
    # Unpacked with ** a QueryDict gives its lists.
    window = Window.asked_for(thread, dict(asked.items()) | place.asked if found else asked)
    shown = trace_view(window, place) if view == "trace" else overview(window)
    return {"window": window, "found": found, "kept": kept(asked), **shown}


def kept(asked: Mapping[str, str]) -> str:
    """What each link of the page carries on, as the begin of a query string: the list it was opened from, and the order."""
    given = {"list": asked.get("list", "")[:MAX_LIST], "order": "newest" if asked.get("order") == "newest" else ""}
    query = urlencode({name: value for name, value in given.items() if value})
    return f"{query}&" if query else ""


def conversation(thread: Thread, asked: Mapping[str, str], hide: Hide) -> dict[str, Any]:
    """The overview and no way from it to a run, for whoever may not read all of them."""
    window = Window.asked_for(thread, asked)
    return {"window": window, "kept": kept(asked), **overview(window, hide)}


def overview(window: Window, hide: Hide = NOTHING) -> dict[str, Any]:
    before, traces = window.traces()
    ids = [trace.trace_id for trace in traces]
    roots, steps = of_turns(window.thread.project, ids, MOST_STEPS)
    paths = ThreadView.objects.paths_of(window.thread.project)
    turns = read_turns(traces, roots, steps, before, window.first, paths, hide)
    if window.newest_first:
        turns.reverse()
    return {"view": "overview", "turns": turns, **strip(window, traces)}


def one_turn(window: Window) -> Turn | None:
    """The turn asked for, with nothing but its root."""
    traces = window.thread.turns_from(window.turn, 1)
    roots, _ = of_turns(window.thread.project, [trace.trace_id for trace in traces], 0)
    return next(iter(read_turns(traces, roots, [], None, window.turn)), None)


def trace_view(window: Window, place: Place) -> dict[str, Any]:
    _, traces = window.traces()
    tree = tree_of(window.thread, traces, window.first, place)
    shown = picked(window.thread, tree, window.turn)
    if shown:
        tree = replace(tree, selected=shown.run.id)
    return {"view": "trace", "tree": tree, "shown": shown, **strip(window, traces)}


def strip(window: Window, traces: list[Trace]) -> dict[str, Any]:
    """worked: what all turns took, in seconds; None where the strip is that of a window."""
    if window.whole:
        whole, drawn = True, draw([Span.of(trace) for trace in traces], window.first)
    elif whole := window.thread.turns <= MOST_SPANNED:
        drawn = draw(spans_of(window.thread), 1)
    else:
        drawn = draw([Span.of(trace) for trace in traces], window.first)
    return {"timeline": drawn, "worked": drawn.seconds if whole else None}


def unpriced_models(thread: Thread) -> list[str]:
    """The models whose calls in this thread report usage and have no cost; "" where a call names none. At most MAX_MODELS."""
    runs = Run.objects.in_project(thread.project).filter(trace_id__in=turns_of(thread).order_by().values("trace_id"))
    calls = runs.filter(run_type=RunType.LLM, total_tokens__isnull=False, total_cost=None)
    return [model or "" for model in calls.order_by("model").values_list("model", flat=True).distinct()[:MAX_MODELS]]


def turns_of(thread: Thread) -> TraceQuerySet:
    return Trace.objects.in_project(thread.project).in_thread(thread.thread_id)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
