"""The v2 routes of runs and traces."""

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.projects.models import Project
from apps.runs.wire_v2 import RUN_FIELDS
from tests.api import Caller
from tests.factories import ProjectFactory
from tests.openapi import assert_described
from tests.threads.test_api_v2 import model_call, zulu
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

RUNS = "/api/v2/runs/query"
TRACES = "/api/v2/traces/query"


@pytest.fixture
def now() -> datetime:
    return timezone.now() - timedelta(minutes=30)


def sent(api: Caller, *runs: dict[str, Any]) -> Project:
    return send(api.key.workspace, *runs)


def found(api: Caller, project: Project, **body: Any) -> list[str]:
    return [item["id"] for item in api.items(RUNS, project_ids=[project.pk], **body)]


type Family = tuple[Project, dict[str, Any], dict[str, Any]]


@pytest.fixture
def family(api: Caller, now: datetime) -> Family:
    """A project, a root and a model call below it."""
    root = run(thread_id="t", start=now, metadata={"plan": "plus"}, tags=["beta"])
    child = model_call(root, 5, 0.25, error="it broke", serialized={"lc": 1}, events=[{"name": "end"}])
    return sent(api, root, child), root, child


def shown(api: Caller, family: Family, expected: Iterable[str]) -> dict[str, Any]:
    """Those of the child's fields, every field being selected."""
    project, _, child = family
    answer = api.get(f"/api/v2/runs/{child['id']}", project_id=project.pk, selects=list(RUN_FIELDS))
    assert_described("GET /api/v2/runs/{run_id}", answer)
    assert answer.json().keys() == {name.lower() for name in RUN_FIELDS}
    return {name: answer.json()[name] for name in expected}


def test_a_run_shows_what_it_is_and_where_it_stands(api: Caller, family: Family, now: datetime) -> None:
    project, root, child = family
    expected = {
        "id": child["id"],
        "name": "llm",
        "run_type": "LLM",
        "status": "ERROR",
        "start_time": zulu(now),
        "end_time": zulu(now + timedelta(seconds=1.5)),
        "latency_seconds": 1.5,
        "first_token_time": None,
        "parent_run_id": root["id"],
        "parent_run_ids": [root["id"]],
        "project_id": str(project.pk),
        "trace_id": root["id"],
        "thread_id": None,
        "dotted_order": child["dotted_order"],
        "is_root": False,
        "tags": [],
        "app_path": f"/o/{project.workspace_id}/projects/p/{project.pk}/r/{child['id']}?trace_id={root['id']}",
    }
    assert shown(api, family, expected) == expected


def test_a_run_shows_its_payload(api: Caller, family: Family) -> None:
    expected = {
        "error": "it broke",
        "error_preview": "it broke",
        "extra": None,
        "metadata": {},
        "events": [{"name": "end"}],
        "inputs": {"question": "hello"},
        "inputs_preview": "hello",
        "outputs": family[2]["outputs"],
        "outputs_preview": "hi",
        "manifest": {"lc": 1},
        "attachments": {},
    }
    assert shown(api, family, expected) == expected


def test_a_run_shows_its_tokens_and_costs(api: Caller, family: Family) -> None:
    expected = {
        "total_tokens": 5,
        "prompt_tokens": 1,
        "completion_tokens": 4,
        "total_cost": 0.25,
        "prompt_cost": 0.25,
        "completion_cost": None,
        "prompt_token_details": {"raw": {"cache_read": 1}},
        "completion_token_details": {"raw": {"reasoning": 2}},
        "prompt_cost_details": {"raw": {"cache_read": 0.25}},
        "completion_cost_details": {"raw": {}},
    }
    assert shown(api, family, expected) == expected


def test_what_is_not_known_of_a_run_is_null_or_empty(api: Caller, family: Family) -> None:
    nulls = (
        "reference_example_id",
        "reference_dataset_id",
        "price_model_id",
        "thread_evaluation_time",
        "last_queued_at",
    )
    expected = {**dict.fromkeys((*nulls, "share_url", "ls_user_id")), "is_in_dataset": False, "feedback_stats": {}}
    assert shown(api, family, expected) == expected


def test_a_root_shows_the_thread_that_only_a_child_carries(api: Caller, now: datetime) -> None:
    root = run(start=now)
    project = sent(api, root, run("llm", parent=root, thread_id="t", start=now))
    shown = api.get(f"/api/v2/runs/{root['id']}", project_id=project.pk, selects="THREAD_ID")
    assert shown.json() == {"thread_id": "t"}


def test_what_is_not_selected_is_left_out_and_without_selects_only_the_id_comes(api: Caller, now: datetime) -> None:
    root = run(start=now)
    project = sent(api, root)
    assert api.items(RUNS, project_ids=[project.pk]) == [{"id": root["id"]}]
    assert api.items(RUNS, project_ids=[project.pk], selects=["name", "IS_ROOT"]) == [
        {"name": "agent", "is_root": True}
    ]


def test_a_field_that_does_not_exist_is_422_and_named(api: Caller, now: datetime) -> None:
    project = sent(api, run(start=now))
    answer = api.post(RUNS, project_ids=[project.pk], selects=["NMAE"])
    assert answer.status_code == 422
    assert "NMAE" in answer.json()["detail"]


def test_runs_come_newest_first_page_by_page_while_others_arrive(api: Caller, now: datetime) -> None:
    runs = [run(start=now + timedelta(seconds=n)) for n in range(5)]
    project = sent(api, *runs)
    body = {"project_ids": [project.pk], "page_size": 2}
    listed, cursor = [], None
    while True:
        page = api.post(RUNS, body | {"cursor": cursor}).json()
        listed += [item["id"] for item in page["items"]]
        sent(api, run(start=now + timedelta(minutes=1)))
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert listed == [one["id"] for one in reversed(runs)]


def test_runs_of_the_last_day_are_meant_unless_a_start_is_given(api: Caller, now: datetime) -> None:
    old, new = run(start=now - timedelta(days=2)), run(start=now)
    project = sent(api, old, new)
    assert found(api, project) == [new["id"]]
    assert found(api, project, min_start_time=now - timedelta(days=3)) == [new["id"], old["id"]]
    window = {"min_start_time": now - timedelta(days=3), "max_start_time": now - timedelta(days=1)}
    assert found(api, project, **window) == [old["id"]]


CONDITIONS = {
    "filter": 'eq(name, "look_up")',
    "run_type": "TOOL",
    "is_root": False,
    "has_error": True,
}


@pytest.mark.parametrize(("field", "value"), CONDITIONS.items())
def test_runs_are_found_by_condition(api: Caller, now: datetime, field: str, value: Any) -> None:
    root = run(start=now)
    tool = run("look_up", parent=root, run_type="tool", start=now, error="broke")
    project = sent(api, root, tool)
    assert found(api, project, **{field: value}) == [tool["id"]]


def test_runs_are_found_by_their_ids_their_trace_and_their_example(api: Caller, now: datetime) -> None:
    example = uuid.uuid4()
    root, other = run(start=now, reference_example_id=str(example)), run(start=now + timedelta(seconds=1))
    project = sent(api, root, other)
    assert found(api, project, ids=[root["id"]]) == [root["id"]]
    assert found(api, project, trace_id=other["id"]) == [other["id"]]
    assert found(api, project, reference_examples=[example]) == [root["id"]]


def test_trace_filter_asks_the_root_and_tree_filter_any_run(api: Caller, now: datetime) -> None:
    root, other = run("a", start=now), run("b", start=now)
    child = run("look_up", parent=root, start=now + timedelta(seconds=1))
    project = sent(api, root, child, other)
    assert found(api, project, trace_filter='eq(name, "a")') == [child["id"], root["id"]]
    assert found(api, project, tree_filter='eq(name, "look_up")', is_root=True) == [root["id"]]
    assert found(api, project, trace_filter='eq(name, "look_up")') == []


def test_runs_of_a_dataset_are_those_of_its_experiments(api: Caller, now: datetime) -> None:
    root = run(start=now)
    project = sent(api, root)
    dataset = uuid.uuid4()
    Project.objects.filter(pk=project.pk).update(reference_dataset_id=dataset)
    assert [item["id"] for item in api.items(RUNS, reference_dataset_id=dataset)] == [root["id"]]


@pytest.mark.parametrize("both", [True, False])
def test_projects_and_a_dataset_exclude_each_other_and_one_is_needed(api: Caller, both: bool) -> None:
    body = {"project_ids": [uuid.uuid4()], "reference_dataset_id": uuid.uuid4()} if both else {}
    assert api.post(RUNS, body).status_code == 422


def test_usage_of_a_subtree_is_summed_over_its_lowest_llm_runs(api: Caller, now: datetime) -> None:
    root = run(start=now)
    step = run("step", parent=root, start=now)
    outer = model_call(step, 5, 0.25)
    inner = model_call(outer, 5, 0.25)
    project = sent(api, root, step, outer, inner, model_call(root, 7))
    selects = ["ID", "TOTAL_TOKENS", "TOTAL_COST", "PROMPT_TOKEN_DETAILS"]
    body = {"project_ids": [project.pk], "selects": selects, "include_subtree_usage": True}
    usage = {item.pop("id"): item for item in api.items(RUNS, **body)}
    assert usage[root["id"]] == {
        "total_tokens": 12,
        "total_cost": 0.25,
        "prompt_token_details": {"raw": {"cache_read": 2}},
    }
    assert usage[step["id"]]["total_tokens"] == 5
    assert usage[inner["id"]]["total_tokens"] == 5
    body["include_subtree_usage"] = False
    assert {item["id"]: item["total_tokens"] for item in api.items(RUNS, **body)}[root["id"]] is None


def test_the_url_of_a_run_is_that_of_its_page(api: Caller) -> None:
    project = ProjectFactory(workspace=api.key.workspace)
    run_id, trace_id = uuid.uuid4(), uuid.uuid4()
    answer = api.get(f"/api/v2/runs/{run_id}/url", project_id=project.pk, trace_id=trace_id)
    page = f"http://testserver/o/{project.workspace_id}/projects/p/{project.pk}/r/{run_id}"
    assert answer.json() == {"url": f"{page}?trace_id={trace_id}"}


def test_a_run_of_another_project_is_404(api: Caller, now: datetime) -> None:
    root = run(start=now)
    sent(api, root)
    other = ProjectFactory(workspace=api.key.workspace)
    assert api.get(f"/api/v2/runs/{root['id']}", project_id=other.pk).status_code == 404


def test_the_routes_also_lie_at_v2(api: Caller, now: datetime) -> None:
    root = run(start=now)
    project = sent(api, root)
    assert api.items("/v2/runs/query", project_ids=[project.pk]) == [{"id": root["id"]}]


def test_a_trace_shows_its_root_and_the_totals_of_all_its_runs(api: Caller, now: datetime) -> None:
    root = run(start=now)
    project = sent(api, root, model_call(root, 5, 0.25))
    selects = ["NAME", "TOTAL_TOKENS", "TOTAL_COST", "FIRST_TOKEN_TIME"]
    assert api.items(TRACES, project_id=project.pk, selects=selects) == [
        {
            "root_run": {"name": "agent"},
            "trace_aggregates": {"total_tokens": 5, "total_cost": 0.25, "first_token_time": None},
        }
    ]
    assert api.items(TRACES, project_id=project.pk) == [{"root_run": {"id": root["id"]}}]


def test_traces_are_found_by_id_root_and_any_run(api: Caller, now: datetime) -> None:
    first, second = run("a", start=now), run("b", start=now + timedelta(seconds=1))
    project = sent(api, first, second, run("look_up", parent=first, start=now))

    def roots(**body: Any) -> list[str]:
        return [item["root_run"]["id"] for item in api.items(TRACES, project_id=project.pk, **body)]

    assert roots() == [second["id"], first["id"]]
    assert roots(trace_ids=[first["id"]]) == [first["id"]]
    assert roots(trace_filter='eq(name, "b")') == [second["id"]]
    assert roots(tree_filter='eq(name, "look_up")') == [first["id"]]
    assert roots(max_start_time=now + timedelta(seconds=1)) == [first["id"]]


def test_runs_of_a_trace_come_in_the_order_of_their_starts(api: Caller, now: datetime) -> None:
    root = run(start=now)
    late = run("late", parent=root, start=now + timedelta(seconds=2))
    early = run("early", parent=root, start=now + timedelta(seconds=1))
    project = sent(api, root, late, early)
    path = f"/api/v2/traces/{root['id']}/runs"

    def names(**query: Any) -> list[str]:
        answer = api.get(path, project_id=project.pk, selects="NAME", **query).json()
        return [item["name"] for item in answer["items"]]

    assert names() == ["agent", "early", "late"]
    assert names(filter="eq(is_root, false)") == ["early", "late"]
    assert names(min_start_time=zulu(now + timedelta(seconds=2))) == ["late"]


def test_a_page_costs_the_same_queries_for_2_and_for_20_runs(api: Caller, now: datetime, count_queries: Any) -> None:
    project = sent(api, *(run(start=now, thread_id=f"t{n}") for n in range(20)))
    body = {"project_ids": [project.pk], "selects": list(RUN_FIELDS), "include_subtree_usage": True}
    api.items(RUNS, **body)
    few = count_queries(lambda: api.items(RUNS, **body, page_size=2))
    assert few == count_queries(lambda: api.items(RUNS, **body, page_size=20))
