import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import Membership, User, Workspace
from apps.feedback.draft import Draft
from apps.feedback.queues import reviewing, services
from apps.feedback.queues.models import AnnotationQueue, QueueItem, QueueReview, Section
from apps.feedback.queues.rubric import rubric_from
from apps.feedback.services import record
from apps.projects import services as projects
from apps.projects.models import Project
from apps.projects.tasks import delete_project
from apps.runs.ingest.store import delete_traces
from apps.runs.models import Run, Trace
from tests.feedback.queues.conftest import fill, fill_with_threads, make_queue

pytestmark = pytest.mark.django_db


def section(queue: AnnotationQueue, item: QueueItem, user: User) -> str:
    found = QueueItem.objects.in_queue(queue).for_person(user).get(pk=item.pk)
    return found.section


def expire(item: QueueItem) -> None:
    QueueReview.objects.of(item).update(reserved_until=timezone.now() - timedelta(seconds=1))


def test_the_first_of_the_queue_is_taken(queue: AnnotationQueue, anna: User) -> None:
    first, _ = fill(queue, 2)
    assert reviewing.take(queue, anna) == first


def test_somebody_else_gets_the_next(queue: AnnotationQueue, anna: User, ben: User) -> None:
    _, second = fill(queue, 2)
    reviewing.take(queue, anna)
    assert reviewing.take(queue, ben) == second


def test_there_is_nothing_left_when_all_is_held(queue: AnnotationQueue, anna: User, ben: User) -> None:
    (item,) = fill(queue, 1)
    reviewing.take(queue, anna)
    assert reviewing.take(queue, ben) is None
    assert section(queue, item, ben) == Section.OTHERS


def test_a_reservation_that_has_run_out_returns_the_item(queue: AnnotationQueue, anna: User, ben: User) -> None:
    (item,) = fill(queue, 1)
    reviewing.take(queue, anna)
    expire(item)
    assert reviewing.take(queue, ben) == item


def test_what_one_is_at_is_found_again(queue: AnnotationQueue, anna: User) -> None:
    first, second = fill(queue, 2)
    reviewing.take(queue, anna, first)
    assert reviewing.held(queue, anna) == second
    expire(second)
    assert reviewing.held(queue, anna) is None


def test_opening_another_item_gives_the_first_back(queue: AnnotationQueue, anna: User, ben: User) -> None:
    first, second = fill(queue, 2)
    reviewing.take(queue, anna)
    reviewing.hold(queue, second, anna)
    assert reviewing.take(queue, ben) == first


def test_after_the_last_item_comes_the_first(queue: AnnotationQueue, anna: User) -> None:
    first, second = fill(queue, 2)
    assert reviewing.take(queue, anna, second) == first


def test_a_queue_without_reservations_shows_an_item_to_all(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace, reserved_minutes=0)
    (item,) = fill(queue, 1)
    assert reviewing.take(queue, anna) == item
    assert reviewing.take(queue, ben) == item


def test_one_review_completes_an_item(queue: AnnotationQueue, anna: User) -> None:
    (item,) = fill(queue, 1)
    reviewing.finish(queue, item, anna)
    assert section(queue, item, anna) == Section.COMPLETED
    assert reviewing.take(queue, anna) is None


def test_two_reviews_by_two_people_complete_an_item(workspace: Workspace, anna: User, ben: User, alice: User) -> None:
    queue = make_queue(workspace, reviews_needed=2)
    (item,) = fill(queue, 1)
    reviewing.finish(queue, item, anna)
    assert (section(queue, item, anna), section(queue, item, ben)) == (Section.OTHERS, Section.MINE)
    assert reviewing.take(queue, anna) is None
    reviewing.hold(queue, item, ben)
    assert section(queue, item, alice) == Section.OTHERS
    reviewing.finish(queue, item, ben)
    assert section(queue, item, alice) == Section.COMPLETED


def test_doing_it_twice_counts_once(workspace: Workspace, anna: User) -> None:
    queue = make_queue(workspace, reviews_needed=2)
    (item,) = fill(queue, 1)
    reviewing.finish(queue, item, anna)
    reviewing.finish(queue, item, anna)
    assert section(queue, item, anna) == Section.OTHERS


def test_one_review_too_many_is_refused(queue: AnnotationQueue, anna: User, ben: User) -> None:
    (item,) = fill(queue, 1)
    reviewing.finish(queue, item, anna)
    with pytest.raises(reviewing.Full):
        reviewing.finish(queue, item, ben)


def test_required_keys_are_asked_of_each_person(workspace: Workspace, anna: User, ben: User) -> None:
    rubric = rubric_from([{"feedback_key": "tone", "is_required": True}, {"feedback_key": "style"}])
    queue = make_queue(workspace, rubric=rubric)
    (item,) = fill(queue, 1)
    record(workspace, Draft(key="tone", run_id=item.run_id, user_id=ben.pk, source_type="app"))
    with pytest.raises(reviewing.Unanswered, match="tone"):
        reviewing.finish(queue, item, anna)
    reviewing.finish(queue, item, ben)
    assert section(queue, item, ben) == Section.COMPLETED


def test_required_keys_of_a_thread_are_those_about_it_as_a_whole(
    workspace: Workspace, project: Project, anna: User
) -> None:
    queue = make_queue(workspace, rubric=rubric_from([{"feedback_key": "tone", "is_required": True}]))
    (item,) = fill_with_threads(queue, project, "chat-1")
    root = Run.objects.get(trace_id=Trace.objects.in_thread("chat-1")[0].trace_id)
    record(workspace, Draft(key="tone", run_id=root.id, user_id=anna.pk))
    assert reviewing.unanswered(queue, item, anna) == ["tone"]
    record(workspace, Draft(key="tone", thread_id="chat-1", project_id=project.pk, user_id=anna.pk))
    assert reviewing.unanswered(queue, item, anna) == []


def test_what_is_put_back_comes_last(queue: AnnotationQueue, anna: User, ben: User) -> None:
    first, second = fill(queue, 2)
    reviewing.take(queue, anna)
    reviewing.requeue(queue, first, anna)
    assert list(QueueItem.objects.in_queue(queue).in_order()) == [second, first]
    reviewing.take(queue, anna)
    assert reviewing.take(queue, ben) == first


def test_a_review_can_be_done_again(queue: AnnotationQueue, anna: User) -> None:
    (item,) = fill(queue, 1)
    reviewing.finish(queue, item, anna)
    assert reviewing.may_reopen(queue, item, anna)
    reviewing.reopen(queue, item, anna)
    assert section(queue, item, anna) == Section.MINE


def test_a_blind_review_cannot_be_done_again_once_the_other_is_there(
    workspace: Workspace, anna: User, ben: User
) -> None:
    queue = make_queue(workspace, reviews_needed=2)
    (item,) = fill(queue, 1)
    reviewing.finish(queue, item, anna)
    assert reviewing.may_reopen(queue, item, anna)
    reviewing.finish(queue, item, ben)
    assert not reviewing.may_reopen(queue, item, anna)


def test_only_those_who_are_assigned_review(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace, assigned_only=True)
    queue.reviewers.add(Membership.objects.get(user=anna))
    (item,) = fill(queue, 1)
    assert (section(queue, item, anna), section(queue, item, ben)) == (Section.MINE, Section.OTHERS)
    assert reviewing.take(queue, ben) is None
    assert reviewing.allowed(queue, Membership.objects.get(user=anna))
    assert not reviewing.allowed(queue, Membership.objects.get(user=ben))


def test_another_number_of_reviews_completes_or_opens_items(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace, reviews_needed=2)
    once, twice = fill(queue, 2)
    for item, user in ((once, anna), (twice, anna), (twice, ben)):
        reviewing.finish(queue, item, user)
    services.change(queue, None, {"reviews_needed": 1})
    assert section(queue, once, ben) == Section.COMPLETED
    services.change(queue, None, {"reviews_needed": 3})
    assert section(queue, twice, ben) == Section.OTHERS


def test_an_item_whose_run_is_gone_is_dropped_on_the_way(queue: AnnotationQueue, anna: User) -> None:
    first, second = fill(queue, 2)
    Run.objects.filter(id=first.run_id).delete()
    assert reviewing.take(queue, anna) == second
    assert QueueItem.objects.in_queue(queue).count() == 1


def test_a_deleted_thread_leaves_the_queue(queue: AnnotationQueue, project: Project, anna: User) -> None:
    gone, stays = fill_with_threads(queue, project, "chat-1", "chat-2")
    reviewing.finish(queue, gone, anna)
    delete_traces(trace.trace_id for trace in Trace.objects.in_thread("chat-1"))
    assert list(QueueItem.objects.in_queue(queue)) == [stays]


def test_a_thread_that_keeps_a_turn_stays(queue: AnnotationQueue, project: Project) -> None:
    fill_with_threads(queue, project, "chat-1")
    delete_traces([Trace.objects.in_thread("chat-1")[0].trace_id])
    assert QueueItem.objects.in_queue(queue).count() == 1


def test_a_deleted_project_takes_its_items_along(queue: AnnotationQueue, project: Project, alice: User) -> None:
    fill_with_threads(queue, project, "chat-1")
    gone = str(project.pk)
    projects.delete(project, alice)
    delete_project(project_id=gone)
    assert not QueueItem.objects.exists()


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """Each on a connection of its own, started together."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return call()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


@pytest.mark.django_db(transaction=True)
def test_reviewers_at_the_same_moment_get_different_items(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace)
    fill(queue, 6)
    for _ in range(3):
        found = at_once([lambda: reviewing.take(queue, anna), lambda: reviewing.take(queue, ben)])
        assert None not in found
        assert found[0] != found[1]
        for item, user in zip(found, (anna, ben), strict=True):
            reviewing.finish(queue, item, user)
    assert reviewing.take(queue, anna) is None


@pytest.mark.django_db(transaction=True)
def test_an_item_that_is_being_taken_is_stepped_over(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace)
    _, second = fill(queue, 2)
    with transaction.atomic():
        reviewing.take(queue, anna)
        (found,) = at_once([lambda: reviewing.take(queue, ben)])
    assert found == second


@pytest.mark.django_db(transaction=True)
def test_the_only_item_of_a_double_review_goes_to_both(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace, reviews_needed=2)
    (item,) = fill(queue, 1)
    assert at_once([lambda: reviewing.take(queue, anna), lambda: reviewing.take(queue, ben)]) == [item, item]


@pytest.mark.django_db(transaction=True)
def test_only_one_of_two_reviews_at_the_same_moment_counts(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace, reserved_minutes=0)
    (item,) = fill(queue, 1)

    def finish(user: User) -> bool:
        try:
            reviewing.finish(queue, item, user)
        except reviewing.Full:
            return False
        return True

    assert sorted(at_once([lambda: finish(anna), lambda: finish(ben)])) == [False, True]
