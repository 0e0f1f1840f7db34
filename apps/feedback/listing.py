"""The verdicts on a thread, a turn or a run, as a list of who said what."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from django.http import Http404

from apps.common.paging import keyset
from apps.feedback.annotate import Target
from apps.feedback.annotate_correct import Correction, Piece
from apps.feedback.keys import configs_of
from apps.feedback.models import Feedback, FeedbackKey, FeedbackQuerySet, Level
from apps.feedback.queues.blind import Blind
from apps.feedback.strip import Figure, figures_of, judge_of, level_of, lines_of, said
from apps.projects.models import Project
from apps.runs.models import Run
from apps.threads.export_formats import indented
from apps.threads.models import Thread
from apps.threads.thread_page import turns_of
from apps.threads.trace_view import as_uuid

MOST_TURNS: Final = 5_000
"""Of a thread whose turns are numbered; in a longer one a verdict links to its turn without the number."""
MOST_HISTORY: Final = 500


@dataclass(frozen=True)
class Asked:
    """Of a thread, of all runs of the trace where that is set, or else of the run where that is."""

    project: Project
    thread: Thread | None
    run: Run | None = None
    key: str = ""
    level: str = ""
    trace: uuid.UUID | None = None

    @classmethod
    def of(cls, project: Project, query: Mapping[str, str]) -> "Asked":
        """Raises Http404."""
        if (trace := query.get("trace")) and as_uuid(trace) is None:
            raise Http404("No such trace")
        level = query.get("level", "")
        target = Target.of(project, query)
        return cls(
            project,
            target.thread,
            target.run,
            query.get("key", ""),
            level if level in (Level.RUN, Level.THREAD) else "",
            as_uuid(trace) if trace else None,
        )

    def verdicts(self) -> FeedbackQuerySet:
        if self.trace:
            found = Feedback.objects.in_traces([self.trace]).in_project(self.project)
        elif self.run is not None:
            found = Feedback.objects.of_run(self.run.trace_id, self.run.id)
        else:
            assert self.thread is not None
            found = Feedback.objects.in_threads([self.thread.pk])
        found = found.named(self.key) if self.key else found
        return found.at_level(self.level) if self.level else found


@dataclass(frozen=True)
class Entry:
    """turn is the number of the turn that the run is in, 0 where it is not known."""

    feedback: Feedback
    config: FeedbackKey | None
    turn: int = 0
    run: Run | None = None
    """Set where all entries are about it, so that a correction can be compared with its output."""
    name: str = ""
    """Of the run, in a list of several."""

    @property
    def judge(self) -> str:
        return judge_of(self.feedback)

    @property
    def said(self) -> str:
        return said(self.feedback, self.config)

    @property
    def css(self) -> str:
        return level_of(self.feedback, self.config)

    @property
    def seen(self) -> str:
        """Which turns of the thread the judge saw."""
        first, last = self.feedback.first_turn, self.feedback.last_turn
        if first is None and last is None:
            return ""
        return f"turn {first or last}" if first == last or not last else f"turns {first or 1} to {last}"

    @property
    def correction(self) -> str:
        value = self.feedback.correction
        return "" if value is None else value if isinstance(value, str) else indented(value)

    @property
    def diff(self) -> list[Piece]:
        if self.run is None or self.feedback.correction is None:
            return []
        return Correction.of(self.run.outputs, self.feedback.correction).diff


def entries_of(
    project: Project, found: Sequence[Feedback], numbers: Mapping[uuid.UUID, int] | None = None, run: Run | None = None
) -> list[Entry]:
    configs = configs_of(project.workspace, (each.key for each in found))
    numbers = numbers or {}
    return [Entry(each, configs.get(each.key), numbers.get(each.trace_id or each.place, 0), run) for each in found]


def listed(asked: Asked, cursor: str, blind: Blind) -> dict[str, Any]:
    """The context of feedback/given.html."""
    page = keyset(asked.verdicts().for_list(), ("-created_at", "-id"), cursor)
    shown = [feedback for feedback in page.rows if not blind.keeps(feedback)]
    names: Mapping[uuid.UUID | None, str] = {} if asked.run and not asked.trace else _names(asked.project, shown)
    entries = entries_of(asked.project, shown, _numbers(asked.thread), None if asked.trace else asked.run)
    entries = [replace(each, name=names.get(each.feedback.run_id, "")) for each in entries]
    figures = _figures(asked, blind)
    history = asked.verdicts().for_list()[:MOST_HISTORY] if asked.level == Level.THREAD else ()
    lines = lines_of(feedback for feedback in history if not blind.keeps(feedback))
    context = {"asked": asked, "page": page, "entries": entries, "figures": figures, "lines": lines}
    return context | {"kept": len(shown) < len(page.rows)}


def _names(project: Project, found: Sequence[Feedback]) -> dict[uuid.UUID | None, str]:
    runs = {feedback.run_id for feedback in found if feedback.run_id}
    within = Run.objects.in_project(project).in_traces({each.trace_id for each in found if each.trace_id})
    return dict(within.filter(id__in=runs).values_list("id", "name"))


def _figures(asked: Asked, blind: Blind) -> list[Figure]:
    if asked.thread is None or asked.run or asked.trace or not asked.key:
        return []
    found = [each for each in figures_of(asked.thread, blind) if not each.kept]
    return [each for each in found if each.key == asked.key and asked.level in ("", each.level)]


def _numbers(thread: Thread | None) -> dict[uuid.UUID, int]:
    if thread is None or thread.turns > MOST_TURNS:
        return {}
    return {trace: at for at, trace in enumerate(turns_of(thread).values_list("trace_id", flat=True), start=1)}
