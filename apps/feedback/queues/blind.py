"""What is kept from those who are still to review it blind: on the pages of threads and runs too, not only while they review."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from apps.accounts.models import Membership, Role
from apps.feedback.keys import CORRECTION, NOTE
from apps.feedback.models import Feedback, Level
from apps.feedback.queues.models import QueueItem
from apps.runs.models import Run
from apps.threads.models import Thread
from apps.threads.thread_page import turns_of

type Kept = Mapping[uuid.UUID, frozenset[str]]


@dataclass(frozen=True)
class Blind:
    """For one person: the keys under which they may not read yet what others say of a thread, by its uuid, or of a run.

    No keys stand for all of them.
    """

    user_id: int | None = None
    threads: Kept = field(default_factory=dict)
    runs: Kept = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.threads or self.runs)

    def keeps(self, feedback: Feedback) -> bool:
        if not self or feedback.user_id == self.user_id:
            return False
        return self.keeps_of_run(feedback.run_id, feedback.key) or _among(
            self.threads.get(feedback.place), feedback.key
        )

    def keeps_of_run(self, run_id: uuid.UUID | None, key: str) -> bool:
        """What others say of it."""
        return run_id is not None and _among(self.runs.get(run_id), key)

    def keeps_sum(self, level: str, key: str) -> bool:
        """Of a thread, where Blind is about that thread alone: a sum tells what it is made of."""
        kept = self.threads if level == Level.THREAD else self.runs
        return any(_among(keys, key) for keys in kept.values())


def _among(keys: frozenset[str] | None, key: str) -> bool:
    return keys is not None and (not keys or key in keys)


def blind_for(membership: Membership, *, threads: Iterable[uuid.UUID] = (), traces: Any = ()) -> Blind:
    """About these threads and the runs of these traces. Nothing is kept from editors and admins, who run the queues."""
    if membership.role != Role.ANNOTATOR:
        return Blind()
    items = QueueItem.objects.in_workspace(membership.workspace).blind_to(membership.user).touching(threads, traces)
    threads_kept: dict[uuid.UUID, frozenset[str]] = {}
    runs_kept: dict[uuid.UUID, frozenset[str]] = {}
    for thread, run_id, rubric in items.values_list("thread", "run_id", "queue__rubric"):
        keys = frozenset({row["feedback_key"] for row in rubric} | {NOTE, CORRECTION}) if rubric else frozenset()
        if thread is not None:
            _keep(threads_kept, thread, keys)
        elif run_id is not None:
            _keep(runs_kept, run_id, keys)
    return Blind(membership.user_id, threads_kept, runs_kept)


def _keep(kept: dict[uuid.UUID, frozenset[str]], subject: uuid.UUID, keys: frozenset[str]) -> None:
    before = kept.get(subject, keys)
    kept[subject] = keys | before if keys and before else frozenset()


def blind_on(membership: Membership, thread: Thread | None, run: Run | None = None) -> Blind:
    """About a thread with all its runs, or about a run outside of one."""
    if membership.role != Role.ANNOTATOR:
        return Blind()
    if thread is not None:
        return blind_for(membership, threads=[thread.pk], traces=turns_of(thread).order_by().values("trace_id"))
    return blind_for(membership, traces=[run.trace_id] if run else [])
