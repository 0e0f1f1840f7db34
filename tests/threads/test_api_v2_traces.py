"""The v2 routes of one thread: its traces and its stats."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from apps.projects.models import Project
from apps.threads.models import Thread
from tests.api import Caller
from tests.threads.asking import model_call, sent, zulu
from tests.threads.wire import run, turns

pytestmark = pytest.mark.django_db

QUERY = "/api/v2/threads/query"


def traces(api: Caller, project: Project, thread_id: str, **query: Any) -> Any:
    answer = api.get(f"/api/v2/threads/{quote(thread_id, safe='')}/traces", project_id=project.pk, **query)
    assert answer.status_code == 200, answer.content
    return answer.json()


AWKWARD = ["a/b", "a/b/traces", "stats", "100%", "é 你好 🏕", "a?b#c", '"quoted"', "two\nlines", "a%2Fb", "x" * 700]


@pytest.mark.parametrize("thread_id", AWKWARD)
def test_any_thread_id_reaches_its_traces_and_stats(api: Caller, now: datetime, thread_id: str) -> None:
    root = run(thread_id=thread_id, start=now)
    project = sent(api, root)
    assert traces(api, project, thread_id)["items"] == [{"trace_id": root["id"]}]
    path = f"/api/v2/threads/{quote(thread_id, safe='')}/stats"
    assert api.get(path, session_id=project.pk, selects="TURNS").json() == {"turns": 1}


def test_a_trace_of_a_thread_is_shown_field_by_field(api: Caller, now: datetime) -> None:
    before, root = turns("t", 2, start=now)
    root["error"] = "it broke"
    project = sent(api, before, root, model_call(root, 5, 0.25))
    from apps.threads.wire_v2 import TURN_FIELDS

    newest = traces(api, project, "t", selects=list(TURN_FIELDS))["items"][0]
    assert newest == {
        "thread_id": "t",
        "trace_id": root["id"],
        "op": 1,
        "name": "agent",
        "start_time": zulu(now + timedelta(seconds=60)),
        "end_time": zulu(now + timedelta(seconds=61.5)),
        "latency": 1.5,
        "first_token_time": None,
        "inputs": {"question": "question 2"},
        "inputs_preview": "question 2",
        "outputs": {"answer": "answer 2"},
        "outputs_preview": "answer 2",
        "error": "it broke",
        "error_preview": "it broke",
        "total_tokens": 5,
        "prompt_tokens": 1,
        "completion_tokens": 4,
        "total_cost": 0.25,
        "prompt_cost": 0.25,
        "completion_cost": 0,
        "prompt_token_details": {"raw": {"cache_read": 1}},
        "completion_token_details": {"raw": {"reasoning": 2}},
        "prompt_cost_details": {"raw": {"cache_read": 0.25}},
        "completion_cost_details": {"raw": {}},
        "turn_number": 2,
    }


def test_turn_numbers_count_the_whole_thread_whatever_is_filtered(api: Caller, now: datetime) -> None:
    first, second, third = turns("t", 3, start=now)
    third["name"] = "other"
    project = sent(api, first, second, third)
    (found,) = traces(api, project, "t", selects=["TURN_NUMBER"], filter='eq(name, "other")')["items"]
    assert found == {"trace_id": third["id"], "turn_number": 3}


def test_traces_of_a_thread_come_page_by_page(api: Caller, now: datetime) -> None:
    sent_turns = turns("t", 3, start=now)
    project = sent(api, *sent_turns)
    first = traces(api, project, "t", page_size=2)
    second = traces(api, project, "t", page_size=2, cursor=first["next_cursor"])
    found = [item["trace_id"] for item in first["items"] + second["items"]]
    assert found == [turn["id"] for turn in reversed(sent_turns)]
    assert second["next_cursor"] is None


def test_traces_of_a_thread_are_filtered_by_any_run(api: Caller, now: datetime) -> None:
    first, second = turns("t", 2, start=now)
    project = sent(api, first, second, run("look_up", parent=second, start=now))
    found = traces(api, project, "t", tree_filter='eq(name, "look_up")')["items"]
    assert found == [{"trace_id": second["id"]}]


def test_a_thread_that_is_not_there_has_no_traces(api: Caller) -> None:
    project = sent(api, run(thread_id="t"))
    assert traces(api, project, "other") == {"items": [], "next_cursor": None}


def test_stats_of_a_thread_are_those_selected(api: Caller, now: datetime) -> None:
    first, last = turns("t", 2, start=now)
    project = sent(api, first, last, model_call(first, 5, 0.25), model_call(last, 7))
    from apps.threads.wire_v2 import THREAD_STATS

    stats = api.get("/api/v2/threads/t/stats", session_id=project.pk, selects=list(THREAD_STATS)).json()
    assert stats == {
        "turns": 2,
        "first_start_time": zulu(now + timedelta(seconds=30)),
        "last_start_time": zulu(now + timedelta(seconds=60)),
        "last_end_time": zulu(now + timedelta(seconds=61.5)),
        "latency_p50_seconds": 1.5,
        "latency_p99_seconds": 1.5,
        "total_tokens": 12,
        "prompt_tokens": 2,
        "completion_tokens": 10,
        "total_cost": 0.25,
        "prompt_cost": 0.25,
        "completion_cost": 0,
        "prompt_token_details": {"raw": {"cache_read": 2}},
        "completion_token_details": {"raw": {"reasoning": 4}},
        "prompt_cost_details": {"raw": {"cache_read": 0.25}},
        "completion_cost_details": {"raw": {}},
        "feedback_stats": {},
        "thread_feedback_stats": {},
    }


def test_stats_of_a_thread_count_the_traces_that_pass_the_filter(api: Caller, now: datetime) -> None:
    first, last = turns("t", 2, start=now)
    project = sent(api, first, last)
    asked = {"session_id": project.pk, "selects": "TURNS", "filter": f'eq(trace_id, "{first["id"]}")'}
    assert api.get("/api/v2/threads/t/stats", **asked).json() == {"turns": 1}


def test_stats_without_a_selection_are_422(api: Caller) -> None:
    project = sent(api, run(thread_id="t"))
    assert api.get("/api/v2/threads/t/stats", session_id=project.pk).status_code == 422
    assert api.post("/api/v2/threads/stats", project_id=project.pk, select=[]).status_code == 422
    assert api.get("/api/v2/threads/t/stats", session_id=project.pk, selects="NOPE").status_code == 422


def test_aggregate_stats_are_over_the_turns_of_all_threads_that_pass(api: Caller, now: datetime) -> None:
    first, second = turns("a", 2, start=now)
    second["error"] = "broke"
    other = run(thread_id="b", start=now)
    project = sent(api, first, second, other, run(start=now), model_call(first, 6, 0.25), model_call(other, 8))
    from apps.threads.wire_v2 import AGGREGATE_STATS

    def stats(**more: Any) -> Any:
        return api.post("/api/v2/threads/stats", project_id=project.pk, select=list(AGGREGATE_STATS), **more).json()

    assert stats() == {
        "thread_count": 2,
        "trace_count": 3,
        "error_rate": pytest.approx(1 / 3),
        "streaming_rate": 0,
        "latency_p50_seconds": 1.5,
        "latency_p99_seconds": 1.5,
        "first_token_p50_seconds": None,
        "first_token_p99_seconds": None,
        "median_tokens": 6,
        "total_tokens": 14,
        "prompt_tokens": 2,
        "completion_tokens": 12,
        "total_cost": 0.25,
        "prompt_cost": 0.25,
        "completion_cost": 0,
        "prompt_token_details": {"cache_read": 2},
        "completion_token_details": {"reasoning": 4},
        "prompt_cost_details": {"cache_read": 0.25},
        "completion_cost_details": {},
        "thread_feedback_stats": {},
    }
    assert stats(thread_filter="gt(turn_count, 1)")["trace_count"] == 2
    assert stats(tree_filter="gt(total_tokens, 7)")["thread_count"] == 1


def test_a_page_costs_the_same_queries_for_2_and_for_20_threads(api: Caller, now: datetime, count_queries: Any) -> None:
    project = sent(api, *(run(thread_id=f"t{n}", start=now) for n in range(20)))
    api.items(QUERY, project_id=project.pk)
    few = count_queries(lambda: api.items(QUERY, project_id=project.pk, page_size=2))
    many = count_queries(lambda: api.items(QUERY, project_id=project.pk, page_size=20))
    assert few == many
    assert Thread.objects.count() == 20
