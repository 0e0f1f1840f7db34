"""A column of the Threads tab for each feedback key, and what the lists count by them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
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
from apps.projects.ports import RunKey
from apps.runs.listing.cells import figure_cell
from apps.runs.listing.choices import MOST_VALUES, Choice, Count, Kinds
from apps.runs.models import thread_uuid
from apps.runs.query.feedback import COUNTED
from apps.runs.query.nodes import Check, Node, Op, Pair
from apps.runs.table import facets as run_facets
from apps.threads import facets
from apps.threads.columns import Column, Family, add_family
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

    empty = figure_cell(key, "")
    return Column(
        column_id(key),
        key,
        lambda thread, found: cell(summary, key) if (summary := of(found)) else empty,
        lambda thread, found: value(of(found)),
        f"Feedback {key}: the average over all runs of the thread; T marks feedback about the thread as a whole",
        numeric=True,
        load=summaries,
        pairs=lambda project: averages(project, key),
    )


def summaries(project: Project, threads: Sequence[Thread]) -> Mapping[str, Mapping[str, KeySummary]]:
    """By thread id and key, for all feedback columns of the page at once."""
    found = columns_of(project, (thread.thread_id for thread in threads), with_sources=False)
    keys = {key for of_thread in found.values() for key in of_thread}
    configs = FeedbackKey.objects.in_workspace(project.workspace).named(keys).by_key() if keys else {}
    for of_thread in found.values():
        for key, summary in of_thread.items():
            summary.config = configs.get(key)
    return found


_AVERAGES = """
SELECT thread, to_jsonb(coalesce(max(total / scored) FILTER (WHERE level = 'run'), max(total / scored)))
FROM feedback_threadscore WHERE project_id = %s AND key = %s AND scored > 0 GROUP BY thread
"""


def averages(project: Project, key: str) -> Pairs:
    """Over the runs, and where none of them has any, about the thread."""
    return Pairs(_AVERAGES, [project.pk, key], by="id")


def cell(summary: KeySummary, key: str) -> str:
    sides = ((summary.runs, ""), (summary.whole, '<abbr class="whole" title="about the thread as a whole">T</abbr>'))
    shown = " ".join(_side(side, mark, summary) for side, mark in sides if side.count)
    return figure_cell(key, f'<span class="rated">{shown}</span>')


def _side(side: Summary, mark: str, summary: KeySummary) -> str:
    title = f"{side.count} given" + (f", {side.low:g} to {side.high:g}" if side.low != side.high else "")
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


# Of the runs that are sampled, likewise.
_OF_RUNS = f"""
WITH given AS MATERIALIZED (
    SELECT fb.place, fb.run_id, fb.key, fb.labels FROM unnest(%s::uuid[], %s::uuid[]) AS run (trace_id, id)
    JOIN feedback_feedback AS fb ON fb.place = run.trace_id AND fb.run_id = run.id WHERE {COUNTED}
), counted AS (
    SELECT 'feedback' AS kind, '' AS key, key AS value, count(DISTINCT (place, run_id)) AS runs FROM given GROUP BY key
    UNION ALL SELECT 'feedback_label', given.key, label, count(DISTINCT (place, run_id)) FROM given
        JOIN feedback_feedbackkey AS config ON config.key = given.key AND config.workspace_id = %s AND config.type = 'categorical',
        unnest(given.labels) AS label GROUP BY given.key, label
)
SELECT kind, key, value, runs FROM (
    SELECT *, row_number() OVER (PARTITION BY kind, key ORDER BY runs DESC, value) AS place FROM counted
) AS ranked WHERE place <= %s ORDER BY kind, key, place
"""


def run_counts(project: Project, runs: Sequence[RunKey]) -> Iterable[Count]:
    traces, ids = [trace_id for trace_id, _ in runs], [run_id for _, run_id in runs]
    with connection.cursor() as cursor:
        cursor.execute(_OF_RUNS, [traces, ids, project.workspace_id, MOST_VALUES])
        found: list[Count] = cursor.fetchall()
        return found


def _offer(kinds: Kinds[Any], choice: Callable[[Node], Choice], source: Callable[..., Iterable[Count]]) -> None:
    def has(key: str, *checks: Check) -> Choice:
        return choice(Pair("feedback", (key,), False, checks))

    kinds.sources.append(source)
    kinds.add("feedback", "Feedback", lambda _, key: has(key))
    kinds.add("feedback_label", "", lambda key, label: has(key, Check(Op.EQ, (label,))))


def register() -> None:
    add_family(WORD, Family(column_of, offered))
    _offer(facets.KINDS, partial(facets.choice, "thread_filter"), counts)
    _offer(run_facets.KINDS, run_facets.choice, run_counts)
