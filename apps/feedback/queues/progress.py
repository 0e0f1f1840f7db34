"""How far queues are, for one person."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from apps.accounts.models import User
from apps.feedback.queues.models import AnnotationQueue, QueueItem, Section

BAR = 120
"""Width of the drawn bar in pixels."""


@dataclass(frozen=True)
class Progress:
    mine: int = 0
    others: int = 0
    completed: int = 0

    @property
    def total(self) -> int:
        return self.mine + self.others + self.completed

    @property
    def done_width(self) -> int:
        """Of the bar; something that is begun is never drawn as nothing."""
        return max(round(BAR * self.completed / self.total), 2 if self.completed else 0) if self.total else 0

    @property
    def others_width(self) -> int:
        return round(BAR * self.others / self.total) if self.total else 0

    @property
    def of_section(self) -> list[tuple[str, str, int]]:
        """value, label and number of items of each section, all of them first."""
        counts = (self.mine, self.others, self.completed)
        named = [(section.value, section.label, count) for section, count in zip(Section, counts, strict=True)]
        return [("", "All", self.total), *named]


def progress_of(queues: Sequence[AnnotationQueue], user: User) -> dict[UUID, Progress]:
    """By queue; one query."""
    counts: dict[UUID, dict[str, int]] = defaultdict(dict)
    for queue, section, number in QueueItem.objects.in_queues(queues).for_person(user).counts():
        counts[queue][section] = number
    return {queue.pk: _progress(counts[queue.pk]) for queue in queues}


def _progress(counts: dict[str, int]) -> Progress:
    return Progress(counts.get(Section.MINE, 0), counts.get(Section.OTHERS, 0), counts.get(Section.COMPLETED, 0))
