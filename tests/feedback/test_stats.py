"""Sums of feedback wherever the API shows runs, traces, threads and projects."""

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.feedback import services
from apps.feedback.aggregate import columns_of, keys_of, strip_of
from apps.feedback.draft import Draft
from apps.feedback.models import FeedbackKey
from apps.projects.models import Project
from apps.runs.ingest import store
from apps.threads.access import thread_or_404
from tests.api import Caller
from tests.factories import MembershipFactory
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

SINCE = "2020-01-01"


@pytest.fixture
def roots(workspace: Workspace) -> list[dict[str, Any]]:
    return [run(thread_id="t"), run(thread_id="t"), run()]


@pytest.fixture
def project(workspace: Workspace, roots: list[dict[str, Any]]) -> Project:
    """Two turns of a thread with scores 1 and 0, a thread scored 0.5 as a whole, and a trace beside with a label."""
    project = send(workspace, *roots)
    project.workspace = workspace
    first, second, beside = (uuid.UUID(root["id"]) for root in roots)
    whole = {"thread_id": "t", "project_id": project.pk}
    for draft in (
        Draft(key="good", run_id=first, score=Decimal(1), comment="well done"),
        Draft(key="good", run_id=second, score=Decimal(0), source_type="model"),
        Draft(key="good", **whole, score=Decimal("0.5")),
        Draft(key="solved", **whole, value="yes", error=True),
        Draft(key="tone", run_id=beside, value="rude"),
        Draft(key="release", project_id=project.pk, score=Decimal(3)),
    ):
        services.record(workspace, draft)
    return project


GOOD = {
    "n": 2,
    "avg": 0.5,
    "stdev": pytest.approx(0.7071067811865476),
    "min": 0,
    "max": 1,
    "values": {},
    "comments": ["well done"],
    "sources": ["api", "model"],
    "errors": 0,
    "contains_thread_feedback": True,
}
SOLVED = {
    "n": 1,
    "avg": None,
    "stdev": None,
    "min": None,
    "max": None,
    "values": {"yes": 1},
    "comments": [],
    "sources": ["api"],
    "errors": 1,
    "contains_thread_feedback": True,
}


def test_a_thread_shows_the_average_of_its_runs_and_the_thread_itself_apart(api: Caller, project: Project) -> None:
    (thread,) = api.items("/api/v2/threads/query", project_id=project.pk, min_start_time=SINCE)
    assert thread["feedback_stats"] == {"good": GOOD, "solved": SOLVED}
    assert {key: one["avg"] for key, one in thread["thread_feedback_stats"].items()} == {"good": 0.5, "solved": None}
    selects = ["FEEDBACK_STATS", "THREAD_FEEDBACK_STATS"]
    stats = api.get("/api/v2/threads/t/stats", session_id=project.pk, selects=selects).json()
    assert stats == {name.lower(): thread[name.lower()] for name in selects}
    body = {"project_id": str(project.pk), "select": ["THREAD_FEEDBACK_STATS"], "min_start_time": SINCE}
    aggregated = api.post("/api/v2/threads/stats", **body).json()["thread_feedback_stats"]
    assert {key: one["n"] for key, one in aggregated.items()} == {"good": 1, "solved": 1}


def test_groups_of_v1_show_what_threads_show(api: Caller, project: Project) -> None:
    answer = api.post("/api/v1/runs/group", session_id=project.pk, group_by="conversation").json()
    assert answer["groups"][0]["feedback_stats"] == {"good": GOOD, "solved": SOLVED}


def test_a_run_shows_its_own_feedback_in_both_generations(
    api: Caller, project: Project, roots: list[dict[str, Any]]
) -> None:
    v1 = api.get(f"/api/v1/runs/{roots[0]['id']}").json()["feedback_stats"]
    assert (v1["good"]["n"], v1["good"]["avg"], v1["good"]["contains_thread_feedback"]) == (1, 1, False)
    listed = api.post("/api/v1/runs/query", session=[str(project.pk)]).json()["runs"]
    assert {one["id"]: one["feedback_stats"] for one in listed}[roots[0]["id"]] == v1
    query = {"project_id": project.pk, "selects": ["ID", "FEEDBACK_STATS"], "min_start_time": SINCE}
    traces = api.items("/api/v2/traces/query", **query)
    shown = {one["root_run"]["id"]: one["root_run"]["feedback_stats"] for one in traces}
    assert shown[roots[0]["id"]] == v1
    assert shown[roots[2]["id"]]["tone"]["values"] == {"rude": 1}


def test_a_project_shows_its_runs_and_itself(api: Caller, project: Project) -> None:
    found = api.get(f"/api/v1/sessions/{project.pk}", include_stats=True).json()
    assert {key: one["n"] for key, one in found["feedback_stats"].items()} == {"good": 2, "tone": 1}
    assert found["feedback_stats"]["tone"]["values"] == {"rude": 1}
    assert found["session_feedback_stats"]["release"]["avg"] == 3
    v2 = api.get(f"/api/v2/sessions/{project.pk}", include_stats=True).json()
    assert v2["feedback_stats"] == found["feedback_stats"]


def test_stats_of_runs_count_the_runs_that_were_asked_for(api: Caller, project: Project) -> None:
    body = {"session": [str(project.pk)]}
    assert api.post("/api/v1/runs/stats", **body).json()["feedback_stats"]["good"]["avg"] == 0.5
    condition = 'and(eq(feedback_key, "good"), gt(feedback_score, 0.5))'
    stats = api.post("/api/v1/runs/stats", **body, filter=condition).json()["feedback_stats"]
    assert (stats["good"]["n"], stats["good"]["comments"]) == (1, ["well done"])


def test_a_shared_page_shows_no_feedback(api: Caller, project: Project, roots: list[dict[str, Any]]) -> None:
    token = api.client.put(f"/api/v1/runs/{roots[0]['id']}/share", "{}").json()["share_token"]
    assert Client().get(f"/api/v1/public/{token}/run").json()["feedback_stats"] is None
    v2 = Client().get(f"/api/v2/public/{token}/run/{roots[0]['id']}?selects=FEEDBACK_STATS").json()
    assert v2 == {"feedback_stats": {}}


def test_the_strip_of_a_thread_names_keys_sources_and_configurations(workspace: Workspace, project: Project) -> None:
    FeedbackKey.objects.create(workspace=workspace, key="good", type="boolean", is_lower_score_better=True)
    good, solved = strip_of(thread_or_404(project, "t"))
    assert (good.key, good.runs.average, good.runs.count, good.whole.average) == ("good", 0.5, 2, 0.5)
    assert (good.runs.sources, good.runs.comments, good.lower_is_better) == ({"api": 1, "model": 1}, 1, True)
    assert (solved.key, solved.runs.count, solved.whole.labels, solved.config) == ("solved", 0, {"yes": 1}, None)


def test_columns_cost_the_same_however_many_threads(workspace: Workspace, project: Project, count_queries: Any) -> None:
    assert set(columns_of(project, ["t", "other"])) == {"t"}
    for number in range(20):
        thread = {"thread_id": f"more {number}", "project_id": project.pk}
        services.record(workspace, Draft(key="good", **thread, score=Decimal(1)))
    names = [f"more {number}" for number in range(20)]
    assert count_queries(lambda: columns_of(project, names)) == count_queries(lambda: columns_of(project, names[:10]))
    assert len(columns_of(project, names)) == 20


def test_the_keys_of_a_project_are_listed(project: Project) -> None:
    assert keys_of(project) == ["good", "solved"]


def test_columns_follow_a_change_a_withdrawal_and_its_undoing(workspace: Workspace, project: Project) -> None:
    draft = Draft(key="mood", thread_id="t", project_id=project.pk, score=Decimal(2))
    feedback = services.record(workspace, draft)
    services.change(feedback, score=Decimal(5), value="up")
    mood = columns_of(project, ["t"])["t"]["mood"].whole
    assert (mood.average, mood.low, mood.labels) == (5, 5, {"up": 1})
    undo = services.remove(feedback)
    assert "mood" not in columns_of(project, ["t"])["t"]
    assert services.restore(workspace, undo).score == 5
    assert columns_of(project, ["t"])["t"]["mood"].whole.count == 1


def test_an_undo_is_good_in_its_own_workspace_only(workspace: Workspace, project: Project) -> None:
    draft = Draft(key="mood", thread_id="t", project_id=project.pk)
    undo = services.remove(services.record(workspace, draft))
    other = MembershipFactory().workspace
    for owner, text in ((other, undo), (workspace, undo + "x")):
        with pytest.raises(services.Gone):
            services.restore(owner, text)


def test_a_members_second_verdict_replaces_the_first(workspace: Workspace, project: Project) -> None:
    member = MembershipFactory(workspace=workspace).user
    for score in (0, 1):
        draft = Draft(key="mood", thread_id="t", project_id=project.pk, score=Decimal(score), user_id=member.pk)
        services.record(workspace, draft)
    forged = {"user_id": str(member.pk)}
    services.record(
        workspace, Draft(key="mood", thread_id="t", project_id=project.pk, source_type="member", source=forged)
    )
    mood = columns_of(project, ["t"])["t"]["mood"].whole
    assert (mood.average, mood.count) == (1, 2)


def test_stats_vanish_with_the_runs(api: Caller, project: Project, roots: list[dict[str, Any]]) -> None:
    store.delete_traces([uuid.UUID(roots[0]["id"])])
    (thread,) = api.items("/api/v2/threads/query", project_id=project.pk, min_start_time=SINCE)
    assert thread["feedback_stats"]["good"]["max"] == 0
    store.delete_traces([uuid.UUID(roots[1]["id"])])
    assert keys_of(project) == []
