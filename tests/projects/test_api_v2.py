"""The v2 routes of projects, and the v1 route that finds a project by its address."""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from apps.projects.models import Project
from tests.api import Caller
from tests.factories import EPOCH, ProjectFactory
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

PATH = "/api/v2/sessions"


def names(api: Caller, **query: Any) -> list[str]:
    answer = api.get(PATH, **query)
    assert answer.status_code == 200, answer.content
    return [item["name"] for item in answer.json()["items"]]


def test_a_project_is_shown_with_its_type_and_zulu_times(api: Caller) -> None:
    project = ProjectFactory(workspace=api.key.workspace, name="p")
    shown = api.get(f"{PATH}/{project.pk}").json()
    assert (shown["id"], shown["tenant_id"]) == (str(project.pk), str(project.workspace_id))
    assert (shown["name"], shown["type"], shown["start_time"]) == ("p", "PROJECT", "2026-03-01T12:00:00Z")
    assert "run_count" not in shown


def test_stats_come_when_they_are_asked_for(api: Caller) -> None:
    project = send(api.key.workspace, run())
    assert api.get(f"{PATH}/{project.pk}", include_stats="true").json()["run_count"] == 1


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_stats_of_one_project_begin_where_they_are_asked_to(api: Caller, version: str) -> None:
    project = send(api.key.workspace, run(start=EPOCH), run(start=EPOCH + timedelta(hours=2)))
    for since, count in ((EPOCH, 2), (EPOCH + timedelta(hours=1), 1), (EPOCH + timedelta(hours=3), 0)):
        asked = {"include_stats": "true", "stats_start_time": since.isoformat()}
        assert api.get(f"/api/{version}/sessions/{project.pk}", **asked).json()["run_count"] == count


def test_what_projects_do_not_have_is_refused_rather_than_left_out(api: Caller) -> None:
    answer = api.get(PATH, tag_value_id=uuid.uuid4())
    assert answer.status_code == 400
    assert "no tags" in answer.json()["detail"]


def test_projects_are_found_by_name_part_and_type(api: Caller) -> None:
    ProjectFactory(workspace=api.key.workspace, name="shop")
    ProjectFactory(workspace=api.key.workspace, name="shop test", reference_dataset_id=uuid.uuid4())
    assert names(api, name="shop") == ["shop"]
    assert set(names(api, name_contains="sho")) == {"shop", "shop test"}
    assert names(api, type="EXPERIMENT") == ["shop test"]
    assert set(names(api, type="PROJECT")) == {"default", "shop"}
    assert names(api, type="AGENT") == []


def test_projects_come_page_by_page_in_the_order_asked_for(api: Caller) -> None:
    for name in "bca":
        ProjectFactory(workspace=api.key.workspace, name=name)
    query = {"sort_by": "NAME", "sort_order": "asc", "page_size": 3}
    first = api.get(PATH, **query).json()
    assert [item["name"] for item in first["items"]] == ["a", "b", "c"]
    second = api.get(PATH, **query, cursor=first["next_cursor"]).json()
    assert ([item["name"] for item in second["items"]], second["next_cursor"]) == (["default"], None)


def test_a_project_is_created_once_and_changed_by_an_upsert(api: Caller) -> None:
    made = api.post(PATH, name="new", type="PROJECT").json()
    assert api.post(PATH, name="new", type="PROJECT").status_code == 409
    changed = api.post(f"{PATH}?upsert=true", name="new", type="PROJECT", description="d").json()
    assert (changed["id"], changed["description"]) == (made["id"], "d")


def test_an_agent_cannot_be_created_and_an_experiment_needs_a_dataset(api: Caller) -> None:
    assert api.post(PATH, name="a", type="AGENT").status_code == 400
    assert api.post(PATH, name="a", type="EXPERIMENT").status_code == 422


def test_a_project_is_changed(api: Caller) -> None:
    project = ProjectFactory(workspace=api.key.workspace)
    answer = api.client.patch(f"{PATH}/{project.pk}", '{"name": "renamed"}', content_type="application/json")
    assert answer.json()["name"] == "renamed"
    assert Project.objects.get(pk=project.pk).name == "renamed"


def test_the_address_of_an_experiment_is_its_project(api: Caller) -> None:
    project = ProjectFactory(workspace=api.key.workspace, reference_dataset_id=uuid.uuid4())
    path = "/api/v1/sessions/resolutions"
    assert api.get(path, kind="EXPERIMENT", id=project.pk).json() == {"session_id": str(project.pk)}
    assert api.get(path, kind="AGENT", id="x").status_code == 404
    assert api.get(path, kind="EXPERIMENT", id="x").status_code == 422
