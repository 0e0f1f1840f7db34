"""What the pages of queues show: the items of a list, and the one that is reviewed with the rows of its verdicts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from django.db.models import FETCH_RAISE
from django.http import Http404
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import Membership, User
from apps.feedback.annotate import Kind, Row, Target, rows_of
from apps.feedback.keys import CORRECTION, NOTE
from apps.feedback.queues import reviewing
from apps.feedback.queues import rubric as rubrics
from apps.feedback.queues.models import AnnotationQueue, QueueItem, QueueReview
from apps.projects.models import Project
from apps.runs.models import Run
from apps.runs.place import Place
from apps.runs.show import RunView
from apps.threads.models import Thread
from apps.threads.thread_page import Window, overview

DIGITS: Final = 9


@dataclass(frozen=True)
class ItemRow:
    """thread or run is what the item is about; both None when it is gone."""

    item: QueueItem
    project: Project | None
    thread: Thread | None
    run: Run | None
    now: datetime

    @property
    def gone(self) -> bool:
        return self.project is None or (self.thread is None and self.run is None)

    @property
    def title(self) -> str:
        return (self.run.name or "no name") if self.run else str(self.item)

    @property
    def preview(self) -> str:
        """What was asked first."""
        found = self.thread.first_input if self.thread else self.run.inputs_preview if self.run else None
        return found or ""

    @property
    def section(self) -> str:
        return self.item.section

    @property
    def reviewed_by(self) -> list[QueueReview]:
        return [review for review in self.item.reviews.all() if review.done_at is not None]

    @property
    def held_by(self) -> list[QueueReview]:
        return [review for review in self.item.reviews.all() if review.is_held(self.now)]


def rows_shown(items: Iterable[QueueItem]) -> list[ItemRow]:
    """Of items read with for_list: three queries more, however many they are."""
    listed = list(items)
    threads = {thread.pk: thread for thread in Thread.objects.among({item.thread for item in listed if item.thread})}
    runs = _runs(listed)
    projects = {project.pk: project for project in Project.objects.among({item.project_id for item in listed})}
    now = timezone.now()
    return [
        ItemRow(
            item,
            projects.get(item.project_id),
            threads.get(item.thread) if item.thread else None,
            runs.get((item.trace_id, item.run_id)),
            now,
        )
        for item in listed
    ]


def _runs(items: list[QueueItem]) -> dict[Any, Run]:
    keys = {(item.place, item.run) for item in items if not item.is_thread}
    if not keys:
        return {}
    found = Run.objects.in_traces({trace for trace, _ in keys}).filter(id__in={run for _, run in keys})
    return {(run.trace_id, run.id): run for run in found.for_tree("inputs_preview").fetch_mode(FETCH_RAISE)}


@dataclass(frozen=True)
class ReviewTarget(Target):
    """Its verdicts are sent to the review page, which keeps those of others back while the review is blind."""

    verdict_url: str = ""

    @property
    def url(self) -> str:
        return self.verdict_url


@dataclass(frozen=True)
class ReviewRow:
    """A row of the rubric with its control; about is None for a key that is not in the rubric."""

    row: Row
    about: rubrics.RubricRow | None = None

    @property
    def texts(self) -> dict[str, str]:
        return {**self.about.texts, **self.about.score_texts} if self.about else {}


@dataclass(frozen=True)
class Review:
    """One item as one person has it before them."""

    queue: AnnotationQueue
    item: QueueItem
    user: User
    target: ReviewTarget
    held: bool
    """Whether the person has it to themselves, or may share it."""

    @classmethod
    def of(cls, queue: AnnotationQueue, item: QueueItem, membership: Membership) -> "Review":
        """Reserves the item if it waits for the person. Raises Http404 where its run or thread is gone."""
        thread = Thread.objects.among([item.place]).first() if item.is_thread else None
        run = None if item.is_thread else Run.objects.in_trace(item.place).with_id(item.run).first()
        subject = thread or run
        project = Project.objects.in_workspace(queue.workspace).among([subject.project_id]).first() if subject else None
        if project is None:
            raise Http404("What was to be reviewed here has been deleted.")
        project.workspace = queue.workspace
        if thread is not None:
            thread.project = project
        url = reverse("queues:verdict", args=[queue.workspace_id, queue.pk, item.pk])
        target = ReviewTarget(project, thread, run, thread is not None, url)
        may = reviewing.allowed(queue, membership)
        return cls(queue, item, membership.user, target, may and reviewing.hold(queue, item, membership.user))

    @property
    def title(self) -> str:
        if self.target.thread and self.target.whole:
            return self.target.thread.thread_id
        return (self.target.run.name if self.target.run else "") or "no name"

    @cached_property
    def done(self) -> bool:
        """By this person."""
        return QueueReview.objects.of(self.item).by(self.user).done().exists()

    @property
    def may(self) -> bool:
        """Whether verdicts are taken: a review that is done is opened again first."""
        return self.held and not self.done

    @cached_property
    def may_reopen(self) -> bool:
        return self.done and reviewing.may_reopen(self.queue, self.item, self.user)

    @property
    def hides_others(self) -> bool:
        return self.queue.blind and not self.done and self.item.completed_at is None

    @cached_property
    def rows(self) -> list[ReviewRow]:
        """Those of the rubric, or of all keys where there is none; then a note, and for a run a correction."""
        found = {row.key: row for row in rows_of(self.target, self.user)}
        stored = rubrics.rows_of(self.queue.workspace, self.queue.rubric)
        asked = [ReviewRow(found.get(row.key) or Row(row.key, Kind.NUMBER, config=row.config), row) for row in stored]
        if not stored:
            asked = [ReviewRow(row) for key, row in found.items() if key not in (NOTE, CORRECTION)]
        used = {each.row.key for each in asked}
        own = [ReviewRow(found[key]) for key in (NOTE, CORRECTION) if key in found and key not in used]
        return [replace(each, row=self._own(each.row, at)) for at, each in enumerate([*asked, *own], start=1)]

    def _own(self, row: Row, at: int) -> Row:
        digit = str(at) if at <= DIGITS and row.kind not in (Kind.NOTE, Kind.CORRECTION) else ""
        return replace(row, digit=digit, others=[] if self.hides_others else row.others)

    def row(self, key: str) -> Row:
        """Raises Http404 for a key that is not asked for."""
        found = next((each.row for each in self.rows if each.row.key == key), None)
        if found is None:
            raise Http404(f"The review does not ask for {key}")
        return found

    @cached_property
    def missing(self) -> list[str]:
        """Required keys under which nothing is said yet."""
        return [each.row.key for each in self.rows if each.about and each.about.required and each.row.mine is None]

    @cached_property
    def others_done(self) -> int:
        return QueueReview.objects.of(self.item).by_others(self.user).done().count()


@dataclass(frozen=True)
class Around:
    """The nearest items that the person may open, and where this one stands among all of the queue."""

    place: int
    total: int
    before: QueueItem | None = None
    after: QueueItem | None = None


def around(queue: AnnotationQueue, item: QueueItem, user: User) -> Around:
    items = QueueItem.objects.in_queue(queue)
    before = items.before(item).for_person(user).openable().first()
    after = items.after(item).for_person(user).openable().first()
    return Around(items.before(item).count() + 1, items.count(), before, after)


def shown(target: Target, path: str, asked: Mapping[str, str]) -> dict[str, Any]:
    """The turns of the thread, a window at a time, or the run."""
    if target.whole:
        assert target.thread is not None
        window = Window.asked_for(target.thread, {"turn": asked.get("turn", "")})
        return {"thread": target.thread, "window": window, **overview(window)}
    assert target.run is not None
    return {"shown": RunView(target.run, Place.of(path, asked))}
