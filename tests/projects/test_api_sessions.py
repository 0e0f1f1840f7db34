"""/sessions: what the SDKs call projects."""

import json
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.accounts.models import ApiKey, AuditEntry
from apps.projects import tasks
from apps.projects.models import Project, ProjectTally
from apps.runs.models import Run, Trace
from apps.threads.models import Thread
from tests.factories import EPOCH, ApiKeyFactory, ProjectFactory, RunFactory, ThreadFactory, TraceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> ApiKey:
    return ApiKeyFactory()


def call(key: ApiKey, method: str, path: str, body: Any = None, **query: Any) -> Any:
    client = Client(headers={"x-api-key": key.secret})
    text = "" if body is None else json.dumps(body, default=str)
    return client.generic(
        method, f"/api/v1/sessions{path}", text, content_type="application/json", query_params=query or None
    )


def names(key: ApiKey, **query: Any) -> list[str]:
    answer = call(key, "GET", "", **query)
    assert answer.status_code == 200, answer.content
    return [project["name"] for project in answer.json()]


def test_default_is_always_there(key: ApiKey) -> None:
    (project,) = call(key, "GET", "", limit=1).json()
    assert (project["name"], project["tenant_id"]) == ("default", str(key.workspace_id))
    assert names(key) == ["default"]


def test_a_project_is_shown_field_by_field(key: ApiKey) -> None:
    project = ProjectFactory(
        workspace=key.workspace, name="bot", description="helps", extra={"metadata": {"v": 1}}, end_time=EPOCH
    )
    assert call(key, "GET", f"/{project.pk}").json() == {
        "id": str(project.pk),
        "tenant_id": str(key.workspace_id),
        "name": "bot",
        "description": "helps",
        "start_time": "2026-03-01T12:00:00Z",
        "end_time": "2026-03-01T12:00:00Z",
        "extra": {"metadata": {"v": 1}},
        "reference_dataset_id": None,
        "default_dataset_id": None,
        "trace_tier": None,
        "last_run_start_time": None,
    }


def test_the_list_is_asked_by_each_parameter(key: ApiKey) -> None:
    dataset = uuid.uuid4()
    made = [
        ProjectFactory(workspace=key.workspace, name=name, start_time=EPOCH - timedelta(days=n), **fields)
        for n, (name, fields) in enumerate(
            {
                "bot one": {"extra": {"metadata": {"team": "a", "n": 1}}},
                "Bot two": {"reference_dataset_id": dataset},
                "other": {},
            }.items()
        )
    ]
    assert names(key) == ["default", "bot one", "Bot two", "other"]
    assert names(key, name="bot one") == ["bot one"]
    assert names(key, name="bot") == []
    assert names(key, name_contains="BOT") == ["bot one", "Bot two"]
    assert names(key, id=[made[0].pk, made[2].pk]) == ["bot one", "other"]
    assert names(key, metadata='{"team": "a"}') == ["bot one"]
    assert names(key, metadata='{"team": "b"}') == []
    assert names(key, reference_dataset=dataset) == ["Bot two"]
    assert names(key, reference_free="True") == ["default", "bot one", "other"]
    assert names(key, reference_free="false", dataset_version="x", made_up=1) == names(key)
    assert names(key, limit=2) == ["default", "bot one"]
    assert names(key, limit=2, offset=2) == ["Bot two", "other"]
    assert names(key, limit=-1, offset=-1) == ["default"]
    assert names(key, name="nul\x00") == []


@pytest.mark.parametrize(
    "query",
    [
        {"id": "x"},
        {"limit": "x"},
        {"metadata": "{"},
        {"metadata": "[]"},
        {"metadata": '{"a":"\\u0000"}'},
        {"metadata": '{"a": 1e999}'},
        {"metadata": '{"a":' * 2_000 + "1" + "}" * 2_000},
    ],
)
def test_a_bad_parameter_gets_a_sentence(key: ApiKey, query: dict[str, str]) -> None:
    answer = call(key, "GET", "", **query)
    assert answer.status_code == 422
    assert isinstance(answer.json()["detail"], str)


def test_stats_come_from_the_traces(key: ApiKey) -> None:
    project = ProjectFactory(workspace=key.workspace)
    for seconds in (1, 2, 4):
        root = RunFactory(
            project=project,
            start_time=EPOCH,
            end_time=EPOCH + timedelta(seconds=seconds),
            error="x" if seconds == 4 else None,
        )
        TraceFactory(
            root=root,
            run_count=2,
            llm_count=1,
            total_tokens=10 * seconds,
            total_cost=Decimal("0.5"),
            first_token_time=EPOCH + timedelta(seconds=0.5) if seconds == 1 else None,
        )
    pending = RunFactory(project=project, start_time=EPOCH + timedelta(days=1), end_time=None)
    TraceFactory(root=pending)
    shown = call(key, "GET", f"/{project.pk}", include_stats="True").json()
    assert {
        name: shown[name] for name in ("run_count", "latency_p50", "first_token_p50", "total_tokens", "total_cost")
    } == {
        "run_count": 7,
        "latency_p50": 2.0,
        "first_token_p50": 0.5,
        "total_tokens": 70,
        "total_cost": 1.5,
    }
    assert shown["latency_p99"] == pytest.approx(3.96)
    assert (shown["error_rate"], shown["streaming_rate"]) == (0.25, 0.25)
    assert shown["last_run_start_time"] == "2026-03-02T12:00:00Z"
    assert call(key, "GET", "", include_stats=True, name=project.name).json() == [shown]


def test_stats_of_an_empty_project_are_zero_or_null(key: ApiKey) -> None:
    (shown,) = call(key, "GET", "", include_stats="true").json()
    assert (shown["run_count"], shown["total_tokens"]) == (0, 0)
    assert [shown[name] for name in ("latency_p50", "total_cost", "error_rate", "last_run_start_time")] == [None] * 4


def test_the_list_costs_the_same_queries_at_10_and_at_20_projects(key: ApiKey) -> None:
    counts = []
    for _ in range(2):
        for _ in range(10):
            ProjectFactory(workspace=key.workspace)
        call(key, "GET", "", include_stats=True)
        with CaptureQueriesContext(connection) as queries:
            call(key, "GET", "", include_stats=True)
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_project_is_created_as_told(key: ApiKey) -> None:
    id_ = uuid.uuid4()
    body = {
        "name": "new\x00",
        "id": id_,
        "description": "d",
        "extra": {"metadata": {"a": "b\x00"}},
        "start_time": "2026-01-01T00:00:00",
        "end_time": None,
        "num_examples": 3,
        "reference_dataset_id": None,
    }
    shown = call(key, "POST", "", body).json()
    assert (shown["id"], shown["name"], shown["start_time"]) == (str(id_), "new", "2026-01-01T00:00:00Z")
    assert call(key, "GET", f"/{id_}").json() == shown
    assert shown["extra"] == {"metadata": {"a": "b"}}
    assert AuditEntry.objects.get(workspace=key.workspace).action == "created project"


def test_a_name_that_is_taken_is_a_conflict(key: ApiKey) -> None:
    ProjectFactory(workspace=key.workspace, name="bot")
    ProjectFactory(name="elsewhere")
    assert call(key, "POST", "", {"name": "bot"}).status_code == 409
    assert call(key, "POST", "", {"name": "elsewhere"}).status_code == 200


def test_upsert_changes_the_existing_project(key: ApiKey) -> None:
    project = ProjectFactory(workspace=key.workspace, name="bot", description="old", extra={"a": 1})
    shown = call(
        key, "POST", "", {"name": "bot", "id": uuid.uuid4(), "description": "new", "extra": None}, upsert="True"
    ).json()
    assert (shown["id"], shown["description"], shown["extra"]) == (str(project.pk), "new", {"a": 1})


def test_an_id_that_is_taken_elsewhere_is_a_conflict(key: ApiKey) -> None:
    foreign = ProjectFactory(name="foreign")
    assert call(key, "POST", "", {"name": "mine", "id": foreign.pk}).status_code == 409
    foreign.refresh_from_db()
    assert foreign.name == "foreign"


def test_patch_changes_what_is_given(key: ApiKey) -> None:
    project = ProjectFactory(workspace=key.workspace, name="bot", description="old")
    body = {"name": "bot 2", "description": None, "extra": {"b": 2}, "end_time": "2026-03-02T00:00:00+00:00"}
    shown = call(key, "PATCH", f"/{project.pk}", body).json()
    assert (shown["name"], shown["description"], shown["extra"]) == ("bot 2", "old", {"b": 2})
    assert shown["end_time"] == "2026-03-02T00:00:00Z"


def test_renaming_to_a_taken_name_is_a_conflict(key: ApiKey) -> None:
    ProjectFactory(workspace=key.workspace, name="taken")
    project = ProjectFactory(workspace=key.workspace)
    assert call(key, "PATCH", f"/{project.pk}", {"name": "taken"}).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 501},
        {"name": "a", "id": "x"},
        {"name": 5},
        {"name": "a", "start_time": "9999-12-31T23:59:59-14:00"},
        {"name": "a", "extra": {"x": 1e308}},
        {"name": "a", "extra": json.loads('{"a":' * 60 + "1" + "}" * 60)},
    ],
)
def test_a_project_that_cannot_be_is_refused(key: ApiKey, body: Any) -> None:
    assert call(key, "POST", "", body).status_code == 422


def test_a_deleted_project_is_gone_at_once(key: ApiKey) -> None:
    project = ProjectFactory(workspace=key.workspace, name="bot")
    ProjectTally.objects.create(project=project, shard=0)
    run = RunFactory(project=project)
    assert call(key, "DELETE", f"/{project.pk}").status_code == 202
    assert call(key, "DELETE", f"/{project.pk}").status_code == 404
    assert call(key, "GET", f"/{project.pk}").status_code == 404
    assert Client(headers={"x-api-key": key.secret}).get(f"/runs/{run.id}").status_code == 404
    assert names(key) == ["default"]
    assert not ProjectTally.objects.exists()
    job = ProcrastinateJob.objects.get(task_name="delete_project")
    assert job.args == {"project_id": str(project.pk)}
    assert AuditEntry.objects.filter(action="deleted project", target="bot").exists()


def test_the_job_deletes_all_rows_of_its_project_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CHUNK", 2)
    gone, kept = ProjectFactory(), ProjectFactory()
    for project in (gone, kept):
        for _ in range(5):
            root = TraceFactory(root__project=project).trace_id
            RunFactory(parent=Run.objects.get(id=root))
            ThreadFactory(project=project)
    Project.objects.filter(pk=gone.pk).delete()
    tasks.delete_project(project_id=str(gone.pk))
    for model, count in ((Run, 10), (Trace, 5), (Thread, 5)):
        assert set(model.objects.values_list("project_id", flat=True)) == {kept.pk}
        assert model.objects.count() == count


def test_default_comes_back_after_its_deletion(key: ApiKey) -> None:
    (default,) = call(key, "GET", "").json()
    call(key, "DELETE", f"/{default['id']}")
    assert names(key) == ["default"]
    assert call(key, "GET", "").json()[0]["id"] != default["id"]


def test_without_a_key_nothing_is_told() -> None:
    project = ProjectFactory()
    for path in ("", f"/{project.pk}"):
        assert Client().get(f"/sessions{path}").status_code == 401
    assert Client().delete(f"/sessions/{project.pk}").status_code == 401
    assert Project.objects.filter(pk=project.pk).exists()


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_outsider_gets_404(key: ApiKey, method: str) -> None:
    project = ProjectFactory(name="secret")
    assert call(key, method, f"/{project.pk}", {"name": "mine"}).status_code == 404
    project.refresh_from_db()
    assert project.name == "secret"
    assert names(key, id=project.pk) == names(key, name="secret") == []
