"""A column and a facet of the Threads tab for each feedback key."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote, unquote

from django.db import connection

from apps.feedback.aggregate import KeySummary, Summary, columns_of, keys_of
from apps.feedback.keys import MAX_KEY
from apps.feedback.models import FeedbackKey
from apps.feedback.strip import draw, told
from apps.projects.models import Project
from apps.runs.listing.cells import figure_cell
from apps.runs.listing.choices import MOST_VALUES, Choice, Count
from apps.runs.models import thread_uuid
from apps.runs.query.nodes import Check, Op, Pair
from apps.threads.columns import Column, Family, add_family
from apps.threads.facets import SOURCES, add_kind, choice
from apps.threads.models import Thread
from apps.threads.of_turns import Pairs

WORD: Final = "feedback"
OFFERED: Final = 40


def column_id(key: str) -> str:
    """A key may hold a comma, which parts the ids of a URL."""
    return f"{WORD}.{quote(key, safe=' /:@!$&()*+;=?#[]|<>{}')}"


def column_of(rest: str) -> Column | None:
    key = unquote(rest)
    if not 0 < len(key) <= MAX_KEY or not key.isprintable():
        return None

    def of(found: Mapping[str, KeySummary] | None) -> KeySummary | None:
        return found.get(key) if found else None

    return Column(
        column_id(key),
        key,
        lambda thread, found: cell(of(found), key),
        lambda thread, found: value(of(found)),
        f"Feedback {key}: the average over all runs of the thread; T marks feedback about the thread as a whole",
        numeric=True,
        load=summaries,
        pairs=lambda project: averages(project, key),
    )


def summaries(project: Project, threads: Sequence[Thread]) -> Mapping[str, Mapping[str, KeySummary]]:
    """By thread id and key, for all feedback columns of the page at once."""
    found = columns_of(project, (thread.thread_id for thread in threads))
    keys = {key for of_thread in found.values() for key in of_thread}
    configs = FeedbackKey.objects.in_workspace(project.workspace).named(keys).by_key() if keys else {}
    for of_thread in found.values():
        for key, summary in of_thread.items():
            summary.config = configs.get(key)
    return found


_AVERAGES = """
SELECT thread.thread_id, to_jsonb(coalesce(
    max(score.total / score.scored) FILTER (WHERE score.level = 'run'), max(score.total / score.scored)))
FROM feedback_threadscore AS score JOIN threads_thread AS thread ON thread.id = score.thread AND thread.project_id = score.project_id
WHERE score.project_id = %s AND score.key = %s AND score.scored > 0 GROUP BY thread.thread_id
"""


def averages(project: Project, key: str) -> Pairs:
    """Over the runs, and where none of them has any, about the thread."""
    return _AVERAGES, [project.pk, key]


def cell(summary: KeySummary | None, key: str) -> str:
    if summary is None:
        return figure_cell(key, "")
    sides = ((summary.runs, ""), (summary.whole, '<abbr class="whole" title="about the thread as a whole">T</abbr>'))
    shown = " ".join(_side(side, mark, summary) for side, mark in sides if side.count)
    return figure_cell(key, f'<span class="rated">{shown}</span>')


def _side(side: Summary, mark: str, summary: KeySummary) -> str:
    title = escape(
        f"{side.count} given" + (f", {side.low:g} to {side.high:g}" if side.scored and side.low != side.high else "")
    )
    figure = escape(told(side, summary.config)) or f"{side.count}\N{MULTIPLICATION SIGN}"
    return f'<span title="{title}">{mark}{figure}</span>{draw(side, summary.config)}'


def value(summary: KeySummary | None) -> Any:
    """For an export: the average over the runs, else about the thread, else the label given most."""
    if summary is None:
        return None
    side = summary.runs if summary.runs.count else summary.whole
    return told(side, None) if side.average is None else side.average


def offered(project: Project) -> Iterable[Column]:
    found = (column_of(quote(key, safe="")) for key in keys_of(project)[:OFFERED])
    return [column for column in found if column]


# Of the threads that are sampled: those that have feedback under each key, and those that were given a label of a configured one.
_KEYS = """
SELECT key, count(DISTINCT thread) AS threads FROM feedback_threadscore WHERE thread = ANY(%s)
GROUP BY key ORDER BY threads DESC, key LIMIT %s
"""
_LABELS = """
SELECT given.key, given.label, count(DISTINCT given.thread) AS threads FROM feedback_threadlabel AS given
JOIN feedback_feedbackkey AS config ON config.key = given.key AND config.workspace_id = %s AND config.type = 'categorical'
WHERE given.thread = ANY(%s) AND given.kind = 'value' GROUP BY given.key, given.label ORDER BY given.key, threads DESC, given.label
"""


def counts(project: Project, thread_ids: Sequence[str]) -> Iterable[Count]:
    threads = [thread_uuid(project.pk, thread_id) for thread_id in thread_ids]
    with connection.cursor() as cursor:
        cursor.execute(_KEYS, [threads, MOST_VALUES])
        found: list[Count] = [("feedback", "", key, number) for key, number in cursor.fetchall()]
        cursor.execute(_LABELS, [project.workspace_id, threads])
        labels = [("feedback_label", *row) for row in cursor.fetchall()]
    for _, of_key in groupby(labels, lambda count: count[1]):
        found += list(of_key)[:MOST_VALUES]
    return found


def _has(key: str, checks: tuple[Check, ...] = ()) -> Choice:
    return choice("thread_filter", Pair("feedback", (key,), False, checks))


def register() -> None:
    add_family(WORD, Family(column_of, offered))
    SOURCES.append(counts)
    add_kind("feedback", "Feedback", lambda _, key: _has(key))
    add_kind("feedback_label", "", lambda key, label: _has(key, (Check(Op.EQ, (label,)),)))
