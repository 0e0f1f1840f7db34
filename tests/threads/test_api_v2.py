"""The v2 routes of threads."""

import json
from datetime import datetime, timedelta

import pytest

from tests.api import Caller
from tests.threads.asking import ids, model_call, sent, zulu
from tests.threads.wire import run, turns

pytestmark = pytest.mark.django_db

QUERY = "/api/v2/threads/query"


def test_a_thread_is_shown_field_by_field(api: Caller, now: datetime) -> None:
    first, failed, last = turns("t", 3, start=now)
    failed["error"] = "it broke"
    project = sent(api, first, failed, last, model_call(first, 5, 0.25), model_call(last, 7, 0.5))
    (thread,) = api.items(QUERY, project_id=project.pk)
    assert thread == {
        "thread_id": "t",
        "count": 3,
        "trace_id": last["id"],
        "first_trace_id": first["id"],
        "last_trace_id": last["id"],
        "first_inputs": "question 1",
        "last_outputs": "answer 3",
        "last_error": "it broke",
        "start_time": zulu(now + timedelta(seconds=90)),
        "min_start_time": zulu(now + timedelta(seconds=30)),
        "max_start_time": zulu(now + timedelta(seconds=90)),
        "num_errored_turns": 1,
        "latency_p50": 1.5,
        "latency_p99": 1.5,
        "total_tokens": 12,
        "total_token_details": {"cache_read": 2, "reasoning": 4},
        "total_cost": 0.75,
        "total_cost_details": {"cache_read": 0.75},
        "feedback_stats": {},
        "thread_feedback_stats": {},
    }


def test_threads_come_most_recent_first_and_page_by_page(api: Caller, now: datetime) -> None:
    project = sent(api, *(run(thread_id=f"t{n}", start=now + timedelta(seconds=n)) for n in range(5)))
    first = api.post(QUERY, project_id=project.pk, page_size=2).json()
    assert ids(first["items"]) == ["t4", "t3"]
    sent(api, run(thread_id="newer", start=now + timedelta(seconds=60)))
    second = api.post(QUERY, project_id=project.pk, page_size=2, cursor=first["next_cursor"]).json()
    assert ids(second["items"]) == ["t2", "t1"]
    third = api.post(QUERY, project_id=project.pk, page_size=2, cursor=second["next_cursor"]).json()
    assert ids(third["items"]) == ["t0"]
    assert third["next_cursor"] is None


def test_a_thread_without_a_turn_in_the_last_day_is_left_out_unless_asked_for(api: Caller, now: datetime) -> None:
    old = now - timedelta(days=2)
    project = sent(api, run(thread_id="old", start=old), run(thread_id="new", start=now))
    assert ids(api.items(QUERY, project_id=project.pk)) == ["new"]
    assert ids(api.items(QUERY, project_id=project.pk, min_start_time=old)) == ["new", "old"]


def test_a_thread_with_turns_on_both_sides_of_the_window_only_is_left_out(api: Caller, now: datetime) -> None:
    project = sent(api, run(thread_id="t", start=now), run(thread_id="t", start=now + timedelta(minutes=10)))
    window = {"min_start_time": now + timedelta(minutes=1), "max_start_time": now + timedelta(minutes=9)}
    assert api.items(QUERY, project_id=project.pk, **window) == []


def test_sums_are_those_of_the_turns_in_the_window(api: Caller, now: datetime) -> None:
    project = sent(api, *turns("t", 4, start=now))
    (thread,) = api.items(QUERY, project_id=project.pk, min_start_time=now + timedelta(seconds=75))
    assert (thread["count"], thread["first_inputs"]) == (2, "question 3")


def test_filter_and_trace_filter_ask_the_root_run(api: Caller, now: datetime) -> None:
    root, other = run(thread_id="a", start=now, tags=["beta"]), run(thread_id="b", start=now)
    project = sent(api, root, other, run("look_up", parent=other, thread_id="b", start=now, tags=["beta"]))
    for name in ("filter", "trace_filter"):
        assert ids(api.items(QUERY, project_id=project.pk, **{name: 'has(tags, "beta")'})) == ["a"]


def test_tree_filter_asks_any_run_of_a_trace(api: Caller, now: datetime) -> None:
    root, other = run(thread_id="a", start=now), run(thread_id="b", start=now)
    project = sent(api, root, other, run("look_up", parent=other, start=now, run_type="tool"))
    found = api.items(QUERY, project_id=project.pk, tree_filter='and(eq(run_type, "tool"), eq(name, "look_up"))')
    assert ids(found) == ["b"]


def test_a_thread_that_only_children_carry_is_found(api: Caller, now: datetime) -> None:
    root = run(start=now)
    child = run("llm", parent=root, thread_id="t", start=now)
    project = sent(api, root, child)
    assert ids(api.items(QUERY, project_id=project.pk, filter='eq(name, "agent")')) == ["t"]
    assert ids(api.items(QUERY, project_id=project.pk, tree_filter='eq(thread_id, "t")')) == ["t"]


THREAD_FILTERS = {
    "eq(turn_count, 3)": "long",
    "gt(turn_count, 1)": "long",
    "gte(count, 3)": "long",
    "in(turn_count, [1, 2])": "short",
    "gt(num_errored_turns, 0)": "short",
    "eq(num_errored_turns, 0)": "long",
    'gt(thread_duration, "1m")': "long",
    "lt(thread_duration, 5)": "short",
    "gt(trace_latency_p50, 5)": "long",
    'in(trace_latency_p99, ["1s", "9s"])': "long",
    "lt(trace_latency_p99, 5)": "short",
    "eq(total_tokens, 7)": "long",
    "gt(total_cost, 0.1)": "long",
    "eq(total_cost, null)": "short",
    "not(gt(total_cost, 0.1))": "short",
    'eq(thread_id, "long")': "long",
    'like(thread_id, "sh%")': "short",
    'neq(thread_id, "long")': "short",
    "neq(last_error, null)": "short",
    'search("ANSWER 3")': "long",
    'and(gt(turn_count, 0), or(eq(turn_count, 99), eq(thread_id, "short")))': "short",
}


@pytest.mark.parametrize(("thread_filter", "expected"), THREAD_FILTERS.items())
def test_thread_filter_asks_the_whole_thread(api: Caller, now: datetime, thread_filter: str, expected: str) -> None:
    long = turns("long", 3, start=now, seconds=9)
    project = sent(api, *long, model_call(long[0], 7, 0.25), run(thread_id="short", start=now, error="broke"))
    assert ids(api.items(QUERY, project_id=project.pk, thread_filter=thread_filter)) == [expected]


def test_thread_filter_asks_for_the_start_of_a_thread(api: Caller, now: datetime) -> None:
    project = sent(api, *turns("t", 2, start=now))
    at = zulu(now + timedelta(seconds=45))
    assert ids(api.items(QUERY, project_id=project.pk, thread_filter=f'lt(min_start_time, "{at}")')) == ["t"]
    assert api.items(QUERY, project_id=project.pk, thread_filter=f'lt(max_start_time, "{at}")') == []


@pytest.mark.parametrize(
    ("thread_filter", "complaint"),
    [
        ('eq(nmae, "x")', "There is no field nmae"),
        ("eq(turn_cuont, 1)", "did you mean turn_count?"),
        ('eq(turn_count, "x")', "Expected a number"),
        ("eq(turn_count, null)", "never null"),
        ('has(tags, "x")', "ask the runs"),
        ('eq(feedback_score, "x")', "Expected a number"),
        ("maximum(turn_count)", "There is no operator"),
        ("eq(turn_count", "Expected"),
        ('search(name, "x")', "one argument"),
    ],
)
def test_a_thread_filter_that_cannot_be_read_is_400_and_says_why(
    api: Caller, thread_filter: str, complaint: str
) -> None:
    project = sent(api, run(thread_id="t"))
    answer = api.post(QUERY, project_id=project.pk, thread_filter=thread_filter)
    assert answer.status_code == 400
    assert complaint in answer.json()["detail"]


def test_a_filter_only_looks_into_its_own_project(api: Caller, now: datetime) -> None:
    project = sent(api, run(thread_id="t", start=now, name="one"))
    sent(api, run(thread_id="t", start=now, name="two", project="other"))
    assert api.items(QUERY, project_id=project.pk, filter='eq(name, "two")') == []


@pytest.mark.parametrize("field", ["ai_search", "sem_filter"])
def test_a_search_by_meaning_is_400_with_a_sentence(api: Caller, field: str) -> None:
    project = sent(api, run(thread_id="t"))
    answer = api.post(QUERY, project_id=project.pk, **{field: "angry users"})
    assert answer.status_code == 400
    assert "search by meaning" in answer.json()["detail"]


@pytest.mark.parametrize("size", [0, 101])
def test_a_page_has_between_1_and_100_threads(api: Caller, size: int) -> None:
    project = sent(api, run(thread_id="t"))
    assert api.post(QUERY, project_id=project.pk, page_size=size).status_code == 422


def test_a_foreign_cursor_is_400(api: Caller, now: datetime) -> None:
    project = sent(api, run(thread_id="t", start=now))
    assert api.post(QUERY, project_id=project.pk, cursor="x").status_code == 400


def test_the_same_query_is_answered_as_a_stream_of_patches(api: Caller, now: datetime) -> None:
    project = sent(api, run(thread_id="t", start=now))
    answer = api.client.post(
        QUERY,
        json.dumps({"project_id": str(project.pk)}),
        content_type="application/json",
        headers={"accept": "text/event-stream"},
    )
    events = [event.split("\n") for event in b"".join(answer).decode().strip().split("\n\n")]
    patches = [json.loads(data.removeprefix("data: "))[0] for kind, data in events if kind == "event: data"]
    assert [(patch["op"], patch["path"]) for patch in patches] == [
        ("replace", ""),
        ("add", "/items/-"),
        ("replace", "/next_cursor"),
    ]
    assert patches[1]["value"]["thread_id"] == "t"
    assert events[-1][0] == "event: end"
