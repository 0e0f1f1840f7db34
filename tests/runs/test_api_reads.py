"""POST /runs/query and GET /runs/{id}."""

import json
import uuid
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import ApiKey
from apps.projects.models import Project
from apps.runs import payload
from apps.runs.models import Run
from tests.factories import EPOCH, ApiKeyFactory, ProjectFactory, RunFactory, TraceFactory
from tests.openapi import assert_described
from tests.runs.reading import found, get, ids, post

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> ApiKey:
    return ApiKeyFactory()


@pytest.fixture
def project(key: ApiKey) -> Project:
    return ProjectFactory(workspace=key.workspace)


@pytest.fixture
def child(project: Project) -> Run:
    """A model call that says all that a run can say."""
    root = RunFactory(project=project, thread_id="t 1", start_time=EPOCH, name="agent")
    return RunFactory(
        parent=root,
        name="ChatOpenAI",
        run_type="llm",
        start_time=EPOCH + timedelta(seconds=1),
        end_time=EPOCH + timedelta(seconds=2.25),
        first_token_time=EPOCH + timedelta(seconds=1, microseconds=1),
        inputs={"messages": [{"role": "user", "content": "hé"}]},
        outputs={"choices": []},
        events=[{"name": "new_token"}],
        extra={"runtime": {"sdk": "x"}},
        serialized={"lc": 1},
        metadata={"session_id": "t 1", "n": 1.5},
        tags=["beta"],
        prompt_tokens=3,
        completion_tokens=4,
        total_tokens=7,
        prompt_cost=Decimal("0.0000015"),
        completion_cost=Decimal(2),
        total_cost=Decimal("2.0000015"),
        usage_details={"prompt": {"cache_read": 1}, "prompt_cost": {"cache_read": 0.1}},
    )


def shown(key: ApiKey, run: Run, names: Iterable[str]) -> dict[str, Any]:
    """Those of its fields."""
    answer = get(key, f"/api/v1/runs/{run.id}")
    assert_described("GET /api/v1/runs/{run_id}", answer)
    return {name: answer.json()[name] for name in names}


def test_a_run_shows_what_it_is_and_where_it_stands(key: ApiKey, project: Project, child: Run) -> None:
    root_id = str(child.trace_id)
    expected = {
        "id": str(child.id),
        "name": "ChatOpenAI",
        "run_type": "llm",
        "start_time": "2026-03-01T12:00:01.000000",
        "end_time": "2026-03-01T12:00:02.250000",
        "first_token_time": "2026-03-01T12:00:01.000001",
        "status": "success",
        "error": None,
        "trace_id": root_id,
        "dotted_order": child.dotted_order,
        "parent_run_id": root_id,
        "parent_run_ids": [root_id],
        "session_id": str(project.pk),
        "thread_id": "t 1",
        "tags": ["beta"],
        "reference_example_id": None,
        "app_path": f"/o/{key.workspace_id}/projects/p/{project.pk}/r/{child.id}?trace_id={root_id}",
        "feedback_stats": None,
    }
    assert shown(key, child, expected) == expected


def test_a_run_shows_its_payload(key: ApiKey, child: Run) -> None:
    expected = {
        "inputs": {"messages": [{"role": "user", "content": "hé"}]},
        "outputs": {"choices": []},
        "events": [{"name": "new_token"}],
        "extra": {"runtime": {"sdk": "x"}, "metadata": {"session_id": "t 1", "n": 1.5}},
        "serialized": {"lc": 1},
    }
    assert shown(key, child, expected) == expected


def test_a_run_shows_its_tokens_and_costs(key: ApiKey, child: Run) -> None:
    expected = {
        "prompt_tokens": 3,
        "completion_tokens": 4,
        "total_tokens": 7,
        "prompt_cost": 0.0000015,
        "completion_cost": 2,
        "total_cost": 2.0000015,
        "prompt_token_details": {"cache_read": 1},
        "completion_token_details": None,
        "prompt_cost_details": {"cache_read": 0.1},
        "completion_cost_details": None,
    }
    assert shown(key, child, expected) == expected


def test_what_was_never_sent_is_null_and_inputs_are_empty(key: ApiKey, project: Project) -> None:
    run = RunFactory(project=project, inputs=None, outputs=None, end_time=None)
    shown = get(key, f"/runs/{run.id}").json()
    assert shown["inputs"] == {}
    assert [shown[name] for name in ("outputs", "events", "extra", "serialized", "tags", "end_time")] == [None] * 6
    assert shown["status"] == "pending"


@pytest.mark.parametrize(
    ("extra", "metadata", "shown"),
    [
        (None, {"a": 1}, {"metadata": {"a": 1}}),
        ({"runtime": {}}, None, {"runtime": {}}),
        ({}, {"a": 1}, {"metadata": {"a": 1}}),
    ],
)
def test_metadata_is_put_back_into_extra(key: ApiKey, project: Project, extra: Any, metadata: Any, shown: Any) -> None:
    run = RunFactory(project=project, extra=extra, metadata=metadata)
    assert get(key, f"/runs/{run.id}").json()["extra"] == shown


def test_payload_text_is_passed_on_unread(key: ApiKey, project: Project) -> None:
    run = RunFactory(project=project, inputs=b"", metadata=None)
    text = b'{"z": 1.10, "a": 123456789012345678901234567890, "b": "\\u00e9"}'
    Run.objects.filter(id=run.id).update(inputs=payload.pack(text))
    assert b'"inputs":' + text in get(key, f"/runs/{run.id}").content


@pytest.mark.parametrize("value", ["text", [1], 0])
def test_inputs_and_outputs_are_always_objects(key: ApiKey, project: Project, value: Any) -> None:
    run = RunFactory(project=project, inputs=value, outputs=value)
    shown = get(key, f"/runs/{run.id}").json()
    assert (shown["inputs"], shown["outputs"]) == ({"input": value}, {"output": value})


def test_first_token_time_is_for_llm_runs(key: ApiKey, project: Project) -> None:
    run = RunFactory(project=project, run_type="chain", first_token_time=EPOCH)
    assert get(key, f"/runs/{run.id}").json()["first_token_time"] is None


def test_a_root_shows_the_thread_of_its_trace(key: ApiKey, project: Project) -> None:
    root = RunFactory(project=project)
    child = RunFactory(parent=root)
    TraceFactory(root=root, thread_id="from a child")
    shown = {run["id"]: run["thread_id"] for run in post(key, {"trace": root.id}).json()["runs"]}
    assert shown == {str(root.id): "from a child", str(child.id): None}


def test_a_listed_run_equals_the_run_read_alone(key: ApiKey, project: Project) -> None:
    run = RunFactory(project=project, thread_id="x", serialized={"lc": 1}, extra={"a": 1})
    select = ["inputs", "outputs", "events", "extra", "name", "tags"]
    assert post(key, {"session": [project.pk], "select": select}).json()["runs"] == [get(key, f"/runs/{run.id}").json()]


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
def test_the_routes_lie_at_every_prefix(key: ApiKey, project: Project, prefix: str) -> None:
    run = RunFactory(project=project)
    assert post(key, {}, path=f"{prefix}/runs/query").json()["runs"][0]["id"] == str(run.id)
    assert get(key, f"{prefix}/runs/{run.id}").json()["id"] == str(run.id)


def test_newest_first_unless_asked_otherwise(key: ApiKey, project: Project) -> None:
    runs = [RunFactory(project=project, start_time=EPOCH + timedelta(seconds=n)) for n in range(3)]
    assert found(key) == ids(*reversed(runs))
    assert found(key, order="asc") == ids(*runs)
    assert found(key, order="DESC") == ids(*reversed(runs))


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_follow_one_another_while_runs_arrive(key: ApiKey, project: Project, order: str) -> None:
    runs = [RunFactory(project=project, start_time=EPOCH) for _ in range(7)]
    body: dict[str, Any] = {"session": [project.pk], "limit": 3, "order": order}
    seen: list[str] = []
    while True:
        page = post(key, body).json()
        seen += [run["id"] for run in page["runs"]]
        body["cursor"] = page["cursors"]["next"]
        if body["cursor"] is None:
            break
        sooner = timedelta(days=-1 if order == "asc" else 1)
        RunFactory(project=project, start_time=EPOCH + sooner)
    assert sorted(seen) == sorted(ids(*runs))
    assert page["cursors"]["prev"] is None


def test_a_page_holds_a_hundred_runs_at_most(key: ApiKey, project: Project) -> None:
    Run.objects.bulk_create(RunFactory.build(project=project) for _ in range(101))
    assert len(found(key, limit=1000)) == 100
    assert len(found(key, limit=None)) == 100
    assert len(found(key, limit=-1)) == 1


def test_a_page_costs_the_same_queries_at_10_and_at_20_runs(key: ApiKey, project: Project) -> None:
    counts = []
    for _ in range(2):
        for _ in range(10):
            RunFactory(project=project)
        post(key, {})
        with CaptureQueriesContext(connection) as queries:
            post(key, {})
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_each_parameter_selects(key: ApiKey, project: Project) -> None:
    example = uuid.uuid4()
    root = RunFactory(
        project=project,
        start_time=EPOCH,
        end_time=EPOCH + timedelta(hours=3),
        reference_example_id=example,
        name="greeting",
    )
    llm = RunFactory(parent=root, run_type="llm", start_time=EPOCH + timedelta(hours=1), error="boom")
    tool = RunFactory(parent=llm, run_type="tool", start_time=EPOCH + timedelta(hours=2), end_time=None)
    other = RunFactory(project=ProjectFactory(workspace=key.workspace), start_time=EPOCH - timedelta(hours=1))

    assert found(key, session=[project.pk]) == ids(tool, llm, root)
    assert found(key, session_id=project.pk) == ids(tool, llm, root)
    assert found(key, session=[project.pk, other.project_id]) == ids(tool, llm, root, other)
    assert found(key, session=None, trace=None) == ids(tool, llm, root, other)
    assert found(key, id=[llm.id, other.id], run_type="tool") == ids(llm, other)
    assert found(key, id=[]) == []
    assert found(key, run_type="llm") == ids(llm)
    assert found(key, reference_example=[example]) == ids(root)
    assert found(key, reference_example=example) == ids(root)
    assert found(key, query="GREET") == ids(root)
    assert found(key, filter='eq(run_type, "tool")') == ids(tool)
    assert found(key, is_root=True) == ids(root, other)
    assert found(key, is_root=False) == ids(tool, llm)
    assert found(key, execution_order=1) == ids(root, other)
    assert found(key, parent_run=root.id) == ids(llm)
    assert found(key, trace=root.id) == ids(tool, llm, root)
    assert found(key, start_time="2026-03-01T13:00:00") == ids(tool, llm)
    assert found(key, start_time="2026-03-01T14:00:00+01:00") == ids(tool, llm)
    assert found(key, end_time="2026-03-01T14:00:00Z") == ids(llm, other)
    assert found(key, error=True) == ids(llm)
    assert found(key, error=False) == ids(tool, root, other)
    assert found(key, data_source_type="anything", made_up=1, skip_pagination=None, is_root=True, error=False) == ids(
        root, other
    )


def test_the_three_filters_have_their_own_scope(key: ApiKey, project: Project) -> None:
    good = RunFactory(project=project, name="good", start_time=EPOCH)
    docs = RunFactory(parent=good, name="docs", start_time=EPOCH + timedelta(seconds=1))
    bad = RunFactory(project=project, name="bad", start_time=EPOCH + timedelta(seconds=2))
    other_docs = RunFactory(parent=bad, name="docs", start_time=EPOCH + timedelta(seconds=3))
    assert found(key, filter='eq(name, "docs")') == ids(other_docs, docs)
    assert found(key, filter='eq(name, "docs")', trace_filter='eq(name, "good")') == ids(docs)
    assert found(key, trace_filter='eq(name, "docs")') == []
    assert found(key, tree_filter='eq(name, "docs")', is_root=True) == ids(bad, good)
    assert found(key, tree_filter='eq(name, "bad")', filter='eq(name, "docs")') == ids(other_docs)


def test_the_runs_of_a_conversation_are_found(key: ApiKey, project: Project) -> None:
    asked = 'and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "c-1"))'
    roots = [
        RunFactory(project=project, metadata={name: "c-1", "other": 1}, start_time=EPOCH + timedelta(seconds=n))
        for n, name in enumerate(("session_id", "conversation_id", "thread_id"))
    ]
    RunFactory(project=project, metadata={"session_id": "c-2", "note": "c-1"})
    child = RunFactory(parent=roots[0], run_type="llm", metadata={"session_id": "c-1"})
    assert found(key, filter=asked, session=[project.pk], is_root=True) == ids(*reversed(roots))
    assert found(key, filter=asked, session=[project.pk], run_type="llm") == ids(child)


@pytest.mark.parametrize("thread_id", ["T\"1'\\", "é日本", "x" * 600, "{odd", "5"])
def test_a_thread_is_found_by_the_filter_that_the_sdks_write(key: ApiKey, project: Project, thread_id: str) -> None:
    run = RunFactory(project=project, metadata={"conversation_id": thread_id})
    RunFactory(project=project, metadata={"conversation_id": thread_id + "x"})
    assert found(key, filter=f"and(eq(thread_id, {json.dumps(thread_id)}), eq(is_root, true))") == ids(run)
    shown = get(key, f"/runs/{run.id}").json()["thread_id"]
    assert found(key, filter=f"eq(thread_id, {json.dumps(shown)})") == ids(run)


def test_unselected_payload_is_left_out_and_the_rest_is_not(key: ApiKey, project: Project) -> None:
    RunFactory(project=project, serialized={"lc": 1})
    shown = post(key, {"select": ["trace_id", "name", "run_type"]}).json()["runs"][0]
    assert {"inputs", "outputs", "events", "extra", "serialized"}.isdisjoint(shown)
    assert {"id", "name", "run_type", "start_time", "trace_id", "dotted_order", "session_id", "parent_run_id"} <= set(
        shown
    )
    assert set(post(key, {"select": ["outputs"]}).json()["runs"][0]) >= {"outputs", "id"}
