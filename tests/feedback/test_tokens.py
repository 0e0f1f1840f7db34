"""Tokens with which a page of any origin gives feedback."""

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.feedback.models import Feedback, FeedbackToken
from apps.feedback.token_views import MAX_BODY, MOST_A_MINUTE
from tests.api import Caller
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

URL = "/api/v1/feedback/tokens"
PAGE = {"origin": "https://shop.example"}


@pytest.fixture
def root(workspace: Workspace) -> dict[str, Any]:
    sent = run(thread_id="t")
    send(workspace, sent)
    return sent


def made(api: Caller, **fields: Any) -> str:
    answer = api.post(URL, feedback_key="thumb", **fields)
    assert answer.status_code == 200, answer.content
    url: str = answer.json()["url"]
    return url.removeprefix("http://testserver")


def posted(url: str, **fields: Any) -> Any:
    """As a browser's page would, without a key."""
    return Client(headers=PAGE).post(url, json.dumps(fields), content_type="application/json")


def test_a_token_is_an_absolute_url_below_the_address_that_was_called(api: Caller, root: dict[str, Any]) -> None:
    token_id = str(uuid.uuid4())
    for base in ("", "/api", "/api/v1"):
        answer = api.post(f"{base}/feedback/tokens", run_id=root["id"], feedback_key="thumb").json()
        assert answer["url"] == f"http://testserver{base}/feedback/tokens/{answer['id']}"
        assert posted(answer["url"].removeprefix("http://testserver"), score=1).status_code == 200
    assert made(api, run_id=root["id"], id=token_id).endswith(token_id)


def test_several_tokens_are_made_at_once(api: Caller, root: dict[str, Any]) -> None:
    answer = api.post(URL, body=[{"run_id": root["id"], "feedback_key": key} for key in ("thumb", "stars")])
    assert len({token["id"] for token in answer.json()}) == 2
    listed = api.get(URL, run_id=root["id"]).json()
    assert {token["id"] for token in listed} == {token["id"] for token in answer.json()}
    assert len(api.get(URL, run_id=root["id"], limit=1, offset=1).json()) == 1


def test_each_use_is_a_feedback_of_its_own(api: Caller, root: dict[str, Any]) -> None:
    url = made(api, run_id=root["id"])
    posted(url, score=1, comment="nice", value="up", correction={"a": 1}, metadata={"page": "/", "judge": "tone-v2"})
    assert Client().get(url, {"score": "0", "comment": "meh"}).status_code == 200
    found = api.get("/feedback", run=root["id"]).json()
    assert [(one["key"], one["score"], one["comment"]) for one in found] == [("thumb", 0, "meh"), ("thumb", 1, "nice")]
    assert found[1]["feedback_source"]["metadata"] == {"page": "/"}
    assert [one["is_current"] for one in found] == [True, True]


def test_a_browser_of_another_origin_may_ask_and_send(api: Caller, root: dict[str, Any]) -> None:
    url = made(api, run_id=root["id"])
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    preflight = Client(headers=PAGE | asked).options(url)
    assert preflight.status_code == 204
    assert "content-type" in preflight["access-control-allow-headers"]
    assert "POST" in preflight["access-control-allow-methods"]
    for answer in (preflight, posted(url, score=1), posted(url, score="high"), posted(f"{URL}/{uuid.uuid4()}")):
        assert answer["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer


def test_a_token_ends(api: Caller, root: dict[str, Any]) -> None:
    url = made(api, run_id=root["id"], expires_in={"minutes": 5})
    (token,) = FeedbackToken.objects.all()
    assert token.expires_at - timezone.now() < timedelta(minutes=5)
    FeedbackToken.objects.update(expires_at=timezone.now())
    assert posted(url, score=1).status_code == 404
    assert posted(f"{URL}/{uuid.uuid4()}").status_code == 404
    assert Feedback.objects.count() == 0


def test_a_token_that_is_used_too_often_has_to_wait(api: Caller, root: dict[str, Any]) -> None:
    url = made(api, run_id=root["id"])
    FeedbackToken.objects.update(uses=MOST_A_MINUTE - 1)
    assert [posted(url, score=1).status_code for _ in range(2)] == [200, 429]
    FeedbackToken.objects.update(window_start=timezone.now() - timedelta(minutes=2))
    assert posted(url, score=1).status_code == 200


def test_a_token_may_come_before_its_run(api: Caller, workspace: Workspace) -> None:
    late = run()
    posted(made(api, run_id=late["id"]), score=1)
    send(workspace, late)
    assert api.get(f"/api/v1/runs/{late['id']}").json()["feedback_stats"]["thumb"]["avg"] == 1


def test_a_token_obeys_the_configuration_of_its_key(api: Caller, root: dict[str, Any]) -> None:
    url = made(api, run_id=root["id"], feedback_config={"type": "continuous", "min": 0, "max": 1})
    assert posted(url, score=2).status_code == 422
    assert posted(url, score=1).status_code == 200


@pytest.mark.parametrize("body", ["{", "[1]", "null", '{"score": {}}', '{"metadata": 1}', "[" * 5000, '{"comment": 5}'])
def test_a_body_that_cannot_be_read_is_422(api: Caller, root: dict[str, Any], body: str) -> None:
    answer = Client().post(made(api, run_id=root["id"]), body, content_type="application/json")
    assert answer.status_code == 422


def test_a_body_past_the_cap_is_refused(api: Caller, root: dict[str, Any]) -> None:
    assert posted(made(api, run_id=root["id"]), comment="x" * MAX_BODY).status_code == 422


def test_an_id_serves_one_token_only(api: Caller, root: dict[str, Any], stranger: Caller) -> None:
    body = {"run_id": root["id"], "feedback_key": "thumb", "id": str(uuid.uuid4())}
    assert api.post(URL, body=body).status_code == 200
    assert stranger.post(URL, body=body).status_code == 409


def test_tokens_are_the_workspaces_own(api: Caller, root: dict[str, Any], stranger: Caller) -> None:
    made(api, run_id=root["id"])
    assert stranger.get(URL, run_id=root["id"]).json() == []


def test_a_key_that_may_only_send_runs_makes_tokens_and_lists_none(ingest_only: Caller, root: dict[str, Any]) -> None:
    made(ingest_only, run_id=root["id"])
    assert ingest_only.get(URL, run_id=root["id"]).status_code == 403
