"""The figures of agreement against values worked out by hand."""

from decimal import Decimal

import pytest

from apps.accounts.models import User, Workspace
from apps.feedback.configs import configure
from apps.feedback.draft import Draft
from apps.feedback.models import FeedbackKey
from apps.feedback.queues import reviewing
from apps.feedback.queues.agreement import Agreement, agreement_of, measure
from apps.feedback.queues.models import AnnotationQueue
from apps.feedback.queues.rubric import rubric_from
from apps.feedback.services import record
from tests.feedback.queues.conftest import fill, make_queue

YES_NO = FeedbackKey(key="k", type="boolean")
ANN, BEN, CLEO = 1, 2, 3


def measured(*items: dict[int, str], config: FeedbackKey | None = YES_NO) -> Agreement:
    found = measure("k", items, config)
    assert found is not None
    return found


def between_two(both_yes: int, ann_only: int, ben_only: int, both_no: int) -> Agreement:
    answers = [("1", "1")] * both_yes + [("1", "0")] * ann_only + [("0", "1")] * ben_only + [("0", "0")] * both_no
    return measured(*({ANN: ann, BEN: ben} for ann, ben in answers))


def test_cohens_kappa_is_that_of_the_textbook() -> None:
    """Of 50 cases: both yes 20, only the one 5, only the other 10, both no 15; chance gives 0.5."""
    found = between_two(20, 5, 10, 15)
    assert (found.items, found.pairs, found.same, found.percent) == (50, 50, 35, 70)
    assert found.kappa == pytest.approx(0.4)
    assert found.words == "fair"


def test_full_agreement_is_one() -> None:
    found = between_two(3, 0, 0, 2)
    assert (found.kappa, found.words) == (1, "almost perfect")


def test_less_than_chance_is_below_zero() -> None:
    found = between_two(0, 2, 2, 0)
    assert (found.kappa, found.words) == (-1, "none")


def test_one_same_answer_everywhere_has_no_kappa() -> None:
    found = between_two(4, 0, 0, 0)
    assert (found.percent, found.kappa, found.words) == (100, None, "")


def test_among_three_people_the_habits_of_all_count() -> None:
    """Pairs: 3 of 3 the same, then 1 of 3; answers 4 yes and 2 no in pairs 8 and 4 times: chance is 5/9."""
    found = measured({ANN: "1", BEN: "1", CLEO: "1"}, {ANN: "1", BEN: "0", CLEO: "0"})
    assert (found.items, found.pairs, found.same) == (2, 6, 4)
    assert found.kappa == pytest.approx((4 / 6 - 5 / 9) / (4 / 9))


def test_numbers_have_a_mean_difference() -> None:
    config = FeedbackKey(key="k", type="continuous")
    assert measured({ANN: "0.5", BEN: "1"}, {ANN: "1", BEN: "1"}, config=config).difference == pytest.approx(0.25)
    assert measured({ANN: "0.5", BEN: "1"}).difference is None


def test_an_item_that_one_person_judged_says_nothing() -> None:
    assert measure("k", [{ANN: "1"}, {}], YES_NO) is None


@pytest.fixture
def judged(workspace: Workspace, anna: User, ben: User) -> AnnotationQueue:
    """Two runs that both have reviewed: the same of the first, not of the second."""
    configure(workspace, "good", {"type": "boolean"})
    configure(workspace, "why", {"type": "freeform"})
    queue = make_queue(workspace, rubric=rubric_from([{"feedback_key": k} for k in ("why", "good")]), reviews_needed=2)
    for item, scores in zip(fill(queue, 2), ((1, 1), (1, 0)), strict=True):
        for user, score in zip((anna, ben), scores, strict=True):
            verdict = {"run_id": item.run_id, "user_id": user.pk, "source_type": "app"}
            record(workspace, Draft("good", score=Decimal(score), **verdict))
            record(workspace, Draft("why", value=f"{user} says so", **verdict))
            reviewing.mark_done(queue, item, user)
    return queue


@pytest.mark.django_db
def test_a_queue_compares_what_its_reviewers_said(judged: AnnotationQueue) -> None:
    (found,) = agreement_of(judged)
    assert (found.key, found.items, found.same) == ("good", 2, 1)


@pytest.mark.django_db
def test_others_and_programs_do_not_count(judged: AnnotationQueue, workspace: Workspace, alice: User) -> None:
    for item in judged.items.all():
        record(workspace, Draft("good", score=Decimal(0), run_id=item.run_id, user_id=alice.pk))
        record(workspace, Draft("good", score=Decimal(0), run_id=item.run_id))
    assert agreement_of(judged)[0].pairs == 2


@pytest.mark.django_db
def test_the_newest_verdict_counts(judged: AnnotationQueue, workspace: Workspace, ben: User) -> None:
    for item in judged.items.all():
        record(workspace, Draft("good", score=Decimal(1), run_id=item.run_id, user_id=ben.pk, source_type="app"))
    assert agreement_of(judged)[0].same == 2


@pytest.mark.django_db
def test_a_queue_of_single_reviews_has_no_agreement(workspace: Workspace, anna: User) -> None:
    queue = make_queue(workspace, rubric=rubric_from([{"feedback_key": "good"}]))
    (item,) = fill(queue, 1)
    reviewing.mark_done(queue, item, anna)
    assert agreement_of(queue) == []
