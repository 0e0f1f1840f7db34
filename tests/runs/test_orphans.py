"""A run whose parent was never sent stands as the root of its own trace, in filters and in answers."""

import uuid
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import ApiKey
from apps.projects.models import Project
from apps.runs.models import Run
from apps.runs.show import RunView
from apps.runs.shown import of_turns
from tests.api import Caller
from tests.factories import EPOCH, ApiKeyFactory
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db


def orphan(key: ApiKey, **fields: Any) -> tuple[Project, dict[str, Any]]:
    """As a program sends it that names only the parent."""
    sent = run("orphan", thread_id="t", **fields)
    sent |= {"parent_run_id": str(uuid.uuid4()), "trace_id": None, "dotted_order": None}
    return send(key.workspace, sent), sent


def test_v1_finds_it_among_the_roots_and_tells_its_thread(api: Caller) -> None:
    project, sent = orphan(api.key)
    (found,) = api.post("/api/v1/runs/query", session=[project.pk], is_root=True).json()["runs"]
    assert (found["id"], found["trace_id"], found["thread_id"]) == (sent["id"], sent["id"], "t")
    assert found["parent_run_id"] == sent["parent_run_id"]


@pytest.mark.parametrize(
    ("text", "count"), [("eq(is_root, true)", 1), ("neq(is_root, true)", 0), ("eq(is_root, false)", 0)]
)
def test_a_filter_takes_it_for_a_root(api: Caller, text: str, count: int) -> None:
    project, _ = orphan(api.key)
    assert len(api.post("/api/v1/runs/query", session=[project.pk], filter=text).json()["runs"]) == count


def test_v2_shows_it_as_a_root(api: Caller) -> None:
    project, sent = orphan(api.key)
    asked = {"project_id": project.pk, "selects": ["IS_ROOT", "THREAD_ID"]}
    assert api.get(f"/api/v2/runs/{sent['id']}", **asked).json() == {"is_root": True, "thread_id": "t"}


def test_a_filter_of_roots_finds_its_thread(api: Caller) -> None:
    project, _ = orphan(api.key)
    asked = {"project_id": project.pk, "filter": 'eq(name, "orphan")', "min_start_time": EPOCH}
    assert [item["thread_id"] for item in api.items("/api/v2/threads/query", **asked)] == ["t"]


def test_it_is_no_step_of_its_own_turn(api: Caller) -> None:
    project, sent = orphan(api.key, run_type="llm")
    roots, steps = of_turns(project, [uuid.UUID(sent["id"])], 10)
    assert ([str(root.id) for root in roots.values()], steps) == ([sent["id"]], [])


def test_it_talks_as_a_root_does(api: Caller) -> None:
    project, _ = orphan(api.key, run_type="chain")
    assert RunView(Run.objects.in_project(project).get()).talks


def test_a_child_of_a_known_parent_is_no_root(api: Caller) -> None:
    root = run("root")
    project = send(api.key.workspace, root, run("child", parent=root))
    assert [found.name for found in Run.objects.in_project(project).roots()] == ["root"]


def test_the_newest_roots_are_still_read_along_the_index() -> None:
    project, _ = orphan(ApiKeyFactory())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
    plan = Run.objects.in_project(project).roots().order_by("-start_time")[:20].explain()
    assert "Index Scan Backward using run_latest" in plan
