"""What feedback adds up to, from the rollups by thread and from the rows."""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from apps.common.sql import prepared
from apps.feedback.keys import configs_of
from apps.feedback.models import Feedback, FeedbackKey, Level
from apps.projects.models import Project
from apps.projects.ports import RunKey, Stats
from apps.runs.models import thread_uuid
from apps.threads.models import Thread

SAMPLE: Final = 5
"""Comments shown in stats."""
_NUMBERS: Final = ("count", "scored", "comments", "errors", "total", "squares", "low", "high")
"""What a rollup row has, in the order of Summary."""
LONGEST_COMMENT: Final = 500


@dataclass
class Summary:
    """Of one key: count is all feedback, scored those with a score, over which average, stdev, low and high are.

    labels and sources are how often each was given; samples the newest comments, where they were asked for.
    """

    count: int = 0
    scored: int = 0
    comments: int = 0
    errors: int = 0
    total: Decimal = Decimal(0)
    squares: Decimal = Decimal(0)
    low: Decimal | None = None
    high: Decimal | None = None
    labels: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    samples: list[str] = field(default_factory=list)

    @property
    def average(self) -> float | None:
        return float(self.total / self.scored) if self.scored else None

    @property
    def stdev(self) -> float | None:
        """Of a sample; None below two scores."""
        if self.scored < 2:
            return None
        variance = (self.squares - self.total * self.total / self.scored) / (self.scored - 1)
        return float(max(variance, Decimal(0)).sqrt())

    def add(self, feedback: Feedback) -> None:
        self.count += 1
        self.errors += feedback.error
        self.labels.update(feedback.labels)
        self.sources[feedback.source_type] += 1
        if feedback.comment is not None:
            self.comments += 1
            self.sample(feedback.comment)
        if (score := feedback.score) is not None:
            self.scored += 1
            self.total += score
            self.squares += score * score
            self.low = score if self.low is None else min(self.low, score)
            self.high = score if self.high is None else max(self.high, score)

    def sample(self, comment: str) -> None:
        if len(self.samples) < SAMPLE:
            self.samples.append(comment[:LONGEST_COMMENT])

    def stats(self) -> dict[str, Any]:
        """As the API has them."""
        return {
            "n": self.count,
            "avg": self.average,
            "stdev": self.stdev,
            "min": None if self.low is None else float(self.low),
            "max": None if self.high is None else float(self.high),
            "values": dict(sorted(self.labels.items(), key=lambda item: (-item[1], item[0]))),
            "comments": self.samples,
            "sources": sorted(self.sources),
            "errors": self.errors,
            "contains_thread_feedback": False,
        }


@dataclass
class KeySummary:
    """One key in a thread: runs over all its runs, whole about the thread itself. config is null where the key has none."""

    key: str
    runs: Summary = field(default_factory=Summary)
    whole: Summary = field(default_factory=Summary)
    config: FeedbackKey | None = None

    @property
    def lower_is_better(self) -> bool:
        return self.config is not None and self.config.is_lower_score_better


type Columns = dict[str, dict[str, KeySummary]]


def strip_of(thread: Thread) -> list[KeySummary]:
    """What the head of a thread's page shows, by key."""
    found = _summaries([thread.pk], with_sources=True).get(thread.pk, {})
    configs = configs_of(thread.project.workspace, found)
    for summary in found.values():
        summary.config = configs.get(summary.key)
    return sorted(found.values(), key=lambda summary: summary.key)


def columns_of(project: Project, thread_ids: Iterable[str], *, with_sources: bool = True) -> Columns:
    """By thread id and key, of those threads that have feedback: two look-ups in the rollups, whatever the number of runs."""
    names = {thread_uuid(project.pk, thread_id): thread_id for thread_id in thread_ids}
    return {names[thread]: keys for thread, keys in _summaries(names, with_sources=with_sources).items()}


# Each step goes to the next key in the index, so the number of threads does not matter.
_KEYS = """
WITH RECURSIVE step (key) AS (
    (SELECT key FROM feedback_threadscore WHERE project_id = %(project)s ORDER BY key LIMIT 1)
    UNION ALL
    SELECT (SELECT key FROM feedback_threadscore WHERE project_id = %(project)s AND key > step.key ORDER BY key LIMIT 1)
    FROM step WHERE step.key IS NOT NULL
)
SELECT key FROM step WHERE key IS NOT NULL LIMIT %(most)s
"""
MOST_KEYS: Final = 200


def keys_of(project: Project) -> list[str]:
    """The keys under which the project's threads have feedback, in the order of the alphabet, at most 200."""
    return [key for (key,) in prepared(_KEYS, {"project": project.pk, "most": MOST_KEYS})]


# By a cursor: these stand on every page of the list of threads, and the ORM would take twice as long.
_SCORES = f"SELECT thread, level, key, {', '.join(_NUMBERS)} FROM feedback_threadscore WHERE thread = ANY(%s)"
_LABELS = """
SELECT thread, level, key, kind, label, count FROM feedback_threadlabel WHERE thread = ANY(%s) AND (kind = 'value' OR %s)
"""


def _summaries(threads: Collection[uuid.UUID], *, with_sources: bool) -> dict[uuid.UUID, dict[str, KeySummary]]:
    found: dict[uuid.UUID, dict[str, KeySummary]] = {}
    if not threads:
        return found
    with connection.cursor() as cursor:
        cursor.execute(_SCORES, [list(threads)])
        for thread, level, key, *numbers in cursor.fetchall():
            keys, summary = found.setdefault(thread, {}), Summary(*numbers)
            whole = level == Level.THREAD
            if (told := keys.get(key)) is None:
                keys[key] = KeySummary(key, whole=summary) if whole else KeySummary(key, summary)
            else:
                setattr(told, "whole" if whole else "runs", summary)
        if not found:
            return found
        cursor.execute(_LABELS, [list(found), with_sources])
        for thread, level, key, kind, label, count in cursor.fetchall():
            if (told := found[thread].get(key)) is not None:
                summary = _side(told, level)
                (summary.labels if kind == "value" else summary.sources)[label] = count
    return found


def _side(summary: KeySummary, level: str) -> Summary:
    return summary.whole if level == Level.THREAD else summary.runs


def of_runs(runs: Iterable[RunKey]) -> dict[RunKey, Stats]:
    """Stats of each run that has feedback."""
    found: dict[RunKey, dict[str, Summary]] = defaultdict(dict)
    wanted = set(runs)
    rows = Feedback.objects.of_runs(wanted).newest().order_by("-created_at", "-id") if wanted else ()
    for row in rows:
        assert row.run_id is not None
        if (key := (row.place, row.run_id)) in wanted:
            found[key].setdefault(row.key, Summary()).add(row)
    return {key: _stats(summaries) for key, summaries in found.items()}


def _stats(summaries: Mapping[str, Summary]) -> Stats:
    return {key: summary.stats() for key, summary in sorted(summaries.items())}


# The newest comments of each key and level, read by the index of the thread.
_COMMENTS = """
SELECT thread, level, key, comment FROM (
    SELECT thread, level, key, comment, row_number() OVER (PARTITION BY thread, level, key ORDER BY created_at DESC, id DESC) AS place
    FROM feedback_feedback WHERE thread = ANY(%s) AND comment IS NOT NULL AND current AND NOT waiting
) AS newest WHERE place <= %s ORDER BY thread, level, key, place
"""


def of_threads(project_id: uuid.UUID, thread_ids: Collection[str]) -> dict[str, tuple[Stats, Stats]]:
    """By thread id: over all its runs, and about the thread as a whole; of those threads that have feedback."""
    names = {thread_uuid(project_id, thread_id): thread_id for thread_id in thread_ids}
    found = _summaries(names, with_sources=True)
    told = [thread for thread, keys in found.items() if any(k.runs.comments or k.whole.comments for k in keys.values())]
    if told:
        with connection.cursor() as cursor:
            cursor.execute(_COMMENTS, [told, SAMPLE])
            for thread, level, key, comment in cursor.fetchall():
                _side(found[thread][key], level).sample(comment)
    return {
        names[thread]: (
            _stats({key: each.runs for key, each in keys.items() if each.runs.count}),
            _stats({key: each.whole for key, each in keys.items() if each.whole.count}),
        )
        for thread, keys in found.items()
    }


# One grouping for the numbers, one for labels and one for sources, each with what the rows are grouped by.
_TOTALS = """
WITH asked AS MATERIALIZED (
    SELECT {group} AS owner, level, key, score, labels, source_type, comment, error, created_at, id
    FROM feedback_feedback WHERE current AND NOT waiting AND {condition}
)
SELECT owner, level, key, 'numbers', NULL, count(*), count(score), count(comment), count(*) FILTER (WHERE error),
    coalesce(sum(score), 0), coalesce(sum(score * score), 0), min(score), max(score) FROM asked GROUP BY owner, level, key
UNION ALL
SELECT owner, level, key, 'label', label, count(*), 0, 0, 0, 0, 0, NULL, NULL
FROM asked, unnest(labels) AS label GROUP BY owner, level, key, label
UNION ALL
SELECT owner, level, key, 'source', source_type, count(*), 0, 0, 0, 0, 0, NULL, NULL FROM asked GROUP BY owner, level, key, source_type
UNION ALL
SELECT owner, level, key, 'comment', comment, 0, 0, 0, 0, 0, 0, NULL, NULL FROM (
    SELECT owner, level, key, left(comment, 500) AS comment,
        row_number() OVER (PARTITION BY owner, level, key ORDER BY created_at DESC, id DESC) AS place
    FROM asked WHERE comment IS NOT NULL
) AS newest WHERE place <= 5
"""


def _totals(group: str, condition: str, parameters: Any) -> dict[tuple[Any, str], dict[str, Summary]]:
    """Summaries by (owner, level) and key."""
    found: dict[tuple[Any, str], dict[str, Summary]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(_TOTALS.replace("{group}", group).replace("{condition}", condition), parameters)
        for owner, level, key, kind, text, count, *numbers in cursor.fetchall():
            summary = found[owner, level].setdefault(key, Summary())
            match kind:
                case "numbers":
                    for name, value in zip(_NUMBERS, (count, *numbers), strict=True):
                        setattr(summary, name, value)
                case "label":
                    summary.labels[text] = count
                case "source":
                    summary.sources[text] = count
                case "comment":
                    summary.sample(text)
    return found


def of_run_query(runs: QuerySet[Any]) -> Stats:
    """Over the feedback of all runs of a queryset of runs."""
    try:
        sql, parameters = runs.order_by().values("trace_id", "id").query.sql_with_params()
    except EmptyResultSet:
        return {}
    found = _totals("NULL::uuid", f"level = 'run' AND (place, run_id) IN ({sql})", parameters)
    return _stats(found.get((None, Level.RUN), {}))


def of_thread_query(threads: QuerySet[Any]) -> Stats:
    """Over the feedback about the threads of a queryset as a whole."""
    try:
        sql, parameters = threads.order_by().values("id").query.sql_with_params()
    except EmptyResultSet:
        return {}
    found = _totals("NULL::uuid", f"level = 'thread' AND place IN ({sql})", parameters)
    return _stats(found.get((None, Level.THREAD), {}))


def of_projects(project_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, tuple[Stats, Stats]]:
    """By project: over all its runs, and about the project as a whole."""
    found = _totals("project_id", "level IN ('run', 'project') AND project_id = ANY(%s)", [list(project_ids)])
    return {
        project_id: (_stats(found.get((project_id, Level.RUN), {})), _stats(found.get((project_id, Level.PROJECT), {})))
        for project_id in project_ids
    }
