"""What the token of a shared link opens through v2."""

import asyncio
import uuid
from typing import Any

import pytest
from django.test import Client
from langsmith import AsyncClient

from apps.accounts.models import ApiKey
from apps.projects.models import Project
from tests.api import Caller
from tests.factories import ApiKeyFactory
from tests.threads.wire import run, send, turns

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> ApiKey:
    return ApiKeyFactory()


@pytest.fixture
def api(key: ApiKey) -> Caller:
    return Caller(key)


@pytest.fixture
def anybody() -> Caller:
    caller = Caller(ApiKeyFactory())
    caller.client = Client()
    return caller


@pytest.fixture
def trace(key: ApiKey) -> tuple[Project, dict[str, Any], dict[str, Any]]:
    """Its project, its root and the root's child; a run of another trace is beside them."""
    root = run("agent", thread_id="t 1", inputs={"question": "how are you?"})
    child = run("look up", parent=root, run_type="tool")
    return send(key.workspace, root, child, run("private", thread_id="t 2")), root, child


def share(api: Caller, project: Project, root: dict[str, Any]) -> str:
    answer = api.post(f"/api/v2/runs/{root['id']}/share", session_id=project.pk, trace_id=root["id"])
    return str(answer.json()["share_token"])


def test_the_runs_of_a_shared_trace_are_queried_without_a_key(api: Caller, anybody: Caller, trace: Any) -> None:
    project, root, child = trace
    token = share(api, project, root)
    answer = anybody.post(f"/api/v2/public/{token}/runs/query", selects=["ID", "NAME", "PARENT_RUN_ID"])
    assert answer.json() == {
        "items": [
            {"id": found["id"], "name": found["name"], "parent_run_id": found["parent_run_id"]}
            for found in sorted((root, child), key=lambda run: run["id"])
        ],
        "next_cursor": None,
    }


def test_the_pages_of_a_shared_thread_follow_one_another(api: Caller, anybody: Caller, key: ApiKey) -> None:
    three = turns("t 3", 3)
    project = send(key.workspace, *three)
    token = api.post("/api/v2/threads/t 3/share", project_id=project.pk).json()["share_token"]
    path = f"/api/v2/public/{token}/runs/query"
    first = anybody.post(path, page_size=2).json()
    second = anybody.post(path, page_size=2, cursor=first["next_cursor"]).json()
    assert [item["id"] for item in first["items"] + second["items"]] == [turn["id"] for turn in three]
    assert second["next_cursor"] is None


def test_a_shared_run_leads_to_its_public_page_and_not_into_the_workspace(
    api: Caller, anybody: Caller, trace: Any
) -> None:
    project, root, child = trace
    token = share(api, project, root)
    asked = {"selects": ["APP_PATH", "SHARE_URL", "INPUTS"]}
    assert anybody.get(f"/api/v2/public/{token}/run/{child['id']}", **asked).json() == {
        "app_path": f"/public/{token}/r/{child['id']}",
        "share_url": f"http://testserver/public/{token}/r",
        "inputs": {"question": "hello"},
    }


def test_a_run_of_another_trace_is_404(api: Caller, anybody: Caller, trace: Any) -> None:
    project, root, _ = trace
    token = share(api, project, root)
    stranger = run("stranger")
    send(project.workspace, stranger)
    assert anybody.get(f"/api/v2/public/{token}/run/{stranger['id']}").status_code == 404


def test_a_revoked_link_opens_nothing(api: Caller, anybody: Caller, trace: Any) -> None:
    project, root, _ = trace
    token = share(api, project, root)
    api.client.delete(
        f"/api/v2/runs/{root['id']}/share", f'{{"session_id": "{project.pk}"}}', content_type="application/json"
    )
    assert anybody.post(f"/api/v2/public/{token}/runs/query").status_code == 404
    assert anybody.get(f"/api/v2/public/{token}/run/{root['id']}").status_code == 404


def test_an_unknown_token_is_404(anybody: Caller) -> None:
    assert anybody.post(f"/api/v2/public/{uuid.uuid4()}/runs/query").status_code == 404


def test_the_share_url_of_a_run_is_there_while_it_is_shared(api: Caller, trace: Any) -> None:
    project, root, child = trace
    asked = {"project_id": project.pk, "selects": ["SHARE_URL"]}
    assert api.get(f"/api/v2/runs/{root['id']}", **asked).json() == {"share_url": None}
    token = share(api, project, root)
    assert api.get(f"/api/v2/runs/{root['id']}", **asked).json() == {"share_url": f"http://testserver/public/{token}/r"}
    assert api.get(f"/api/v2/runs/{child['id']}", **asked).json() == {"share_url": None}


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_python_sdk_reads_what_is_shared(live_server: Any, api: Caller, trace: Any) -> None:
    project, root, child = trace
    token = share(api, project, root)

    async def story() -> None:
        async with AsyncClient(api_url=f"{live_server.url}/api/v1", api_key="none") as client:
            found = await client.public.runs.query(token, selects=["ID", "NAME"])
            assert {item.name for item in found.items or []} == {"agent", "look up"}
            one = await client.public.runs.retrieve(
                child["id"], share_token=token, selects=["NAME", "RUN_TYPE"], start_time=child["start_time"]
            )
            assert (one.name, one.run_type) == ("look up", "TOOL")

    asyncio.run(story())
