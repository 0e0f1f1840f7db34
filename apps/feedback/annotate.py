"""The Annotate panel: what is annotated, and its rows, each a key with one's own verdict and those of others."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.db import connection
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import reverse

from apps.accounts.models import User
from apps.feedback.aggregate import keys_of
from apps.feedback.annotate_correct import Correction
from apps.feedback.draft import Draft
from apps.feedback.keys import CORRECTION, NOTE
from apps.feedback.models import Feedback, FeedbackKey, FeedbackQuerySet, KeyType
from apps.feedback.queues.blind import Blind
from apps.projects.models import Project
from apps.runs.access import run_or_404
from apps.runs.models import Run, Trace
from apps.threads.access import thread_or_404
from apps.threads.models import Thread
from apps.threads.thread_page import turns_of
from apps.threads.trace_view import as_uuid

MOST_ROWS: Final = 60
NOT_APPLICABLE: Final = {"not_applicable": True}
"""In extra of a feedback that says so: it has no score, so it counts in no average."""


@dataclass(frozen=True)
class Target:
    """What is annotated: the thread where whole is set, else the run. One of the two may be missing."""

    project: Project
    thread: Thread | None
    run: Run | None
    whole: bool

    @classmethod
    def of(cls, project: Project, query: Mapping[str, str]) -> "Target":
        """?run=<id>, or with &on=thread the thread it is in, or ?thread=<id>. Raises Http404."""
        run, thread_id = None, query.get("thread")
        if asked := query.get("run"):
            run_id = as_uuid(asked)
            if run_id is None:
                raise Http404("No such run")
            run = run_or_404(project, run_id)
            thread_id = get_object_or_404(Trace.objects.in_project(project), pk=run.trace_id).thread_id
        if run is None and not thread_id:
            raise Http404("Name what is to be annotated: ?run=<id> or ?thread=<id>")
        thread = thread_or_404(project, thread_id) if thread_id else None
        return cls(project, thread, run, thread is not None and (run is None or query.get("on") == "thread"))

    @property
    def url(self) -> str:
        return self._url(thread=self.whole)

    @property
    def query(self) -> str:
        return self.url.partition("?")[2]

    @property
    def of_run(self) -> str:
        return self._url(thread=False) if self.run else ""

    @property
    def of_thread(self) -> str:
        return self._url(thread=True) if self.thread else ""

    def _url(self, *, thread: bool) -> str:
        if self.run is None:
            assert self.thread is not None
            return self._to(thread=self.thread.thread_id)
        return self._to(run=self.run.id, **({"on": "thread"} if thread else {}))

    def _to(self, **query: Any) -> str:
        return f"{reverse('feedback:annotate', args=[self.project.workspace_id, self.project.pk])}?{urlencode(query)}"

    @property
    def is_turn(self) -> bool:
        return self.run is not None and self.run.id == self.run.trace_id

    @cached_property
    def number(self) -> int:
        """Of the turn that the run is in, from 1; 0 outside a thread."""
        return turns_of(self.thread).number_of(self.run.trace_id) if self.thread and self.run else 0

    @cached_property
    def beside(self) -> tuple[str, str]:
        """URLs of the turns before and after; of the last turn where there is none to start from."""
        if self.thread is None:
            return "", ""
        turns = turns_of(self.thread).values_list("trace_id", "has_root")
        if self.run is None:
            last = list(turns.reverse()[:1])
            return self._turn(last), ""
        at = self.number - 1
        around = list(turns[max(at - 1, 0) : at + 2])
        return self._turn(around[:1] if at else []), self._turn(around[2 if at else 1 :])

    def _turn(self, found: list[tuple[uuid.UUID, bool]]) -> str:
        return self._to(run=found[0][0]) if found and found[0][1] else ""

    def verdicts(self) -> FeedbackQuerySet:
        """Those that count, newest first."""
        if self.whole:
            assert self.thread is not None
            return Feedback.objects.on_threads([self.thread.pk]).newest().for_list()
        assert self.run is not None
        return Feedback.objects.of_run(self.run.trace_id, self.run.id).newest()

    def draft(self, user: User, key: str, values: Mapping[str, Any]) -> Draft:
        """Its id is always the same, so that a form sent twice at once is one verdict."""
        where: dict[str, Any]
        if self.whole:
            assert self.thread is not None
            place = self.thread.pk
            where = {"thread_id": self.thread.thread_id, "project_id": self.project.pk, **self.turns}
        else:
            assert self.run is not None
            place = self.run.id
            where = {"run_id": self.run.id, "trace_id": self.run.trace_id, "project_id": self.project.pk}
        given: dict[str, Any] = {"user_id": user.pk, "source_type": "app", "source": {"user_name": str(user)}}
        return Draft(key=key, id=uuid.uuid5(place, f"{user.pk} {key}"), **given, **where, **values)

    @property
    def turns(self) -> dict[str, int]:
        """That there were when a thread was judged."""
        if not self.whole or self.thread is None or not self.thread.turns:
            return {}
        return {"first_turn": 1, "last_turn": self.thread.turns}


class Kind(StrEnum):
    """Which control a row has."""

    YES_NO = "yes_no"
    NUMBER = "number"
    LABELS = "labels"
    TEXT = "text"
    NOTE = "note"
    CORRECTION = "correction"


KINDS: Final = {
    KeyType.BOOLEAN: Kind.YES_NO,
    KeyType.CONTINUOUS: Kind.NUMBER,
    KeyType.CATEGORICAL: Kind.LABELS,
    KeyType.FREEFORM: Kind.TEXT,
}


@dataclass(frozen=True)
class Option:
    """value is what the form sends; digit chooses it."""

    value: str
    label: str
    digit: str
    chosen: bool


@dataclass(frozen=True)
class Row:
    """mine is one's own verdict; kept says that some of the others' may not be read yet.

    undo takes the last change back; entered and problem are set when a verdict was refused.
    """

    key: str
    kind: Kind
    digit: str = ""
    config: FeedbackKey | None = None
    mine: Feedback | None = None
    others: list[Feedback] = field(default_factory=list)
    kept: bool = False
    correction: Correction | None = None
    undo: str = ""
    problem: str = ""
    entered: Mapping[str, str] | None = None
    saved: bool = False

    @property
    def id(self) -> str:
        return "key-" + hashlib.blake2s(self.key.encode(), digest_size=6).hexdigest()

    @property
    def is_key(self) -> bool:
        """What every panel has, the note and the correction, is none."""
        return self.kind not in (Kind.NOTE, Kind.CORRECTION)

    @property
    def label(self) -> str:
        return {Kind.NOTE: "Note", Kind.CORRECTION: "Correct the output"}.get(self.kind, self.key)

    @property
    def options(self) -> list[Option]:
        if self.kind == Kind.YES_NO:
            score = self.mine.score if self.mine else None
            return [Option(str(value), label, str(value), score == value) for value, label in ((0, "No"), (1, "Yes"))]
        categories = (self.config.categories if self.config else None) or []
        labels = set(self.mine.labels) if self.mine else set()
        return [
            Option(
                str(index),
                item["label"] or f"{item['value']:g}",
                str(index + 1) if index < 9 else "",
                item["label"] in labels if item["label"] else bool(self.mine and self.mine.score == item["value"]),
            )
            for index, item in enumerate(categories)
        ]

    @property
    def multiple(self) -> bool:
        return bool(self.config and self.config.multiple)

    @property
    def not_applicable(self) -> bool:
        return self.mine is not None and applies_not(self.mine)

    @property
    def score(self) -> str:
        """For the number box."""
        if self.entered is not None:
            return self.entered.get("score", "")
        return plain(self.mine.score) if self.mine and self.mine.score is not None else ""

    @property
    def text(self) -> str:
        if self.entered is not None:
            return self.entered.get("text", "")
        value = self.mine.value if self.mine else None
        return value if isinstance(value, str) else ""

    @property
    def comment(self) -> str:
        if self.entered is not None:
            return self.entered.get("comment", "")
        return (self.mine.comment if self.mine else None) or ""

    @property
    def range(self) -> str:
        """What a number may be, in words."""
        low, high = (self.config.min, self.config.max) if self.config else (None, None)
        if low is not None and high is not None:
            return f"{low:g} to {high:g}"
        return f"from {low:g}" if low is not None else f"up to {high:g}" if high is not None else ""


def rows_of(target: Target, user: User, blind: Blind | None = None) -> list[Row]:
    """Configured keys, then others that the project uses, then a note, and for a run a correction. Four queries."""
    configs = FeedbackKey.objects.in_workspace(target.project.workspace).by_key()
    given = list(target.verdicts())
    used = {*keys_of(target.project), *(feedback.key for feedback in given)} - configs.keys()
    kinds = {key: KINDS[KeyType(config.type)] for key, config in configs.items()} | _kinds(target.project, used)
    own = {NOTE: Kind.NOTE, CORRECTION: Kind.CORRECTION}
    listed = [key for key in kinds if key not in own][:MOST_ROWS]
    rows = [
        Row(key, kinds[key], str(at) if at < 10 else "", configs.get(key)) for at, key in enumerate(listed, start=1)
    ]
    rows.append(Row(NOTE, Kind.NOTE))
    if target.run and not target.whole:
        rows.append(Row(CORRECTION, Kind.CORRECTION))
    return [_filled(row, target, user, given, blind or Blind()) for row in rows]


def row_of(rows: Iterable[Row], key: str) -> Row:
    """Raises Http404 for a key that the panel does not show."""
    row = next((row for row in rows if row.key == key), None)
    if row is None:
        raise Http404(f"Nobody has made the key {key}")
    return row


def _filled(row: Row, target: Target, user: User, given: Iterable[Feedback], blind: Blind) -> Row:
    found = [feedback for feedback in given if feedback.key == row.key]
    mine = next((feedback for feedback in found if feedback.user_id == user.pk), None)
    correction = None
    if row.kind == Kind.CORRECTION and target.run:
        correction = Correction.of(target.run.outputs, mine.correction if mine else None)
    others = [each for each in found if each is not mine]
    shown = [each for each in others if not blind.keeps(each)]
    return replace(row, mine=mine, others=shown, kept=len(shown) < len(others), correction=correction)


# A key without a configuration is a number where it was given as one, as the rollup of any thread tells.
_SCORED = """
SELECT used.key, (SELECT scored > 0 FROM feedback_threadscore WHERE project_id = %s AND key = used.key LIMIT 1)
FROM unnest(%s::text[]) AS used (key) ORDER BY used.key
"""


def _kinds(project: Project, keys: Iterable[str]) -> dict[str, Kind]:
    if not (wanted := sorted(keys)):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_SCORED, [project.pk, wanted])
        return {key: Kind.TEXT if scored is False else Kind.NUMBER for key, scored in cursor.fetchall()}


def applies_not(feedback: Feedback) -> bool:
    return isinstance(feedback.extra, dict) and feedback.extra.get("not_applicable") is True


def plain(score: Decimal) -> str:
    return f"{score.normalize():f}"
