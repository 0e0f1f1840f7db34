"""What the read routes refuse, and how."""

import io
import json
import re
import uuid
from typing import Any

import pytest
from django.contrib.staticfiles.finders import find
from django.test import Client

from apps.accounts.models import ApiKey, Scope
from apps.projects.models import Project
from config.api import MAX_BODY
from tests.factories import ApiKeyFactory, ProjectFactory, RunFactory, WorkspaceFactory
from tests.runs.reading import found, get, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> ApiKey:
    return ApiKeyFactory()


@pytest.fixture
def project(key: ApiKey) -> Project:
    return ProjectFactory(workspace=key.workspace)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"filter": "eq(nme, 'x')"}, 400),
        ({"trace_filter": "eq("}, 400),
        ({"tree_filter": "x"}, 400),
        ({"query": "a " * 50 + "b " * 50 + " ".join(str(n) for n in range(30))}, 400),
        ({"execution_order": 2}, 400),
        ({"cursor": "made up"}, 400),
        ({"session": ["not-a-uuid"]}, 422),
        ({"id": "not-a-uuid"}, 422),
        ({"trace": 5}, 422),
        ({"start_time": "yesterday"}, 422),
        ({"start_time": "0001-01-01T00:00:00+14:00"}, 422),
        ({"end_time": "9999-12-31T23:59:59-14:00"}, 422),
        ({"filter": "eq(start_time, '0001-01-01T00:00:00+14:00')"}, 400),
        ({"limit": 1e300}, 422),
        ({"limit": "many"}, 422),
        ({"order": "sideways"}, 422),
        (b"{", 400),
        (b"[]", 400),
        (b"", 422),
        (b"\xff", 400),
        (b'{"filter": "\\ud800"}', 400),
        (b"[" * 100_000, 400),
        (b'{"x":' * 50_000, 400),
    ],
)
def test_a_bad_question_gets_a_sentence(key: ApiKey, project: Project, body: Any, status: int) -> None:
    RunFactory(project=project)
    answer = post(key, body)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 10**30},
        {"id": [uuid.uuid4() for _ in range(5_000)]},
        {"session": [uuid.uuid4() for _ in range(5_000)]},
        {"filter": "in(total_tokens, [1e30, -1e30, 0.000001])"},
        {"filter": "gt(latency, '99999999999999999999d')"},
        {"filter": "gt(start_time, '9999-12-31T23:59:59+14:00')"},
        {"filter": "like(name, '%\\\\')"},
        {"filter": "and(" + ", ".join(["search('a b c')"] * 50) + ")"},
        {"select": ["\x00"], "cursor": "\x00", "query": " ", "filter": "\n", "tree_filter": "", "trace_filter": ""},
    ],
)
def test_an_odd_question_is_answered(key: ApiKey, project: Project, body: Any) -> None:
    assert post(key, body).status_code == 200


def test_nul_in_a_question_finds_nothing_and_breaks_nothing(key: ApiKey, project: Project) -> None:
    RunFactory(project=project, run_type="llm")
    assert found(key, run_type="ll\x00m x") == []


def test_a_body_too_large_is_refused_before_it_is_read(key: ApiKey) -> None:
    assert post(key, b" " * (MAX_BODY + 1)).status_code == 413


def chunked(key: ApiKey, body: bytes) -> Any:
    client = Client(headers={"x-api-key": key.secret, "transfer-encoding": "chunked"})
    return client.generic("POST", "/api/v1/runs/query", **{"wsgi.input": io.BytesIO(body)})


def test_a_chunked_question_without_length_is_read(key: ApiKey, project: Project) -> None:
    run = RunFactory(project=project)
    RunFactory(project=project)
    answer = chunked(key, json.dumps({"id": [str(run.pk[1])]}).encode())
    assert [found["id"] for found in answer.json()["runs"]] == [str(run.id)]


def test_a_chunked_question_too_large_is_refused(key: ApiKey) -> None:
    assert chunked(key, b" " * (MAX_BODY + 1)).status_code == 413


def test_the_content_type_does_not_matter(key: ApiKey) -> None:
    client = Client(headers={"x-api-key": key.secret})
    assert client.post("/runs/query", b"{}", content_type="text/plain;charset=UTF-8").status_code == 200


def test_without_a_key_nothing_is_told(project: Project) -> None:
    run = RunFactory(project=project)
    for answer in (
        Client().post("/runs/query", b"{}", content_type="application/json"),
        Client().get(f"/runs/{run.id}"),
    ):
        assert answer.status_code == 401
        assert "x-api-key" in answer.json()["detail"]


def test_an_ingest_key_may_not_read(project: Project) -> None:
    key = ApiKeyFactory(workspace=project.workspace, scope=Scope.INGEST)
    assert post(key, {}).status_code == 403
    assert get(key, f"/runs/{RunFactory(project=project).id}").status_code == 403


def test_an_outsider_finds_nothing(project: Project) -> None:
    run = RunFactory(project=project)
    outsider = ApiKeyFactory(workspace=WorkspaceFactory())
    assert found(outsider) == found(outsider, session=[project.pk]) == found(outsider, id=[run.id]) == []
    assert found(outsider, trace=run.trace_id, tree_filter="neq(name, 'x')") == []
    assert get(outsider, f"/runs/{run.id}").status_code == 404


def test_a_filter_on_the_trace_does_not_look_into_other_workspaces(key: ApiKey, project: Project) -> None:
    mine = RunFactory(project=project, name="mine")
    RunFactory(parent=mine, project=ProjectFactory(), name="foreign")
    assert found(key, tree_filter='eq(name, "foreign")') == []


def test_an_unknown_run_is_404_and_a_malformed_id_422(key: ApiKey) -> None:
    assert get(key, f"/runs/{uuid.uuid4()}").status_code == 404
    assert get(key, "/runs/nonsense").status_code == 422
    assert get(key, "/runs/" + "-" * 36).status_code == 422


def test_an_id_without_dashes_is_read(key: ApiKey, project: Project) -> None:
    run = RunFactory(project=project)
    assert get(key, f"/runs/{run.id.hex}").json()["id"] == str(run.id)


def test_a_program_needs_no_csrf_token(key: ApiKey) -> None:
    client = Client(enforce_csrf_checks=True, headers={"x-api-key": key.secret})
    assert client.post("/runs/query", b"{}", content_type="application/json").status_code == 200


def test_reading_is_described_at_api_docs() -> None:
    schema = Client().get("/api/openapi.json").json()
    assert {"/api/runs/query", "/api/runs/{run_id}", "/api/sessions", "/api/sessions/{project_id}"} <= set(
        schema["paths"]
    )


def test_the_page_of_the_description_loads_nothing_from_elsewhere() -> None:
    page = Client().get("/api/docs").content.decode()
    sources = re.findall(r'(?:src|href)="([^"?]+)', page)
    assert len(sources) > 2
    assert all(source.startswith("/static/") and find(source.removeprefix("/static/")) for source in sources)
