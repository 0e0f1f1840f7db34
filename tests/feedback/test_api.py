"""The v1 routes of feedback."""

import functools
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.feedback.models import Feedback
from apps.feedback.tasks import link_feedback
from apps.runs.ingest import store
from apps.runs.models import Run
from tests.api import Caller
from tests.factories import EPOCH
from tests.threads.wire import run, send, turns

pytestmark = pytest.mark.django_db

URL = "/api/v1/feedback"


def given(api: Caller, **fields: Any) -> dict[str, Any]:
    answer = api.post(URL, **fields)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def patched(api: Caller, feedback_id: str, **fields: Any) -> Any:
    return api.client.generic("PATCH", f"{URL}/{feedback_id}", json.dumps(fields), "application/json")


def keys(api: Caller, **query: Any) -> list[str]:
    answer = api.get(URL, **query)
    assert answer.status_code == 200, answer.content
    return [feedback["key"] for feedback in answer.json()]


def test_feedback_on_a_run_is_read_back_field_by_field(api: Caller, workspace: Workspace) -> None:
    root = run()
    project = send(workspace, root)
    sent = {
        "id": str(uuid.uuid4()),
        "run_id": root["id"],
        "trace_id": root["trace_id"],
        "key": "tone",
        "score": 0.25,
        "value": {"a": [1]},
        "comment": "rude",
        "correction": {"answer": "hello"},
        "feedback_source": {"type": "model", "metadata": {"judge": "j"}, "user_id": "7", "user_name": "Judge"},
        "extra": {"seen": 1},
        "error": False,
        "feedback_group_id": str(uuid.uuid4()),
        "created_at": "2026-03-01T12:00:00",
        "modified_at": "2026-03-01T12:00:01Z",
    }
    given(api, **sent)
    assert api.get(f"{URL}/{sent['id']}").json() == {
        **sent,
        "session_id": str(project.pk),
        "created_at": "2026-03-01T12:00:00Z",
        "thread_id": None,
        "level": "run",
        "comparative_experiment_id": None,
        "first_turn": None,
        "last_turn": None,
        "is_current": True,
        "start_time": None,
    }


@pytest.mark.parametrize(("score", "kept"), [(True, 1), (0.12345678, 0.123457), ("2.5", 2.5), (-3, -3), (None, None)])
def test_a_score_is_kept_as_a_number(api: Caller, score: Any, kept: Any) -> None:
    assert given(api, run_id=uuid.uuid4(), score=score)["score"] == kept


def test_feedback_may_come_before_its_run(api: Caller, workspace: Workspace) -> None:
    late = run(thread_id="t")
    feedback = given(api, run_id=late["id"], key="good", score=1)
    assert (feedback["trace_id"], feedback["session_id"]) == (None, None)
    project = send(workspace, late)
    linked = api.get(f"{URL}/{feedback['id']}").json()
    assert (linked["trace_id"], linked["session_id"]) == (late["id"], str(project.pk))
    (thread,) = api.items("/api/v2/threads/query", project_id=project.pk, min_start_time="2020-01-01")
    assert thread["feedback_stats"]["good"]["avg"] == 1


def test_feedback_whose_run_came_at_the_same_moment_is_linked_by_the_worker(api: Caller, workspace: Workspace) -> None:
    root = run()
    send(workspace, root)
    feedback = given(api, run_id=root["id"], key="good")
    Feedback.objects.update(place=uuid.uuid4(), waiting=True, trace_id=None, project=None)
    link_feedback([root["id"]])
    assert api.get(f"{URL}/{feedback['id']}").json()["trace_id"] == root["id"]


def test_feedback_moves_with_a_run_that_finds_its_parent_late(api: Caller, workspace: Workspace) -> None:
    root, child = run(thread_id="t"), run()
    by_hand = {name: value for name, value in child.items() if name not in ("trace_id", "dotted_order")}
    send(workspace, by_hand | {"parent_run_id": root["id"]})
    feedback = given(api, run_id=child["id"], key="good", score=1)
    assert feedback["trace_id"] == child["id"]
    project = send(workspace, root)
    assert api.get(f"{URL}/{feedback['id']}").json()["trace_id"] == root["id"]
    stats = api.get("/api/v2/threads/t/stats", session_id=project.pk, selects="FEEDBACK_STATS").json()
    assert stats["feedback_stats"]["good"]["n"] == 1


def test_feedback_on_a_thread_and_on_a_project(api: Caller, workspace: Workspace) -> None:
    project = send(workspace, *turns("t", 2))
    about_thread = given(api, thread_id="t", session_id=project.pk, key="solved", score=1, first_turn=1, last_turn=2)
    assert (about_thread["level"], about_thread["thread_id"]) == ("thread", "t")
    assert (about_thread["first_turn"], about_thread["last_turn"], about_thread["run_id"]) == (1, 2, None)
    assert given(api, session_id=project.pk, key="release")["level"] == "project"
    assert keys(api, session=project.pk, level="thread") == ["solved"]
    assert keys(api, session=project.pk, level="session") == ["release"]


def test_an_sdk_that_knows_no_threads_tells_the_thread_in_extra(api: Caller, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="t"))
    feedback = given(api, session_id=project.pk, extra={"thread_id": "t", "turn_range": [1, 4]}, key="solved")
    assert (feedback["level"], feedback["thread_id"], feedback["last_turn"]) == ("thread", "t", 4)


def test_the_same_id_again_replaces(api: Caller, workspace: Workspace) -> None:
    one, other = run(thread_id="t"), run(thread_id="t")
    send(workspace, one, other)
    feedback = given(api, run_id=one["id"], key="good", score=1)
    given(api, id=feedback["id"], run_id=other["id"], key="good", score=0)
    assert [(row.place, row.score) for row in Feedback.objects.all()] == [(uuid.UUID(other["id"]), 0)]


def test_a_patch_changes_what_is_sent_and_null_clears(api: Caller, workspace: Workspace) -> None:
    root = run()
    send(workspace, root)
    feedback = given(api, run_id=root["id"], key="good", score=1, comment="fine", value="yes")
    changed = patched(api, feedback["id"], score=0.5, comment=None).json()
    assert (changed["score"], changed["comment"], changed["value"]) == (0.5, None, "yes")
    assert changed["modified_at"] > feedback["modified_at"]


def test_deleted_feedback_is_gone(api: Caller) -> None:
    feedback = given(api, run_id=uuid.uuid4())
    path = f"{URL}/{feedback['id']}"
    assert [api.client.delete(path).status_code for _ in range(2)] == [200, 404]
    assert api.get(path).status_code == 404


def test_feedback_goes_with_its_run_and_its_thread(api: Caller, workspace: Workspace) -> None:
    root = run(thread_id="t")
    project = send(workspace, root)
    given(api, run_id=root["id"])
    given(api, thread_id="t", session_id=project.pk)
    store.delete_traces(Run.objects.values_list("trace_id", flat=True))
    assert Feedback.objects.count() == 0


def test_a_list_is_narrowed_by_each_parameter(api: Caller, workspace: Workspace) -> None:
    one, other = run(thread_id="t"), run(project="other")
    project = send(workspace, one)
    elsewhere = send(workspace, other)
    given(api, run_id=one["id"], key="a", score=1, created_at=EPOCH)
    given(
        api, run_id=one["id"], key="b", comment="hm", feedback_source={"type": "model"}, created_at=EPOCH + timedelta(1)
    )
    given(api, run_id=other["id"], key="c", created_at=EPOCH + timedelta(2))
    given(api, thread_id="t", session_id=project.pk, key="d", created_at=EPOCH + timedelta(3))
    assert keys(api) == ["d", "c", "b", "a"]
    assert keys(api, run=[one["id"], other["id"]]) == ["c", "b", "a"]
    assert keys(api, key=["a", "c"]) == ["c", "a"]
    assert keys(api, source="model") == ["b"]
    assert keys(api, session=elsewhere.pk) == ["c"]
    assert keys(api, session=project.pk, thread_id="t") == ["d", "b", "a"]
    assert keys(api, has_comment=True) == ["b"]
    assert keys(api, has_score=True) == ["a"]
    assert keys(api, level="run", min_created_at=(EPOCH + timedelta(1)).isoformat()) == ["c", "b"]
    assert keys(api, max_created_at=EPOCH.isoformat()) == ["a"]
    assert keys(api, limit=2, offset=1) == ["c", "b"]


def test_the_newest_verdict_of_a_judge_counts_and_the_earlier_are_kept(api: Caller, workspace: Workspace) -> None:
    root = run(thread_id="t")
    project = send(workspace, root)
    judge = {"type": "model", "metadata": {"judge": "tone-v2"}}
    for day, score in enumerate((0, 1, 0.5)):
        given(api, run_id=root["id"], key="tone", score=score, feedback_source=judge, created_at=EPOCH + timedelta(day))
    given(api, run_id=root["id"], key="tone", score=1)
    given(api, run_id=root["id"], key="tone", score=0)
    stats = api.get("/api/v2/threads/t/stats", session_id=project.pk, selects="FEEDBACK_STATS").json()
    assert (stats["feedback_stats"]["tone"]["n"], stats["feedback_stats"]["tone"]["avg"]) == (3, 0.5)
    assert len(keys(api, run=root["id"])) == 5
    assert len(keys(api, run=root["id"], is_current=False)) == 2


def test_a_key_that_may_only_send_runs_gives_feedback_and_reads_none(ingest_only: Caller) -> None:
    feedback = given(ingest_only, run_id=uuid.uuid4())
    assert ingest_only.get(URL).status_code == 403
    assert patched(ingest_only, feedback["id"], score=1).status_code == 403


def test_another_workspace_finds_nothing(api: Caller, stranger: Caller, workspace: Workspace) -> None:
    root = run()
    project = send(workspace, root)
    feedback = given(api, run_id=root["id"], key="good")
    path = f"{URL}/{feedback['id']}"
    assert [stranger.get(path).status_code, patched(stranger, feedback["id"], score=1).status_code] == [404, 404]
    assert stranger.client.delete(path).status_code == 404
    assert stranger.post(URL, session_id=project.pk).status_code == 404
    assert keys(stranger, run=root["id"]) == []


def test_feedback_of_another_workspace_never_counts_on_ones_run(
    api: Caller, stranger: Caller, workspace: Workspace
) -> None:
    root = run()
    theirs = given(stranger, run_id=root["id"], trace_id=root["id"], key="bad", score=0)
    send(workspace, root)
    assert api.get(f"/api/v1/runs/{root['id']}").json()["feedback_stats"] is None
    assert given(api, id=theirs["id"], run_id=root["id"], key="good")["key"] == "good"
    assert keys(stranger) == ["bad"]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({}, "run_id"),
        ({"run_id": "nonsense"}, "run_id"),
        ({"key": "x" * 181}, "key"),
        ({"score": "high"}, "score"),
        ({"score": 1e15}, "score"),
        ({"score": [1]}, "score"),
        ({"comment": "x" * 20_001}, "comment"),
        ({"value": "x" * 20_000}, "value"),
        ({"value": functools.reduce(lambda inner, _: [inner], range(60), 1)}, "value"),
        ({"correction": "x" * 200_001}, "correction"),
        ({"first_turn": 3, "last_turn": 2}, "first_turn"),
        ({"first_turn": 0}, "first_turn"),
    ],
)
def test_what_cannot_be_kept_is_422_and_says_why(api: Caller, fields: dict[str, Any], complaint: str) -> None:
    target = {} if fields == {} else {"run_id": str(uuid.uuid4())}
    answer = api.post(URL, **(target | fields))
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(complaint)
    assert Feedback.objects.count() == 0


def test_a_thread_without_its_project_is_422(api: Caller) -> None:
    assert api.post(URL, thread_id="t").json()["detail"].startswith("session_id")


HOSTILE = "<script>alert(1)</script>\x00'; DROP TABLE feedback_feedback; -- \u202e" + "é" * 50


def test_hostile_texts_come_back_as_they_were_but_for_nul(api: Caller) -> None:
    feedback = given(api, run_id=uuid.uuid4(), key=HOSTILE, comment=HOSTILE, value=HOSTILE, extra={HOSTILE: HOSTILE})
    clean = HOSTILE.replace("\x00", "")
    assert [feedback[name] for name in ("key", "comment", "value")] == [clean] * 3
    assert feedback["extra"] == {clean: clean}
