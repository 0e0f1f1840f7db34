"""Feedback on the pages of threads and runs, which stand below it: their templates ask for it by these tags."""

import uuid
from typing import Any

from django import template
from django.utils.safestring import SafeString

from apps.feedback.annotate import applies_not
from apps.feedback.listing import Entry, entries_of
from apps.feedback.marks import Marks, marks_of
from apps.feedback.models import Feedback, FeedbackKey, KeyType
from apps.feedback.strip import Figure, figures_of, judge_of, level_of, said
from apps.projects.models import Project
from apps.runs.models import Run
from apps.threads.models import Thread

register = template.Library()

register.filter("judge", judge_of)
register.filter("applies_not", applies_not)


@register.simple_tag
def feedback_figures(thread: Thread) -> list[Figure]:
    return figures_of(thread)


@register.simple_tag
def feedback_marks(project: Project, items: Any) -> Marks:
    """Of the traces of turns, or of the branches of a tree."""
    return marks_of(project, [item.trace.trace_id for item in items])


@register.filter
def turn_mark(marks: Marks | None, trace_id: uuid.UUID) -> SafeString | str:
    return marks.of_turn(trace_id) if marks else ""


@register.filter
def run_mark(marks: Marks | None, run_id: uuid.UUID) -> SafeString | str:
    return marks.of_run(run_id) if marks else ""


@register.simple_tag
def run_feedback(project: Project, run: Run) -> list[Entry]:
    """All verdicts on it that count, newest first."""
    found = list(Feedback.objects.of_run(run.trace_id, run.id).newest())
    return entries_of(project, found, run=run) if found else []


@register.filter
def takes(config: FeedbackKey) -> str:
    """What may be given under a key, in words."""
    match config.type:
        case KeyType.BOOLEAN:
            return "yes or no, as 1 or 0"
        case KeyType.CATEGORICAL:
            named = (item["label"] or f"{item['value']:g}" for item in config.categories or [])
            return ("any of " if config.multiple else "") + ", ".join(named)
        case KeyType.CONTINUOUS:
            bounds = ((config.min, "from {:g}"), (config.max, "to {:g}"))
            return " ".join(text.format(bound) for bound, text in bounds if bound is not None) or "any number"
    return "any text"


@register.simple_tag
def verdict_pill(feedback: Feedback, config: FeedbackKey | None) -> tuple[str, str]:
    """Its words and the class that colours them."""
    return said(feedback, config), level_of(feedback, config)
