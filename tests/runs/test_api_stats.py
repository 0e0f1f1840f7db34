"""POST /runs/stats and POST /runs/group."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.projects.models import Project
from tests.api import Caller
from tests.threads.test_api_v2 import model_call
from tests.threads.wire import run, send, turns

pytestmark = pytest.mark.django_db

STATS = "/api/v1/runs/stats"
GROUP = "/api/v1/runs/group"


@pytest.fixture
def now() -> datetime:
    return timezone.now() - timedelta(days=3)


def sent(api: Caller, *runs: dict[str, Any]) -> Project:
    return send(api.key.workspace, *runs)


def wire(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds")


def test_stats_add_up_the_runs_asked_for(api: Caller, now: datetime) -> None:
    first = run(start=now, seconds=2)
    second = run(start=now + timedelta(seconds=9), seconds=4, error="broke")
    token = {"name": "new_token", "time": (now + timedelta(seconds=0.5)).isoformat()}
    project = sent(api, first, second, model_call(first, 5, 0.25, events=[token]), model_call(second, 7))
    assert api.post(STATS, session=[project.pk]).json() == {
        "run_count": 4,
        "latency_p50": 1.75,
        "latency_p99": pytest.approx(3.94),
        "first_token_p50": 0.5,
        "first_token_p99": 0.5,
        "total_tokens": 12,
        "prompt_tokens": 2,
        "completion_tokens": 10,
        "total_cost": 0.25,
        "prompt_cost": 0.25,
        "completion_cost": None,
        "median_tokens": 6,
        "error_rate": 0.25,
        "streaming_rate": 0.25,
        "last_run_start_time": wire(now + timedelta(seconds=9)),
        "feedback_stats": {},
        "run_facets": [],
    }


def test_stats_of_roots_are_those_of_their_whole_traces(api: Caller, now: datetime) -> None:
    root = run(start=now, seconds=2)
    project = sent(api, root, model_call(root, 5, 0.25))
    stats = api.post(STATS, session=[project.pk], is_root=True).json()
    assert (stats["run_count"], stats["total_tokens"], stats["total_cost"], stats["latency_p50"]) == (1, 5, 0.25, 2)


def test_stats_of_an_llm_run_that_repeats_the_usage_of_another_count_it_once(api: Caller, now: datetime) -> None:
    root = run(start=now)
    outer = model_call(root, 5, 0.25)
    project = sent(api, root, outer, model_call(outer, 5, 0.25))
    stats = api.post(STATS, session=[project.pk]).json()
    assert (stats["run_count"], stats["total_tokens"], stats["total_cost"]) == (3, 5, 0.25)


def test_a_root_shows_the_usage_of_its_whole_trace(api: Caller, now: datetime) -> None:
    root = run(start=now)
    project = sent(api, root, model_call(root, 5, 0.25), model_call(root, 7))
    (listed,) = api.post("/api/v1/runs/query", session=[project.pk], is_root=True).json()["runs"]
    assert (listed["prompt_tokens"], listed["completion_tokens"], listed["total_tokens"]) == (2, 10, 12)
    assert (listed["total_cost"], listed["prompt_cost"]) == (0.25, 0.25)
    assert api.get(f"/api/v1/runs/{root['id']}").json() == listed


def test_stats_of_nothing_are_not_empty(api: Caller) -> None:
    stats = api.post(STATS, session=["00000000-0000-0000-0000-000000000000"]).json()
    assert (stats["run_count"], stats["total_cost"], stats["error_rate"]) == (0, None, None)


def counted(api: Caller, **body: Any) -> int:
    answer = api.post(STATS, body)
    assert answer.status_code == 200, answer.content
    return answer.json()["run_count"]


def test_stats_take_every_condition_of_a_query(api: Caller, now: datetime) -> None:
    root = run("a", start=now)
    tool = run("look_up", parent=root, run_type="tool", start=now + timedelta(seconds=5), error="broke")
    project = sent(api, root, tool, run("b", start=now))
    session = {"session": [project.pk]}
    assert counted(api, **session) == 3
    assert counted(api, **session, id=[tool["id"]]) == 1
    assert counted(api, **session, trace=root["id"]) == 2
    assert counted(api, **session, parent_run=root["id"]) == 1
    assert counted(api, **session, run_type="tool") == 1
    assert counted(api, **session, start_time=now + timedelta(seconds=5)) == 1
    assert counted(api, **session, end_time=now + timedelta(seconds=5)) == 2
    assert counted(api, **session, error=True) == 1
    assert counted(api, **session, query="look_up") == 1
    assert counted(api, **session, filter='eq(name, "b")') == 1
    assert counted(api, **session, trace_filter='eq(name, "a")') == 2
    assert counted(api, **session, tree_filter='eq(name, "look_up")') == 2
    assert counted(api, **session, execution_order=1) == 2


def test_conversations_are_grouped_newest_first(api: Caller, now: datetime) -> None:
    first, last = turns("a", 2, start=now, seconds=2)
    last["error"] = "broke"
    other = run(thread_id='the "b"', start=now + timedelta(hours=1))
    project = sent(api, first, last, other, run(start=now), model_call(first, 5, 0.25))
    answer = api.post(GROUP, session_id=project.pk, group_by="conversation").json()
    assert answer["total"] == 2
    newest, oldest = answer["groups"]
    assert (newest["group_key"], newest["filter"]) == ('the "b"', 'eq(thread_id, "the \\"b\\"")')
    assert oldest == {
        "group_key": "a",
        "filter": 'eq(thread_id, "a")',
        "count": 2,
        "total_tokens": 5,
        "total_cost": 0.25,
        "min_start_time": wire(now + timedelta(seconds=30)),
        "max_start_time": wire(now + timedelta(seconds=60)),
        "latency_p50": 2,
        "latency_p99": 2,
        "feedback_stats": {},
        "first_inputs": "question 1",
        "last_outputs": "answer 2",
        "last_error": "broke",
    }


def test_the_filter_of_a_group_finds_its_runs(api: Caller, now: datetime) -> None:
    root = run(thread_id='the "b"', start=now)
    project = sent(api, root, run(thread_id="a", start=now))
    groups = api.post(GROUP, session_id=project.pk, group_by="conversation").json()["groups"]
    asked = next(group["filter"] for group in groups if group["group_key"] == 'the "b"')
    runs = api.post("/api/v1/runs/query", session=[project.pk], filter=asked).json()["runs"]
    assert [found["id"] for found in runs] == [root["id"]]


def test_groups_are_narrowed_and_paged(api: Caller, now: datetime) -> None:
    project = sent(api, *(run(f"n{n}", thread_id=f"t{n}", start=now + timedelta(seconds=n)) for n in range(4)))

    def keys(**body: Any) -> tuple[list[str], int]:
        answer = api.post(GROUP, session_id=project.pk, group_by="conversation", **body).json()
        return [group["group_key"] for group in answer["groups"]], answer["total"]

    assert keys(limit=2) == (["t3", "t2"], 4)
    assert keys(limit=2, offset=3) == (["t0"], 4)
    assert keys(filter='eq(name, "n1")') == (["t1"], 1)
    assert keys(start_time=now + timedelta(seconds=1), end_time=now + timedelta(seconds=3)) == (["t2", "t1"], 2)


def test_another_grouping_is_422(api: Caller, now: datetime) -> None:
    project = sent(api, run(thread_id="t", start=now))
    assert api.post(GROUP, session_id=project.pk, group_by="model").status_code == 422
