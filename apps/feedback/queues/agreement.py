"""How far the reviewers of a queue agree, key by key, over items that two of them or more have reviewed."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final
from uuid import UUID

from django.db.models import Count

from apps.feedback.models import Feedback, FeedbackKey, KeyType, Level
from apps.feedback.queues.models import AnnotationQueue, QueueItem, QueueReview
from apps.feedback.queues.rubric import rows_of

MOST_ITEMS: Final = 1_000
"""The last to be reviewed."""

type Answer = str
type Place = tuple[UUID, UUID | None]
type Pair = tuple[tuple[int, Answer], tuple[int, Answer]]


@dataclass(frozen=True)
class Agreement:
    """pairs is how many times two reviewers judged the same item; same how often they said the same.

    kappa is what is left of the agreement when that of chance is taken off: 1 always, 0 no more than by chance. None where it says
    nothing, because everybody always said the same one thing. difference is the mean distance of two scores of a number.
    """

    key: str
    items: int
    pairs: int
    same: int
    kappa: float | None
    difference: float | None = None

    @property
    def percent(self) -> int:
        return round(100 * self.same / self.pairs)

    @property
    def words(self) -> str:
        """Of kappa, as Landis and Koch name its ranges."""
        if self.kappa is None:
            return ""
        steps = ((0.0, "none"), (0.2, "slight"), (0.4, "fair"), (0.6, "moderate"), (0.8, "substantial"))
        return next((word for limit, word in steps if self.kappa <= limit), "almost perfect")


def agreement_of(queue: AnnotationQueue) -> list[Agreement]:
    """In the order of the rubric; a key that no two reviewers used on one item is left out. Four queries."""
    reviewed = _reviewed(queue)
    rows = [row for row in rows_of(queue.workspace, queue.rubric) if not _is_text(row.config)]
    if not reviewed or not rows:
        return []
    answers = _answers(reviewed, [row.key for row in rows])
    return [found for row in rows if (found := measure(row.key, answers[row.key].values(), row.config))]


def _is_text(config: FeedbackKey | None) -> bool:
    return config is not None and config.type == KeyType.FREEFORM


def _reviewed(queue: AnnotationQueue) -> dict[Place, set[int]]:
    """Who has reviewed what, of the items with two reviews or more."""
    reviews = QueueReview.objects.in_queue(queue).done()
    twice = reviews.values("item").annotate(number=Count("pk")).filter(number__gte=2).values("item")
    items = QueueItem.objects.in_queue(queue).filter(pk__in=twice).order_by("-last_reviewed_at", "pk")[:MOST_ITEMS]
    places: dict[UUID, Place] = {item.pk: (item.place, item.run_id) for item in items}
    found: dict[Place, set[int]] = defaultdict(set)
    for item, user in reviews.filter(item__in=list(places)).values_list("item", "user"):
        found[places[item]].add(user)
    return found


def _answers(reviewed: Mapping[Place, set[int]], keys: Sequence[str]) -> dict[str, dict[Place, dict[int, Answer]]]:
    """What each reviewer said, by key and place."""
    given = Feedback.objects.newest().filter(
        place__in={place for place, _ in reviewed},
        key__in=keys,
        level__in=(Level.RUN, Level.THREAD),
        user__isnull=False,
    )
    found: dict[str, dict[Place, dict[int, Answer]]] = defaultdict(lambda: defaultdict(dict))
    for feedback in given.only("place", "id", "run_id", "key", "score", "labels", "user_id"):
        place = (feedback.place, feedback.run_id)
        user, said = feedback.user_id, _said(feedback)
        if user is not None and said is not None and user in reviewed.get(place, ()):
            found[feedback.key][place][user] = said
    return found


def _said(feedback: Feedback) -> Answer | None:
    """A number as its digits, labels as their list; None where nothing is said that can be compared."""
    if feedback.score is not None:
        return f"{feedback.score.normalize():f}"
    return ", ".join(sorted(feedback.labels)) or None


def measure(key: str, items: Iterable[Mapping[int, Answer]], config: FeedbackKey | None) -> Agreement | None:
    """items have what each of their reviewers said."""
    compared = [answers for answers in items if len(answers) > 1]
    pairs = list(_pairs(compared))
    if not pairs:
        return None
    same = sum(one == other for (_, one), (_, other) in pairs)
    difference = _difference(pairs) if config is None or config.type == KeyType.CONTINUOUS else None
    return Agreement(key, len(compared), len(pairs), same, _kappa(pairs, same), difference)


def _pairs(items: Iterable[Mapping[int, Answer]]) -> Iterator[Pair]:
    for answers in items:
        yield from combinations(sorted(answers.items()), 2)


def _kappa(pairs: Sequence[Pair], same: int) -> float | None:
    """Cohen's for two people, each with their own habits; over more than two Fleiss', with the habits of all together."""
    total = len(pairs)
    if len({person for pair in pairs for person, _ in pair}) == 2:
        first, second = (Counter(pair[side][1] for pair in pairs) for side in (0, 1))
        chance = sum(first[answer] * second[answer] for answer in first) / total**2
    else:
        given = Counter(answer for pair in pairs for _, answer in pair)
        chance = sum(count**2 for count in given.values()) / (2 * total) ** 2
    return None if chance == 1 else (same / total - chance) / (1 - chance)


def _difference(pairs: Sequence[Pair]) -> float | None:
    try:
        return sum(abs(float(one) - float(other)) for (_, one), (_, other) in pairs) / len(pairs)
    except ValueError:
        return None
