"""Small marks where there is feedback: on a turn, and on the row of a run."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from html import escape
from typing import Final
from urllib.parse import urlencode

from django.db import connection
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from apps.feedback.aggregate import Summary
from apps.feedback.keys import configs_of
from apps.feedback.models import FeedbackKey
from apps.feedback.queues.blind import Blind
from apps.feedback.strip import is_yes_no, told
from apps.projects.models import Project

MOST: Final = 2_000
SHOWN: Final = 4


@dataclass(frozen=True)
class Marks:
    """Summaries by trace and by run, then by key."""

    project: Project
    traces: dict[uuid.UUID, dict[str, Summary]]
    runs: dict[uuid.UUID, dict[str, Summary]]
    configs: dict[str, FeedbackKey]

    def of_turn(self, trace_id: uuid.UUID) -> SafeString:
        """Links to the verdicts; empty where there are none, so that later ones have a place."""
        given = self.traces.get(trace_id, {})
        base, own = self._urls
        url = f"{own}?run={trace_id}"
        links = "".join(
            self._link(key, summary, f"{base}?{urlencode({'run': trace_id, 'trace': trace_id, 'key': key})}")
            for key, summary in sorted(given.items())[:SHOWN]
        )
        rest = len(given) - SHOWN
        more = f'<span class="pill">+{rest}</span>' if rest > 0 else ""
        return mark_safe(f'<span class="marks" id="marks-{trace_id}" data-marks="{escape(url)}">{links}{more}</span>')

    @cached_property
    def _urls(self) -> tuple[str, str]:
        """Of the list of verdicts, and of the marks themselves."""
        args = [self.project.workspace_id, self.project.pk]
        return reverse("feedback:given", args=args), reverse("feedback:marks", args=args)

    def _link(self, key: str, summary: Summary, href: str) -> str:
        config = self.configs.get(key)
        count = f" {summary.count}\N{MULTIPLICATION SIGN}" if summary.count > 1 else ""
        return (
            f'<a class="pill mark {_level(summary, config)}" href="{escape(href)}" hx-get="{escape(href)}" hx-target="#panel">'
            f"<bdi>{escape(key[:40])}</bdi> <b>{escape(_figure(summary, config))}</b>{count}</a>"
        )

    def of_run(self, run_id: uuid.UUID) -> SafeString:
        """One dot, which names its figures."""
        given = self.runs.get(run_id)
        if not given:
            return mark_safe("")
        text = escape(", ".join(f"{key} {_figure(s, self.configs.get(key))}" for key, s in sorted(given.items())))
        levels = {_level(summary, self.configs.get(key)) for key, summary in given.items()}
        css = "bad" if "bad" in levels else "ok" if levels == {"ok"} else ""
        return mark_safe(
            f'<span class="rated-dot {css}" title="{text}"><span class="sr-only">Feedback: {text}</span></span>'
        )


# By a cursor: this stands on every page of a thread, and the ORM would take three times as long.
_GIVEN = """
SELECT place, run_id, key, score, labels, user_id FROM feedback_feedback
WHERE place = ANY(%s) AND level = 'run' AND current AND NOT waiting ORDER BY key LIMIT %s
"""


def marks_of(project: Project, traces: Iterable[uuid.UUID], blind: Blind) -> Marks:
    """Two queries at most, one where there is no feedback. What may not be read yet is left out."""
    by_trace: dict[uuid.UUID, dict[str, Summary]] = defaultdict(dict)
    by_run: dict[uuid.UUID, dict[str, Summary]] = defaultdict(dict)
    keys = set()
    with connection.cursor() as cursor:
        cursor.execute(_GIVEN, [list(traces), MOST])
        for place, run_id, key, score, labels, user_id in cursor.fetchall():
            if user_id != blind.user_id and blind.keeps_of_run(run_id, key):
                continue
            keys.add(key)
            for summary in (by_trace[place].setdefault(key, Summary()), by_run[run_id].setdefault(key, Summary())):
                _add(summary, score, labels)
    configs = configs_of(project.workspace, keys)
    return Marks(project, by_trace, by_run, configs)


# Most runs have none, which this tells in a third of the time that their list would take.
_JUDGED = """
SELECT EXISTS (SELECT FROM feedback_feedback WHERE place = %s AND run_id = %s AND level = 'run' AND current)
"""


def is_judged(trace_id: uuid.UUID, run_id: uuid.UUID) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, [trace_id, run_id])
        return bool(cursor.fetchone()[0])


def _add(summary: Summary, score: Decimal | None, labels: list[str]) -> None:
    summary.count += 1
    summary.labels.update(labels)
    if score is not None:
        summary.scored += 1
        summary.total += score


def _figure(summary: Summary, config: FeedbackKey | None) -> str:
    if is_yes_no(config) and summary.scored and summary.total in (0, summary.scored):
        return "yes" if summary.total else "no"
    if summary.average is None and not summary.labels:
        return "✎"
    return told(summary, config)


def _level(summary: Summary, config: FeedbackKey | None) -> str:
    if not is_yes_no(config) or summary.average is None or config is None:
        return ""
    return "ok" if (summary.average >= 0.5) is not config.is_lower_score_better else "bad"
