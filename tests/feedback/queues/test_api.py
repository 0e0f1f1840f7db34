import uuid
from typing import Any

import pytest

from apps.accounts.models import AuditEntry, Membership, User, Workspace
from apps.feedback.queues import reviewing
from apps.feedback.queues.adding import MOST_ADDED
from apps.feedback.queues.models import AnnotationQueue
from apps.feedback.queues.rubric import MOST_KEYS
from apps.projects.models import Project
from apps.runs.ingest.store import delete_traces
from tests.api import Caller
from tests.feedback.queues.conftest import fill, make_queue
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

QUEUES = "/api/v1/annotation-queues"


def created(api: Caller, **fields: Any) -> dict[str, Any]:
    answer = api.post(QUEUES, {"name": "Answers", **fields})
    assert answer.status_code == 200, answer.content
    return answer.json()


def patched(api: Caller, queue: AnnotationQueue, **fields: Any) -> Any:
    return api.client.patch(f"{QUEUES}/{queue.pk}", fields, content_type="application/json")


def test_a_queue_is_created_without_its_rubric_in_the_answer(api: Caller, workspace: Workspace) -> None:
    queue_id = str(uuid.uuid4())
    found = created(api, id=queue_id, description="d", rubric_instructions="Be strict.")
    assert (found["id"], found["name"], found["tenant_id"]) == (queue_id, "Answers", str(workspace.pk))
    assert "rubric_instructions" not in found


def test_reading_a_queue_adds_its_rubric_with_the_configuration_of_each_key(api: Caller) -> None:
    api.post("/api/v1/feedback-configs", {"feedback_key": "tone", "feedback_config": {"type": "boolean"}})
    items = [{"feedback_key": "tone", "description": "Kind?", "is_required": True}, {"feedback_key": "other"}]
    queue_id = created(api, rubric_instructions="Be strict.", rubric_items=items)["id"]
    found = api.get(f"{QUEUES}/{queue_id}").json()
    assert found["rubric_instructions"] == "Be strict."
    assert [(row["feedback_key"], row["is_required"]) for row in found["rubric_items"]] == [
        ("tone", True),
        ("other", False),
    ]
    assert found["rubric_items"][0]["feedback_config"]["feedback_config"]["type"] == "boolean"
    assert found["rubric_items"][1]["feedback_config"] is None


def test_a_rubric_can_be_copied_as_it_was_read(api: Caller) -> None:
    items = [{"feedback_key": "tone", "value_descriptions": {"good": "kind"}}]
    first = api.get(f"{QUEUES}/{created(api, rubric_items=items)['id']}").json()["rubric_items"]
    assert api.get(f"{QUEUES}/{created(api, rubric_items=first)['id']}").json()["rubric_items"] == first


def test_the_same_id_again_is_409(api: Caller) -> None:
    assert api.post(QUEUES, {"name": "again", "id": created(api)["id"]}).status_code == 409


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"num_reviewers_per_item": 0},
        {"reservation_minutes": 0},
        {"reviewer_access_mode": "all"},
        {"rubric_items": [{"feedback_key": ""}]},
        {"rubric_items": [{"feedback_key": "a"}, {"feedback_key": "a"}]},
        {"rubric_items": [{"feedback_key": str(number)} for number in range(MOST_KEYS + 1)]},
        {"rubric_items": [{"feedback_key": "a", "description": "x" * 2_001}]},
    ],
)
def test_what_no_queue_can_have_is_422(api: Caller, fields: dict[str, Any]) -> None:
    assert api.post(QUEUES, {"name": "n", **fields}).status_code == 422


def test_queues_are_listed_by_id_name_and_part_of_the_name(api: Caller) -> None:
    first, second = created(api, name="Tone of answers"), created(api, name="Facts")
    listed = [queue["name"] for queue in api.get(QUEUES).json()]
    assert listed == ["Facts", "Tone of answers"]
    assert [queue["id"] for queue in api.get(QUEUES, ids=[first["id"]]).json()] == [first["id"]]
    assert [queue["id"] for queue in api.get(QUEUES, name="Facts").json()] == [second["id"]]
    assert [queue["id"] for queue in api.get(QUEUES, name_contains="tone").json()] == [first["id"]]
    assert [queue["id"] for queue in api.get(QUEUES, limit=1, offset=1).json()] == [first["id"]]


def test_listed_queues_tell_their_size_and_the_keys_of_their_rubric(api: Caller, alice: User) -> None:
    queue = AnnotationQueue.objects.get(pk=created(api, rubric_items=[{"feedback_key": "tone"}])["id"])
    done, _, _ = fill(queue, 3)
    reviewing.mark_done(queue, done, alice)
    (found,) = api.get(QUEUES, include_rubric_keys="true").json()
    assert (found["total_runs"], found["rubric_keys"]) == (2, ["tone"])
    assert "rubric_keys" not in api.get(QUEUES).json()[0]


def test_queues_are_listed_in_the_order_and_for_the_person_asked_for(
    api: Caller, workspace: Workspace, alice: User
) -> None:
    first, second = make_queue(workspace, name="b"), make_queue(workspace, name="a", assigned_only=True)
    second.reviewers.add(Membership.objects.get(user=alice))

    def names(**asked: Any) -> list[str]:
        return [found["name"] for found in api.get(QUEUES, **asked).json()]

    assert names(sort_by="name", sort_by_desc="false") == ["a", "b"]
    assert names(assigned_to_me="true") == ["a"]
    assert names(queue_type="pairwise") == []
    assert names(ids=first.pk) == ["b"]


def test_the_queues_of_a_run_are_told(api: Caller, workspace: Workspace, queue: AnnotationQueue) -> None:
    make_queue(workspace, name="without it")
    (item,) = fill(queue, 1)
    assert [found["id"] for found in api.get(f"{QUEUES}/{item.run_id}/queues").json()] == [str(queue.pk)]


def test_a_queue_is_filled_from_projects(api: Caller, queue: AnnotationQueue, project: Project) -> None:
    body = {"queue_id": str(queue.pk), "session_ids": [str(project.pk)]}
    assert [api.post(f"{QUEUES}/populate", body).json()["added"] for _ in range(2)] == [4, 0]


def test_items_are_counted_whatever_became_of_them(api: Caller, queue: AnnotationQueue, alice: User) -> None:
    done, _ = fill(queue, 2)
    reviewing.mark_done(queue, done, alice)

    def size(name: str, **asked: Any) -> int:
        return api.get(f"{QUEUES}/{queue.pk}/{name}", **asked).json()["size"]

    assert (size("size"), size("total_size"), size("total_archived")) == (1, 2, 1)
    assert size("total_archived", end_time="2020-01-01T00:00:00Z") == 0


def test_runs_are_taken_out_together(api: Caller, queue: AnnotationQueue) -> None:
    first, second, third = (str(item.run_id) for item in fill(queue, 3))
    take_out = f"{QUEUES}/{queue.pk}/runs/delete"
    api.post(take_out, {"run_ids": [first, str(uuid.uuid4())]})
    assert [found["id"] for found in api.get(f"{QUEUES}/{queue.pk}/runs").json()] == [second, third]
    api.post(take_out, {"delete_all": True, "exclude_run_ids": [third]})
    assert [found["id"] for found in api.get(f"{QUEUES}/{queue.pk}/runs").json()] == [third]


def test_a_run_is_moved_in_its_queue(api: Caller, queue: AnnotationQueue) -> None:
    first, second = fill(queue, 2)
    body = {"added_at": "2030-01-01T00:00:00Z"}
    moved = api.client.patch(f"{QUEUES}/{queue.pk}/runs/{first.pk}", body, content_type="application/json")
    assert moved.status_code == 200
    assert api.get(f"{QUEUES}/{queue.pk}/run/0").json()["id"] == str(second.run_id)


def test_a_change_leaves_what_it_does_not_name(api: Caller, workspace: Workspace) -> None:
    queue = make_queue(workspace, description="d", instructions="i", reserved_minutes=5)
    assert patched(api, queue, name="New").json()["rubric_instructions"] == "i"
    queue.refresh_from_db()
    assert (queue.name, queue.description, queue.reserved_minutes) == ("New", "d", 5)


def test_reservations_are_switched_off_and_on(api: Caller, queue: AnnotationQueue) -> None:
    off = patched(api, queue, enable_reservations=False).json()
    assert (off["enable_reservations"], off["reservation_minutes"]) == (False, None)
    on = patched(api, queue, reservation_minutes=7).json()
    assert (on["enable_reservations"], on["reservation_minutes"]) == (True, 7)


def test_a_deleted_queue_is_404(api: Caller, queue: AnnotationQueue) -> None:
    fill(queue, 1)
    assert api.client.delete(f"{QUEUES}/{queue.pk}").status_code == 200
    assert api.get(f"{QUEUES}/{queue.pk}").status_code == 404
    assert AuditEntry.objects.filter(action="deleted queue").exists()


def test_runs_are_added_by_id_in_their_order(api: Caller, queue: AnnotationQueue) -> None:
    sent = [run(f"run {place}") for place in range(3)]
    send(queue.workspace, *sent)
    ids = [each["id"] for each in reversed(sent)]
    added = api.post(f"{QUEUES}/{queue.pk}/runs", ids).json()
    assert [each["run_id"] for each in added] == ids
    listed = api.get(f"{QUEUES}/{queue.pk}/runs").json()
    assert [each["id"] for each in listed] == ids
    assert [each["queue_run_id"] for each in listed] == [each["id"] for each in added]
    assert listed[0]["inputs"] == {"question": "hello"}
    assert listed[0]["last_reviewed_time"] is None


def test_runs_are_added_by_key(api: Caller, queue: AnnotationQueue) -> None:
    sent = run()
    project = send(queue.workspace, sent)
    keys = [{"run_id": sent["id"], "session_id": str(project.pk), "start_time": sent["start_time"]}]
    assert api.post(f"{QUEUES}/{queue.pk}/runs/by-key", keys).status_code == 200
    assert api.get(f"{QUEUES}/{queue.pk}/size").json() == {"size": 1}


def test_a_run_is_in_a_queue_once(api: Caller, queue: AnnotationQueue) -> None:
    (item,) = fill(queue, 1)
    again = api.post(f"{QUEUES}/{queue.pk}/runs", [str(item.run_id), str(item.run_id)])
    assert [each["id"] for each in again.json()] == [str(item.pk)]
    assert api.get(f"{QUEUES}/{queue.pk}/size").json() == {"size": 1}


def test_an_unknown_run_is_404_and_nothing_is_added(api: Caller, queue: AnnotationQueue) -> None:
    sent = run()
    send(queue.workspace, sent)
    assert api.post(f"{QUEUES}/{queue.pk}/runs", [sent["id"], str(uuid.uuid4())]).status_code == 404
    assert api.get(f"{QUEUES}/{queue.pk}/size").json() == {"size": 0}


def test_more_runs_than_a_request_may_add_are_422(api: Caller, queue: AnnotationQueue) -> None:
    ids = [str(uuid.UUID(int=number)) for number in range(MOST_ADDED + 1)]
    assert api.post(f"{QUEUES}/{queue.pk}/runs", ids).status_code == 422


def test_a_run_is_read_by_its_place_and_past_the_end_is_404(api: Caller, queue: AnnotationQueue) -> None:
    items = fill(queue, 2)
    assert api.get(f"{QUEUES}/{queue.pk}/run/1").json()["id"] == str(items[1].run_id)
    for index in (2, -1, 10**30):
        assert api.get(f"{QUEUES}/{queue.pk}/run/{index}").status_code == 404


def test_a_completed_run_leaves_its_place_to_the_next(api: Caller, queue: AnnotationQueue, alice: User) -> None:
    items = fill(queue, 2)
    reviewing.mark_done(queue, items[0], alice)
    assert api.get(f"{QUEUES}/{queue.pk}/run/0").json()["id"] == str(items[1].run_id)
    assert api.get(f"{QUEUES}/{queue.pk}/size").json() == {"size": 1}
    (done,) = api.get(f"{QUEUES}/{queue.pk}/runs", status="completed").json()
    assert done["id"] == str(items[0].run_id)
    assert done["last_reviewed_time"] is not None


def test_sections_are_those_of_the_person_who_made_the_key(
    api: Caller, workspace: Workspace, alice: User, anna: User
) -> None:
    queue = make_queue(workspace, reviews_needed=2)
    first, second, third = fill(queue, 3)
    reviewing.mark_done(queue, first, alice)
    reviewing.mark_done(queue, second, anna)
    found = {
        status: [each["queue_run_id"] for each in api.get(f"{QUEUES}/{queue.pk}/runs", status=status).json()]
        for status in ("needs_my_review", "needs_others_review", "completed")
    }
    assert found == {
        "needs_my_review": [str(second.pk), str(third.pk)],
        "needs_others_review": [str(first.pk)],
        "completed": [],
    }


def test_a_run_is_taken_out_once(api: Caller, queue: AnnotationQueue) -> None:
    (item,) = fill(queue, 1)
    url = f"{QUEUES}/{queue.pk}/runs/{item.run_id}"
    assert api.client.delete(url).status_code == 200
    assert api.client.delete(url).status_code == 404


def test_a_deleted_trace_leaves_the_queue(api: Caller, queue: AnnotationQueue, alice: User) -> None:
    items = fill(queue, 2)
    reviewing.mark_done(queue, items[0], alice)
    assert items[0].trace_id is not None
    delete_traces([items[0].trace_id])
    assert [each["id"] for each in api.get(f"{QUEUES}/{queue.pk}/runs").json()] == [str(items[1].run_id)]
    assert api.get(f"{QUEUES}/{queue.pk}/size", status="all").json() == {"size": 1}


def test_a_run_stays_in_the_queue_when_its_parent_arrives_late(api: Caller, queue: AnnotationQueue) -> None:
    parent = run("parent")
    child = run("child", parent=parent)
    send(queue.workspace, child)
    api.post(f"{QUEUES}/{queue.pk}/runs", [child["id"]])
    send(queue.workspace, parent)
    (listed,) = api.get(f"{QUEUES}/{queue.pk}/runs").json()
    assert (listed["id"], listed["trace_id"]) == (child["id"], parent["id"])


def test_a_run_that_stood_alone_stays_in_the_queue_when_it_joins_its_trace(api: Caller, queue: AnnotationQueue) -> None:
    parent = run("parent")
    child = run("child", parent=parent)
    send(queue.workspace, {**child, "trace_id": None, "dotted_order": None})
    api.post(f"{QUEUES}/{queue.pk}/runs", [child["id"]])
    send(queue.workspace, parent)
    (listed,) = api.get(f"{QUEUES}/{queue.pk}/runs").json()
    assert (listed["id"], listed["trace_id"]) == (child["id"], parent["id"])


def test_listing_runs_costs_the_same_at_10_and_at_20(api: Caller, queue: AnnotationQueue, count_queries: Any) -> None:
    fill(queue, 10)
    api.get(f"{QUEUES}/{queue.pk}/runs")
    ten = count_queries(lambda: api.get(f"{QUEUES}/{queue.pk}/runs"))
    fill(queue, 10)
    assert count_queries(lambda: api.get(f"{QUEUES}/{queue.pk}/runs")) == ten


def test_another_workspace_sees_nothing(other_api: Caller, queue: AnnotationQueue, project: Project) -> None:
    (item,) = fill(queue, 1)
    assert other_api.get(QUEUES).json() == []
    for path in ("", "/runs", "/run/0", "/size"):
        assert other_api.get(f"{QUEUES}/{queue.pk}{path}").status_code == 404
    assert other_api.post(f"{QUEUES}/{queue.pk}/runs", [str(item.run_id)]).status_code == 404
    assert other_api.client.delete(f"{QUEUES}/{queue.pk}").status_code == 404
    mine = make_queue(other_api.key.workspace)
    assert other_api.post(f"{QUEUES}/{mine.pk}/runs", [str(item.run_id)]).status_code == 404
