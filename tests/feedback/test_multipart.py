"""Feedback as parts of the requests that send runs."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import ApiKey, Workspace
from apps.feedback.models import Feedback
from apps.runs.models import Run
from tests.api import Caller
from tests.factories import ProjectFactory
from tests.runs.ingest.wire import part, sender_of, wire_run

pytestmark = pytest.mark.django_db

type Send = Callable[..., Any]


@pytest.fixture
def send(key: ApiKey, client: Client) -> Send:
    return sender_of(client, key)


def feedback(run_id: str, **fields: Any) -> bytes:
    """With the nulls that the SDK sends."""
    empty = dict.fromkeys(("value", "comment", "correction", "session_id", "error", "extra", "feedback_config"))
    body = {"run_id": run_id, "trace_id": run_id, "key": "good", "score": 1, "feedback_source": {"type": "api"}}
    found = empty | {"id": str(uuid.uuid4())} | body | fields
    return part(f"feedback.{found['id']}", found)


def test_feedback_is_stored_with_the_run_before_or_after_it(send: Send, api: Caller) -> None:
    root = wire_run(thread="t")
    main = part(f"post.{root['id']}", root)
    answer = send(feedback(root["id"], key="early"), main, feedback(root["id"]))
    assert answer.status_code == 202, answer.content
    stats = api.get(f"/api/v1/runs/{root['id']}").json()["feedback_stats"]
    assert {key: one["avg"] for key, one in stats.items()} == {"early": 1, "good": 1}


def test_feedback_for_an_unknown_run_does_not_fail_the_request(send: Send) -> None:
    assert send(feedback(str(uuid.uuid4()))).status_code == 202
    assert Feedback.objects.get().waiting


def test_bad_feedback_is_named_and_the_rest_is_stored(send: Send, workspace: Workspace) -> None:
    root = wire_run()
    elsewhere = ProjectFactory()
    answer = send(
        part(f"post.{root['id']}", root),
        feedback(root["id"], score="high"),
        part("feedback.x", b"{"),
        part(f"feedback.{uuid.uuid4()}", ["no object"]),
        part("feedback.nonsense", {"run_id": root["id"]}),
        feedback(root["id"], session_id=str(elsewhere.pk)),
        feedback(root["id"], key="fine"),
    )
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("5 feedback could not be stored.")
    assert len(answer.json()["errors"]) == 5
    assert Run.objects.count() == 1
    assert Feedback.objects.get().key == "fine"


def test_the_same_request_twice_makes_the_same_rows(send: Send) -> None:
    root = wire_run()
    pieces = part(f"post.{root['id']}", root), feedback(root["id"])
    assert [send(*pieces).status_code for _ in range(2)] == [202, 202]
    assert Feedback.objects.count() == 1
