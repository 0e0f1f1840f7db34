import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.feedback.queues import reviewing
from apps.feedback.queues.models import AnnotationQueue, QueueItem
from apps.projects.models import Project
from tests.api import Caller
from tests.factories import EPOCH, ApiKeyFactory
from tests.feedback.queues.conftest import fill, fill_with_threads, make_queue
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

PLATFORM = "/api/v1/platform/annotation-queues"
MINE = "needs_my_review"


def items_url(queue: AnnotationQueue, tail: str = "") -> str:
    return f"{PLATFORM}/{queue.pk}/items{tail}"


def listed(api: Caller, queue: AnnotationQueue, status: str = MINE, **query: Any) -> list[dict[str, Any]]:
    answer = api.get(items_url(queue), status=status, **query)
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def status(api: Caller, item: QueueItem, **body: Any) -> Any:
    return api.post(f"{PLATFORM}/items/{item.pk}/status", body)


def test_runs_and_threads_are_added_together(api: Caller, queue: AnnotationQueue, project: Project) -> None:
    sent = run("one")
    send(queue.workspace, sent)
    asked = [
        {"item_type": "RUN", "run_id": sent["id"], "project_id": str(project.pk), "start_time": sent["start_time"]},
        {"item_type": "THREAD", "thread_id": "chat-1", "session_id": str(project.pk)},
    ]
    added = api.post(items_url(queue), {"items": asked}).json()["items"]
    assert [(each["item_type"], each["run_id"], each["thread_id"]) for each in added] == [
        ("RUN", sent["id"], None),
        ("THREAD", None, "chat-1"),
    ]
    assert [each["id"] for each in listed(api, queue)] == [each["id"] for each in added]
    assert [each["id"] for each in listed(api, queue, item_type="THREAD")] == [added[1]["id"]]


@pytest.mark.parametrize(
    "item",
    [
        {"item_type": "RUN"},
        {"item_type": "THREAD", "thread_id": "chat-1"},
        {"thread_id": "", "project_id": "<project>"},
    ],
)
def test_half_named_items_are_422(api: Caller, queue: AnnotationQueue, project: Project, item: dict[str, str]) -> None:
    item = {name: str(project.pk) if value == "<project>" else value for name, value in item.items()}
    assert api.post(items_url(queue), {"items": [item]}).status_code == 422


def test_an_unknown_thread_is_404_and_nothing_is_added(api: Caller, queue: AnnotationQueue, project: Project) -> None:
    asked = [{"thread_id": name, "project_id": str(project.pk)} for name in ("chat-1", "nowhere")]
    assert api.post(items_url(queue), {"items": asked}).status_code == 404
    assert listed(api, queue) == []


def test_items_are_listed_page_by_page(api: Caller, queue: AnnotationQueue) -> None:
    items = fill(queue, 3)
    first = api.get(items_url(queue), status=MINE, page_size=2).json()
    second = api.get(items_url(queue), status=MINE, page_size=2, cursor=first["next_cursor"]).json()
    assert [each["id"] for each in first["items"] + second["items"]] == [str(item.pk) for item in items]
    assert second["next_cursor"] is None


def test_items_are_listed_by_the_start_of_their_trace(api: Caller, queue: AnnotationQueue) -> None:
    late = run("late", start=EPOCH + timedelta(days=1))
    send(queue.workspace, late)
    fill(queue, 1)
    api.post(items_url(queue), {"items": [{"run_id": late["id"]}]})
    found = listed(api, queue, min_start_time=(EPOCH + timedelta(hours=1)).isoformat())
    assert [each["run_id"] for each in found] == [late["id"]]


def test_an_item_says_who_holds_and_who_has_done_it(api: Caller, workspace: Workspace, anna: User, ben: User) -> None:
    queue = make_queue(workspace, reviews_needed=3)
    (item,) = fill(queue, 1)
    reviewing.mark_done(queue, item, anna)
    reviewing.hold(queue, item, ben)
    (found,) = listed(api, queue)
    assert (found["completed_by"], found["reserved_by"]) == ([str(anna.pk)], [str(ben.pk)])


def test_a_program_completes_an_item_for_its_person(api: Caller, queue: AnnotationQueue) -> None:
    (item,) = fill(queue, 1)
    assert status(api, item, status="viewed").json()["is_archived"] is False
    assert status(api, item, status="completed").json() == {
        "queue_item_id": str(item.pk),
        "status": "completed",
        "is_archived": True,
        "override_added_at": None,
    }
    assert [each["id"] for each in listed(api, queue, "archived")] == [str(item.pk)]


def test_a_null_status_shows_the_item_again(api: Caller, queue: AnnotationQueue) -> None:
    (item,) = fill(queue, 1)
    status(api, item, status="completed")
    assert status(api, item, status=None).json()["is_archived"] is False
    assert [each["id"] for each in listed(api, queue)] == [str(item.pk)]


def test_the_older_route_of_the_status_works_too(api: Caller, queue: AnnotationQueue) -> None:
    (item,) = fill(queue, 1)
    assert api.post(f"/api/v1/annotation-queues/status/{item.pk}", {"status": "completed"}).status_code == 200
    assert listed(api, queue, "completed") != []


def test_a_full_item_is_409(api: Caller, queue: AnnotationQueue, anna: User) -> None:
    (item,) = fill(queue, 1)
    reviewing.hold(queue, item, anna)
    assert status(api, item, status="viewed").status_code == 409
    reviewing.mark_done(queue, item, anna)
    assert status(api, item, status="completed").status_code == 409


def test_a_key_without_a_person_reviews_nothing(queue: AnnotationQueue) -> None:
    (item,) = fill(queue, 1)
    nobody = Caller(ApiKeyFactory(workspace=queue.workspace, created_by=None))
    assert status(nobody, item, status="completed").status_code == 403
    assert len(listed(nobody, queue)) == 1


def test_a_viewers_key_reviews_nothing(queue: AnnotationQueue, bob: User) -> None:
    (item,) = fill(queue, 1)
    viewer = Caller(ApiKeyFactory(workspace=queue.workspace, created_by=bob))
    assert status(viewer, item, status="completed").status_code == 403


def test_another_place_in_the_queue_is_taken(api: Caller, queue: AnnotationQueue) -> None:
    first, second = fill(queue, 2)
    later = (timezone.now() + timedelta(minutes=1)).isoformat()
    answer = api.client.patch(items_url(queue, f"/{first.pk}"), {"added_at": later}, content_type="application/json")
    assert answer.status_code == 200
    assert [each["id"] for each in listed(api, queue)] == [str(second.pk), str(first.pk)]


def test_items_are_counted_by_section(api: Caller, queue: AnnotationQueue, alice: User) -> None:
    first, *_ = fill(queue, 3)
    reviewing.mark_done(queue, first, alice)
    counts = {
        name: api.get(items_url(queue, "/count"), status=name).json()["count"]
        for name in ("all", MINE, "needs_others_review", "archived")
    }
    assert counts == {"all": 3, MINE: 2, "needs_others_review": 0, "archived": 1}
    future = (timezone.now() + timedelta(days=1)).isoformat()
    assert api.get(items_url(queue, "/count"), status="archived", start_time=future).json() == {"count": 0}


def test_an_item_knows_its_place(api: Caller, queue: AnnotationQueue) -> None:
    items = fill(queue, 3)
    found = api.get(items_url(queue, f"/{items[2].pk}/placement")).json()
    assert found == {"item_type": "RUN", "section": MINE, "position": 2, "cursor": None}


def test_items_are_taken_out_by_id(api: Caller, queue: AnnotationQueue, alice: User) -> None:
    first, second = fill(queue, 2)
    reviewing.mark_done(queue, first, alice)
    asked = {"item_ids": [str(first.pk), str(uuid.uuid4())]}
    assert api.post(items_url(queue, "/delete"), asked).json() == {"message": "1 removed"}
    assert [each["id"] for each in listed(api, queue)] == [str(second.pk)]
    assert listed(api, queue, "archived") == []


def test_listing_items_costs_the_same_at_10_and_at_20(
    api: Caller, queue: AnnotationQueue, alice: User, count_queries: Any
) -> None:
    for item in fill(queue, 10):
        reviewing.mark_done(queue, item, alice)
    listed(api, queue, "archived")
    ten = count_queries(lambda: listed(api, queue, "archived"))
    for item in fill(queue, 10):
        reviewing.mark_done(queue, item, alice)
    assert count_queries(lambda: listed(api, queue, "archived")) == ten


def test_another_workspace_is_404(other_api: Caller, queue: AnnotationQueue, project: Project) -> None:
    (item,) = fill_with_threads(queue, project, "chat-1")
    for tail in ("", "/count"):
        assert other_api.get(items_url(queue, tail), status=MINE).status_code == 404
    assert other_api.get(items_url(queue, f"/{item.pk}")).status_code == 404
    assert other_api.get(items_url(queue, f"/{item.pk}/placement")).status_code == 404
    assert other_api.post(items_url(queue, "/delete"), {"item_ids": [str(item.pk)]}).status_code == 404
    assert status(other_api, item, status="completed").status_code == 404
    mine = make_queue(other_api.key.workspace)
    asked = {"items": [{"thread_id": "chat-1", "project_id": str(project.pk)}]}
    assert other_api.post(items_url(mine), asked).status_code == 404
