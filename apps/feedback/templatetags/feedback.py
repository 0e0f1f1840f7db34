"""Feedback on the pages of threads and runs, which stand below it: their templates ask for it by these tags."""

from typing import Any, NamedTuple

from django import template
from django.template import Context

from apps.accounts.models import Membership
from apps.feedback.annotate import applies_not
from apps.feedback.listing import Entry, entries_of
from apps.feedback.marks import Marks, is_judged, marks_of
from apps.feedback.models import Feedback, FeedbackKey, KeyType
from apps.feedback.queues.blind import blind_for, blind_on
from apps.feedback.strip import Figure, figures_of, judge_of, level_of, said
from apps.projects.models import Project
from apps.runs.models import Run
from apps.threads.models import Thread

register = template.Library()

register.filter("judge", judge_of)
register.filter("applies_not", applies_not)


@register.simple_tag(takes_context=True)
def feedback_figures(context: Context, thread: Thread) -> list[Figure]:
    return figures_of(thread, blind_on(_membership(context), thread))


def _membership(context: Context) -> Membership:
    """Of who reads the page; pages for strangers show no feedback."""
    found: Membership = context["request"].membership
    return found


@register.simple_tag(takes_context=True)
def feedback_marks(context: Context, project: Project, items: Any) -> Marks:
    """Of the traces of turns, or of the branches of a tree."""
    traces = [item.trace.trace_id for item in items]
    return marks_of(project, traces, blind_for(_membership(context), traces=traces))


class OfRun(NamedTuple):
    """kept says that some verdicts may not be read yet."""

    entries: list[Entry]
    kept: bool


@register.simple_tag(takes_context=True)
def run_feedback(context: Context, project: Project, run: Run) -> OfRun:
    """All verdicts on it that count, newest first."""
    if not is_judged(run.trace_id, run.id):
        return OfRun([], kept=False)
    found = list(Feedback.objects.of_run(run.trace_id, run.id).newest())
    blind = blind_for(_membership(context), traces=[run.trace_id])
    shown = [feedback for feedback in found if not blind.keeps(feedback)]
    return OfRun(entries_of(project, shown, run=run), kept=len(shown) < len(found))


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
