"""The configurations of feedback keys, and what they accept."""

import json
import uuid
from typing import Any

import pytest

from apps.accounts.models import AuditEntry
from apps.feedback.models import FeedbackKey
from tests.api import Caller

pytestmark = pytest.mark.django_db

URL = "/api/v1/feedback-configs"
STARS = {"type": "continuous", "min": 1, "max": 5}
TONE = {"type": "categorical", "categories": [{"value": 0, "label": "rude"}, {"value": 1, "label": "kind"}]}


def configured(api: Caller, config: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = api.post(URL, feedback_key="k", feedback_config=config, **fields)
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_configuration_is_shown_as_it_was_given(api: Caller) -> None:
    found = configured(api, TONE, is_lower_score_better=True)
    assert found["feedback_key"] == "k"
    assert found["tenant_id"] == str(api.key.workspace_id)
    assert found["is_lower_score_better"] is True
    assert found["feedback_config"] == {"min": None, "max": None, "allows_multiple_categories": False, **TONE}
    assert api.get(URL).json() == [found]


def test_the_same_again_is_answered_and_another_is_400(api: Caller) -> None:
    assert configured(api, STARS)["id"] == configured(api, STARS)["id"]
    assert api.post(URL, feedback_key="k", feedback_config=TONE).status_code == 400
    assert api.post(URL, feedback_key="k", feedback_config=STARS, is_lower_score_better=True).status_code == 400


def test_a_list_is_narrowed(api: Caller) -> None:
    for key in ("alpha", "beta", "gamma"):
        api.post(URL, feedback_key=key, feedback_config={"type": "freeform"})
    shown = [
        [config["feedback_key"] for config in api.get(URL, **query).json()]
        for query in ({}, {"key": ["alpha", "gamma"]}, {"name_contains": "ET"}, {"limit": 1, "offset": 1})
    ]
    assert shown == [["alpha", "beta", "gamma"], ["alpha", "gamma"], ["beta"], ["beta"]]


def test_a_patch_changes_what_is_given(api: Caller) -> None:
    configured(api, STARS)
    body = json.dumps({"feedback_key": "k", "is_lower_score_better": True})
    changed = api.client.patch(URL, body, content_type="application/json").json()
    assert (changed["is_lower_score_better"], changed["feedback_config"]["max"]) == (True, 5)
    body = json.dumps({"feedback_key": "k", "feedback_config": {"type": "boolean"}})
    changed = api.client.patch(URL, body, content_type="application/json").json()
    assert (changed["feedback_config"]["type"], changed["feedback_config"]["max"]) == ("boolean", None)


LABELS = {"type": "categorical", "categories": [{"value": at, "label": label} for at, label in enumerate("abc")]}


def test_categories_are_added_and_taken_out_one_by_one(api: Caller) -> None:
    api.post(URL, {"feedback_key": "topic", "feedback_config": {**LABELS, "allows_multiple_categories": True}})
    body = {"feedback_key": "topic", "add_categories": [{"value": 7, "label": "d"}], "remove_categories": [0]}
    found = api.client.patch(URL, body, content_type="application/json").json()["feedback_config"]
    assert [item["label"] for item in found["categories"]] == ["b", "c", "d"]
    assert found["allows_multiple_categories"] is True


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"add_categories": [{"value": 0, "label": "d"}]}, "each value once"),
        ({"add_categories": ["d"]}, "a number as value"),
        ({"remove_categories": [0, 1]}, "at least 2 must remain"),
        ({"feedback_key": "other", "add_categories": [{"value": 0, "label": "d"}]}, "has no categories"),
    ],
)
def test_categories_that_cannot_be_are_422(api: Caller, change: dict[str, Any], told: str) -> None:
    api.post(URL, {"feedback_key": "topic", "feedback_config": LABELS})
    api.post(URL, {"feedback_key": "other", "feedback_config": {"type": "boolean"}})
    answer = api.client.patch(URL, {"feedback_key": "topic", **change}, content_type="application/json")
    assert (answer.status_code, told in answer.content.decode()) == (422, True)


def test_a_configuration_is_named_by_its_id(api: Caller, stranger: Caller) -> None:
    made = api.post(URL, {"feedback_key": "topic", "feedback_config": LABELS}).json()["id"]
    assert stranger.client.delete(URL, query_params={"id": made}).status_code == 404
    wrong = {"feedback_key": "topic", "id": str(uuid.uuid4()), "is_lower_score_better": True}
    assert api.client.patch(URL, wrong, content_type="application/json").status_code == 404
    assert api.client.delete(URL).status_code == 422
    assert api.client.delete(URL, query_params={"id": made}).status_code == 204
    assert api.get(URL).json() == []


def test_a_deleted_configuration_is_gone_and_the_feedback_stays(api: Caller) -> None:
    configured(api, STARS)
    api.post("/feedback", run_id=uuid.uuid4(), key="k", score=2)
    assert api.client.delete(f"{URL}?feedback_key=k").status_code == 204
    assert api.client.delete(f"{URL}?feedback_key=k").status_code == 404
    assert len(api.get("/feedback", key="k").json()) == 1
    assert AuditEntry.objects.filter(action__contains="configur").count() == 2


def test_another_workspace_has_its_own_configurations(api: Caller, stranger: Caller) -> None:
    configured(api, STARS)
    assert stranger.get(URL).json() == []
    assert stranger.client.delete(f"{URL}?feedback_key=k").status_code == 404
    configured(stranger, TONE)
    assert FeedbackKey.objects.count() == 2


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"type": "stars"},
        {"type": "continuous", "min": "a"},
        {"type": "continuous", "min": 2, "max": 1},
        {"type": "continuous", "min": True},
        {"type": "categorical"},
        {"type": "categorical", "categories": []},
        {"type": "categorical", "categories": [{"label": "a"}]},
        {"type": "categorical", "categories": [{"value": 1, "label": "a"}, {"value": 1, "label": "b"}]},
        {"type": "categorical", "categories": [{"value": 1, "label": "a"}, {"value": 2, "label": "a"}]},
        {"type": "categorical", "categories": [{"value": 1, "label": "x" * 101}]},
        {"type": "categorical", "categories": [{"value": n, "label": None} for n in range(201)]},
    ],
)
def test_a_configuration_that_says_nothing_is_422(api: Caller, config: dict[str, Any]) -> None:
    answer = api.post(URL, feedback_key="k", feedback_config=config)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("feedback_config: ")


@pytest.mark.parametrize(
    ("config", "given", "kept"),
    [
        (STARS, {"score": 1}, (1, None)),
        (STARS, {"score": 5.0}, (5, None)),
        (STARS, {"value": "any"}, (None, "any")),
        ({"type": "continuous"}, {"score": -1e9}, (-1e9, None)),
        (TONE, {"value": "kind"}, (1, "kind")),
        (TONE, {"score": 0}, (0, "rude")),
        (TONE | {"allows_multiple_categories": True}, {"value": ["kind", "rude"]}, (None, ["kind", "rude"])),
        ({"type": "boolean"}, {"score": True}, (1, None)),
        ({"type": "boolean"}, {"value": False}, (0, False)),
        ({"type": "freeform"}, {"value": "whatever", "score": 7}, (7, "whatever")),
        (STARS, {"score": 99, "error": True}, (99, None)),
    ],
)
def test_feedback_that_fits_is_completed(api: Caller, config: Any, given: Any, kept: Any) -> None:
    configured(api, config)
    found = api.post("/feedback", run_id=uuid.uuid4(), key="k", **given).json()
    assert (found["score"], found["value"]) == kept


@pytest.mark.parametrize(
    ("config", "given", "complaint"),
    [
        (STARS, {"score": 0.5}, "at least 1, not 0.5"),
        (STARS, {"score": 6}, "at most 5"),
        (TONE, {"value": "odd"}, "one of rude, kind, not odd"),
        (TONE, {"value": ["kind"]}, "one of rude, kind"),
        (TONE, {"score": 2}, "one of 0, 1, not 2"),
        ({"type": "boolean"}, {"score": 0.5}, "is 0 or 1"),
    ],
)
def test_feedback_that_does_not_fit_is_422_and_says_what_would(
    api: Caller, config: Any, given: Any, complaint: str
) -> None:
    configured(api, config)
    answer = api.post("/feedback", run_id=uuid.uuid4(), key="k", **given)
    assert answer.status_code == 422
    assert complaint in answer.json()["detail"]


@pytest.mark.parametrize("spelling", ["feedback_config", "feedbackConfig"])
def test_feedback_may_bring_the_configuration_of_a_new_key(api: Caller, spelling: str) -> None:
    body = {"run_id": str(uuid.uuid4()), "key": "k", "score": 3, spelling: STARS}
    assert api.post("/feedback", **body).status_code == 200
    assert api.post("/feedback", **(body | {"score": 9, spelling: {"type": "continuous"}})).status_code == 422
