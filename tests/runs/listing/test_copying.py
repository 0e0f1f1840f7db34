"""What is copied from a list is run here as a user would run it: against a live server, with the real SDK."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.copying import copies
from tests.factories import ApiKeyFactory
from tests.sdk.environments import program
from tests.threads.wire import run, send

FAILED = 'eq(status, "error")'
TEAM = 'and(eq(metadata_key, "plan"), eq(metadata_value, "it\'s \\"team\\""))'
TOOL = 'eq(run_type, "tool")'

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def project(workspace: Workspace) -> Project:
    made = [run("chat", thread_id=f"t{n}", metadata={"plan": 'it\'s "team"' if n else "free"}) for n in range(3)]
    return send(workspace, *made, run("find", parent=made[2], run_type="tool", error="boom"))


def copied(project: Project, kind: str, asked: Asked, origin: str) -> dict[str, str]:
    return {copy.id: copy.text for copy in copies(project, kind, asked, link="http://x/list?q=1", origin=origin)}


def printed(command: list[str], workspace: Workspace) -> list[str]:
    """The first word of each line that a program prints which has a key of the workspace."""
    environment = {**os.environ, "LANGSMITH_API_KEY": ApiKeyFactory(workspace=workspace).secret}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return sorted(line.split()[0] for line in done.stdout.splitlines())


THREADS = [
    (Asked(), ["t0", "t1", "t2"]),
    (Asked(trace_filter=TEAM), ["t1", "t2"]),
    (Asked(filter=FAILED, trace_filter=TEAM), ["t2"]),
    (Asked(filter=FAILED, tree_filter='eq(name, "chat")', q="boom"), ["t2"]),
    (Asked(thread_filter='eq(thread_id, "t1")', since="500w"), ["t1"]),
    (Asked(end="2026-01-01"), []),
]


@pytest.mark.parametrize(("asked", "found"), THREADS, ids=range(len(THREADS)))
def test_python_prints_the_threads_of_the_list(
    live_server: Any, project: Project, asked: Asked, found: list[str]
) -> None:
    text = copied(project, "threads", asked, live_server.url)["python"]
    assert printed([sys.executable, "-c", text], project.workspace) == found


@pytest.mark.parametrize(("asked", "found"), THREADS[2:4], ids=["two", "surplus"])
def test_typescript_prints_the_threads_of_the_list(
    live_server: Any, project: Project, asked: Asked, found: list[str], tmp_path: Path
) -> None:
    script = tmp_path / "threads.mts"
    script.write_text(copied(project, "threads", asked, live_server.url)["typescript"])
    assert printed([program("node"), str(script)], project.workspace) == found


RUNS = [
    (Asked(), 3),
    (Asked(show="all", q="boom"), 1),
    (Asked(show="all", filter=TOOL, trace_filter=TEAM, since="500w"), 1),
    (Asked(tree_filter=FAILED), 1),
    (Asked(show="llm"), 0),
    (Asked(end="2026-01-01"), 0),
]


@pytest.mark.parametrize(("asked", "count"), RUNS, ids=range(len(RUNS)))
def test_python_prints_the_runs_of_the_list(live_server: Any, project: Project, asked: Asked, count: int) -> None:
    text = copied(project, "runs", asked, live_server.url)["python"]
    assert len(printed([sys.executable, "-c", text], project.workspace)) == count


@pytest.mark.parametrize(("kind", "cases"), [("threads", THREADS), ("runs", RUNS)])
def test_curl_sends_a_body_that_finds_the_same(client: Client, project: Project, kind: str, cases: list[Any]) -> None:
    secret = ApiKeyFactory(workspace=project.workspace).secret
    for asked, found in cases:
        _, url, *words = shlex.split(copied(project, kind, asked, "http://testserver")["curl"])
        body = words[words.index("--data") + 1]
        answer = client.post(url, body, content_type="application/json", headers={"x-api-key": secret}).json()
        ids = sorted(item["thread_id"] for item in answer["items"]) if kind == "threads" else len(answer["runs"])
        assert ids == found


def test_typescript_of_runs_names_the_parameters_of_the_sdk(project: Project) -> None:
    asked = Asked(filter=TOOL, trace_filter=TEAM, tree_filter=FAILED, since="3d")
    text = copied(project, "runs", asked, "http://x")["typescript"]
    assert "isRoot: true" in text
    assert f"traceFilter: {json.dumps(TEAM)}" in text
    assert "startTime: new Date(Date.now() - 259200000)" in text


def test_the_query_alone_stands_for_itself(project: Project) -> None:
    assert copied(project, "runs", Asked(filter=TOOL), "http://x")["query"] == TOOL
    several = copied(project, "runs", Asked(filter=TOOL, q="a b"), "http://x")["query"]
    assert several == f"filter: {TOOL}\nq: a b"


def test_the_link_opens_the_list(project: Project, client: Client, bob: Any) -> None:
    client.force_login(bob)
    base = f"/o/{project.workspace_id}/projects/p/{project.pk}"
    html = client.get(f"{base}/filters/threads/copy", {"filter": TOOL}).content.decode()
    assert f"http://testserver{base}/threads?filter=eq%28run_type%2C+%22tool%22%29" in html
