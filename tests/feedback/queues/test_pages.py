import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Membership, User, Workspace
from apps.feedback.configs import configure
from apps.feedback.draft import Draft
from apps.feedback.models import Feedback
from apps.feedback.queues import reviewing
from apps.feedback.queues.models import AnnotationQueue, QueueItem
from apps.feedback.queues.rubric import rubric_from
from apps.feedback.services import record
from apps.projects import services as projects
from apps.projects.models import Project
from tests.feedback.queues.conftest import fill, fill_with_threads, make_queue, signed_in
from tests.threads.wire import send, turns

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


def url(name: str, queue: AnnotationQueue, *more: Any) -> str:
    return reverse(f"queues:{name}", args=[queue.workspace_id, queue.pk, *more])


def list_url(workspace: Workspace) -> str:
    return reverse("queues:list", args=[workspace.pk])


def text(answer: Any) -> str:
    assert answer.status_code == 200, (answer.status_code, answer.content[:2000])
    return answer.content.decode()


@pytest.fixture
def threads(workspace: Workspace, project: Project) -> AnnotationQueue:
    """Of two threads, each to be reviewed by two people under one required key."""
    configure(workspace, "helpful", {"type": "boolean"})
    rubric = rubric_from([{"feedback_key": "helpful", "description": "Did it help?", "is_required": True}])
    queue = make_queue(workspace, rubric=rubric, reviews_needed=2, instructions="**Read** all turns.")
    fill_with_threads(queue, project, "chat-1", "chat-2")
    return queue


def items(queue: AnnotationQueue) -> list[QueueItem]:
    return list(QueueItem.objects.in_queue(queue).in_order())


def say(client: Client, queue: AnnotationQueue, item: QueueItem, choice: str, **extra: Any) -> Any:
    data = {"key": "helpful", "do": "save", "choice": choice}
    return client.post(url("verdict", queue, item.pk), data, **extra)


def test_a_viewer_sees_queues_and_their_progress(threads: AnnotationQueue, bob: User) -> None:
    page = text(signed_in(bob).get(list_url(threads.workspace)))
    assert threads.name in page
    assert "0 of 2" in page
    assert "New queue" not in page


def test_a_viewer_sees_items_and_rubric_but_does_not_review(threads: AnnotationQueue, bob: User) -> None:
    client = signed_in(bob)
    page = text(client.get(url("detail", threads)))
    assert "chat-1" in page
    assert "Did it help?" in page
    assert "<strong>Read</strong>" in page
    assert url("review", threads) not in page
    assert client.get(url("review", threads)).status_code == 403
    assert client.get(url("item", threads, items(threads)[0].pk)).status_code == 403


@pytest.mark.parametrize("name", ["detail", "edit", "review"])
def test_strangers_and_outsiders_see_no_queue(threads: AnnotationQueue, charlie: User, name: str) -> None:
    anonymous = Client().get(url(name, threads))
    assert (anonymous.status_code, "login" in anonymous["location"]) == (302, True)
    assert signed_in(charlie).get(url(name, threads)).status_code == 404


@pytest.mark.parametrize("name", ["verdict", "done", "requeue", "reopen"])
def test_strangers_viewers_and_outsiders_change_no_item(
    threads: AnnotationQueue, bob: User, charlie: User, name: str
) -> None:
    address = url(name, threads, items(threads)[0].pk)
    assert Client().post(address).status_code == 302
    assert signed_in(charlie).post(address).status_code == 404
    assert signed_in(bob).post(address, {"key": "helpful", "choice": "1"}).status_code == 403
    assert not Feedback.objects.exists()


@pytest.mark.parametrize("name", ["edit", "delete", "remove"])
def test_an_annotator_manages_no_queue(threads: AnnotationQueue, anna: User, charlie: User, name: str) -> None:
    assert signed_in(anna).post(url(name, threads)).status_code == 403
    assert signed_in(charlie).post(url(name, threads)).status_code == 404
    assert Client().post(url(name, threads)).status_code == 302
    assert AnnotationQueue.objects.filter(pk=threads.pk).exists()


def test_a_queue_of_another_workspace_cannot_be_reached_by_ours(threads: AnnotationQueue, charlie: User) -> None:
    theirs = Membership.objects.get(user=charlie).workspace
    assert signed_in(charlie).get(reverse("queues:detail", args=[theirs.pk, threads.pk])).status_code == 404


def test_reviewing_starts_at_the_first_item(threads: AnnotationQueue, anna: User) -> None:
    answer = signed_in(anna).get(url("review", threads))
    assert answer["location"] == url("item", threads, items(threads)[0].pk)
    page = text(signed_in(anna).get(answer["location"]))
    assert "question 1" in page
    assert "Did it help?" in page
    assert "Still needed" in page


def test_done_wants_the_required_keys(threads: AnnotationQueue, anna: User) -> None:
    client, first = signed_in(anna), items(threads)[0]
    answer = client.post(url("done", threads, first.pk), follow=True)
    assert "Still needed: helpful." in text(answer)
    assert answer.redirect_chain[-1][0] == url("item", threads, first.pk)


def test_done_leads_to_the_next_item_and_at_last_says_so(threads: AnnotationQueue, anna: User) -> None:
    client = signed_in(anna)
    first, second = items(threads)
    assert say(client, threads, first, "1").status_code == 302
    assert client.post(url("done", threads, first.pk))["location"] == url("item", threads, second.pk)
    say(client, threads, second, "0")
    answer = client.post(url("done", threads, second.pk), follow=True)
    assert "All done" in text(answer)
    assert [(each.user_id, each.thread_id, each.score) for each in Feedback.objects.order_by("created_at")] == [
        (anna.pk, "chat-1", 1),
        (anna.pk, "chat-2", 0),
    ]


def test_a_long_thread_is_read_a_window_at_a_time(workspace: Workspace, anna: User) -> None:
    queue = make_queue(workspace)
    project = send(workspace, *turns("long", 15))
    (item,) = fill_with_threads(queue, project, "long")
    client = signed_in(anna)
    page = text(client.get(url("item", queue, item.pk)))
    assert "question 10" in page
    assert "question 11" not in page
    assert "Later turns" in page
    assert "question 15" in text(client.get(url("item", queue, item.pk), {"turn": "11"}))


def test_the_review_of_a_run_costs_the_same_in_a_queue_of_10_and_of_20(
    queue: AnnotationQueue, anna: User, count_queries: Any
) -> None:
    item, *_ = fill(queue, 10)
    client = signed_in(anna)
    client.get(url("item", queue, item.pk))
    ten = count_queries(lambda: client.get(url("item", queue, item.pk)))
    fill(queue, 10)
    assert count_queries(lambda: client.get(url("item", queue, item.pk))) == ten


def test_an_empty_queue_says_so(queue: AnnotationQueue, anna: User) -> None:
    assert "The queue is empty" in text(signed_in(anna).get(url("review", queue)))


def test_a_verdict_by_htmx_answers_with_its_state_and_what_is_missing(threads: AnnotationQueue, anna: User) -> None:
    page = text(say(signed_in(anna), threads, items(threads)[0], "1", headers=HTMX))
    assert "Saved" in page
    assert 'hx-swap-oob="true"' in page
    assert "Still needed" not in page


def test_a_verdict_is_cleared_and_brought_back(threads: AnnotationQueue, anna: User) -> None:
    client, first = signed_in(anna), items(threads)[0]
    say(client, threads, first, "1")
    address = url("verdict", threads, first.pk)
    answer = client.post(address, {"key": "helpful", "do": "clear"}, headers=HTMX)
    assert "Taken back" in text(answer)
    assert answer["HX-Retarget"].startswith("#key-")
    assert not Feedback.objects.exists()
    token = re.search(r'name="undo" value="([^"]+)"', text(answer))
    assert token is not None
    client.post(address, {"key": "helpful", "do": "undo", "undo": token[1]}, headers=HTMX)
    assert Feedback.objects.get().score == 1


def test_a_verdict_of_somebody_else_is_kept_back_until_one_is_done(
    threads: AnnotationQueue, anna: User, ben: User
) -> None:
    first = items(threads)[0]
    client = signed_in(anna)
    say(client, threads, first, "0")
    other = Draft(key="helpful", thread_id="chat-1", project_id=first.project_id, user_id=ben.pk, comment="BEN SAYS")
    record(threads.workspace, other)
    reviewing.mark_done(threads, first, ben)
    assert "BEN SAYS" not in text(client.get(url("item", threads, first.pk)))
    assert "BEN SAYS" not in text(say(client, threads, first, "1", headers=HTMX))
    client.post(url("done", threads, first.pk))
    assert "BEN SAYS" in text(client.get(url("item", threads, first.pk)))


def test_a_review_that_is_done_takes_no_verdict(threads: AnnotationQueue, anna: User) -> None:
    client, first = signed_in(anna), items(threads)[0]
    say(client, threads, first, "1")
    client.post(url("done", threads, first.pk))
    assert say(client, threads, first, "0").status_code == 403
    assert client.post(url("reopen", threads, first.pk)).status_code == 302
    assert say(client, threads, first, "0").status_code == 302
    assert Feedback.objects.get().score == 0


def test_a_blind_review_is_not_opened_again_after_the_other(threads: AnnotationQueue, anna: User, ben: User) -> None:
    first = items(threads)[0]
    for user in (anna, ben):
        reviewing.mark_done(threads, first, user)
    assert signed_in(anna).post(url("reopen", threads, first.pk)).status_code == 404


def test_an_item_of_somebody_else_can_be_read_only(queue: AnnotationQueue, anna: User, ben: User) -> None:
    (item,) = fill(queue, 1)
    reviewing.hold(queue, item, ben)
    client = signed_in(anna)
    assert "Somebody else is at this item" in text(client.get(url("item", queue, item.pk)))
    assert client.post(url("verdict", queue, item.pk), {"key": "note", "comment": "x"}).status_code == 403


def test_only_the_people_of_a_queue_review_it(workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace, assigned_only=True)
    queue.reviewers.add(Membership.objects.get(user=ben))
    (item,) = fill(queue, 1)
    for name, more in (("review", ()), ("done", (item.pk,)), ("requeue", (item.pk,))):
        client = signed_in(anna)
        call = client.get if name == "review" else client.post
        assert call(url(name, queue, *more)).status_code == 403
    assert signed_in(ben).get(url("review", queue)).status_code == 302


def test_the_end_of_the_queue_is_the_end(queue: AnnotationQueue, anna: User) -> None:
    first, second = fill(queue, 2)
    client = signed_in(anna)
    client.get(url("review", queue))
    assert client.post(url("requeue", queue, first.pk))["location"] == url("item", queue, second.pk)
    assert items(queue) == [second, first]


def test_a_run_is_reviewed_beside_its_inputs(queue: AnnotationQueue, anna: User) -> None:
    (item,) = fill(queue, 1)
    page = text(signed_in(anna).get(url("item", queue, item.pk)))
    assert "hello" in page
    assert "Correct the output" in page
    part = text(signed_in(anna).get(url("item", queue, item.pk), {"as": "json"}, headers=HTMX | {"HX-Target": "run"}))
    assert "<html" not in part


def test_a_key_without_a_configuration_takes_a_number(workspace: Workspace, anna: User) -> None:
    queue = make_queue(workspace, rubric=rubric_from([{"feedback_key": "depth"}]))
    (item,) = fill(queue, 1)
    signed_in(anna).post(url("verdict", queue, item.pk), {"key": "depth", "score": "0.5"})
    assert Feedback.objects.get().score == 0.5


def test_a_key_that_is_not_asked_for_is_404(threads: AnnotationQueue, anna: User) -> None:
    answer = signed_in(anna).post(url("verdict", threads, items(threads)[0].pk), {"key": "tone", "score": "1"})
    assert answer.status_code == 404


def test_a_gone_item_says_so_and_is_passed_over(threads: AnnotationQueue, anna: User) -> None:
    first, second = items(threads)
    QueueItem.objects.filter(pk=first.pk).update(thread="00000000-0000-0000-0000-000000000000")
    client = signed_in(anna)
    assert client.get(url("item", threads, first.pk)).status_code == 404
    assert "deleted" in text(client.get(url("detail", threads)))
    assert client.get(url("review", threads))["location"] == url("item", threads, second.pk)


def test_the_items_of_a_deleted_project_are_passed_over_at_once(
    threads: AnnotationQueue, project: Project, alice: User, anna: User
) -> None:
    client = signed_in(anna)
    client.get(url("review", threads), follow=True)
    projects.delete(project, alice)
    assert "The queue is empty" in text(client.get(url("review", threads)))


def test_items_are_shown_by_section(threads: AnnotationQueue, anna: User) -> None:
    first, _ = items(threads)
    reviewing.mark_done(threads, first, anna)
    client = signed_in(anna)
    assert "chat-1" not in text(client.get(url("detail", threads), {"section": "needs_my_review"}))
    assert "chat-1" in text(client.get(url("detail", threads), {"section": "needs_others_review"}))


def test_agreement_is_shown_when_two_have_reviewed(threads: AnnotationQueue, anna: User, ben: User) -> None:
    for item in items(threads):
        for user, choice in ((anna, "1"), (ben, "1" if item.thread_id == "chat-1" else "0")):
            client = signed_in(user)
            client.get(url("item", threads, item.pk))
            say(client, threads, item, choice)
            client.post(url("done", threads, item.pk))
    assert "50%" in text(signed_in(anna).get(url("detail", threads)))


def test_an_editor_takes_items_out(threads: AnnotationQueue, alice: User) -> None:
    first, second = items(threads)
    answer = signed_in(alice).post(url("remove", threads), {"item": [str(first.pk), "nonsense"]}, follow=True)
    assert "1 item taken out" in text(answer)
    assert items(threads) == [second]


def test_an_editor_deletes_a_queue(threads: AnnotationQueue, alice: User) -> None:
    assert signed_in(alice).post(url("delete", threads)).status_code == 302
    assert not AnnotationQueue.objects.exists()


@pytest.mark.parametrize("name", ["list", "detail"])
def test_lists_cost_the_same_at_10_and_at_20(
    workspace: Workspace, anna: User, ben: User, count_queries: Any, name: str
) -> None:
    queue, client = make_queue(workspace), signed_in(anna)

    def add(number: int) -> None:
        for item in fill(queue, number):
            reviewing.mark_done(queue, item, ben)
        for _ in range(number):
            make_queue(workspace, assigned_only=True).reviewers.add(Membership.objects.get(user=ben))

    def ask() -> None:
        client.get(list_url(workspace) if name == "list" else url("detail", queue))

    add(10)
    ask()
    ten = count_queries(ask)
    add(10)
    assert count_queries(ask) == ten
