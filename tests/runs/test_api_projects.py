"""The list of projects with its filters, and the dashboard of a project."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from langsmith import AsyncClient

from apps.projects.models import Project
from tests.api import Caller
from tests.factories import ProjectFactory
from tests.openapi import assert_described
from tests.threads.asking import model_call
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

SESSIONS = "/api/v2/sessions"


@pytest.fixture
def shops(api: Caller) -> None:
    workspace = api.key.workspace
    ProjectFactory(workspace=workspace, name="web shop", extra={"metadata": {"team": "sales", "size": 3}})
    ProjectFactory(workspace=workspace, name="repairs", description="of what the shop sold", end_time=timezone.now())


def names(api: Caller, text: str) -> list[str]:
    answer = api.get(SESSIONS, filter=text, sort_by="NAME", sort_order="asc")
    assert answer.status_code == 200, answer.content
    return [item["name"] for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("eq(name, 'web shop')", ["web shop"]),
        ('neq(name, "web shop")', ["default", "repairs"]),
        ('like(name, "%shop")', ["web shop"]),
        ('in(name, ["repairs", "none"])', ["repairs"]),
        ('search("SHOP")', ["repairs", "web shop"]),
        ("neq(end_time, null)", ["repairs"]),
        ("not(eq(end_time, null))", ["repairs"]),
        ('lt(end_time, "2020-01-01")', []),
        ('has(metadata, \'{"team": "sales"}\')', ["web shop"]),
        ('exists(metadata, "size")', ["web shop"]),
        ('and(gt(start_time, "2020-01-01"), or(eq(name, "repairs"), eq(name, "default")))', ["default", "repairs"]),
    ],
)
def test_projects_are_filtered(api: Caller, shops: None, text: str, found: list[str]) -> None:
    assert names(api, text) == found


@pytest.mark.parametrize(
    "text", ["eq(total_cost, 1)", "has(tags, 'a')", "search(name, 'a')", "eq(metadata, 'a')", "like(id, 'a')", "eq(", "exists(name, 'a')"]
)  # fmt: skip
def test_a_filter_that_does_not_go_with_projects_is_400(api: Caller, text: str) -> None:
    answer = api.get(SESSIONS, filter=text)
    assert answer.status_code == 400
    assert "at character" in answer.json()["detail"]


@pytest.fixture
def day() -> datetime:
    return timezone.now().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)


@pytest.fixture
def project(api: Caller, day: datetime) -> Project:
    """Two traces on one day, of which one failed and one used 10 tokens for half a dollar; one on the next."""
    paid = run("paid", start=day, seconds=1, metadata={"plan": "plus"}, tags=["a", "b"])
    failed = run("failed", start=day + timedelta(hours=1), seconds=3, error="no", tags=["b"])
    later = run("paid", start=day + timedelta(days=1), seconds=5)
    return send(api.key.workspace, paid, model_call(paid, 10, 0.5), failed, later)


def stats(api: Caller, project: Project, **asked: Any) -> dict[str, Any]:
    (item,) = api.get(SESSIONS, id=project.pk, include_stats=True, **asked).json()["items"]
    return item


def test_stats_count_what_stats_filter_finds(api: Caller, project: Project) -> None:
    assert stats(api, project)["run_count"] == 4
    found = stats(api, project, stats_filter='eq(status, "error")')
    assert (found["run_count"], found["error_rate"], found["latency_p50"]) == (1, 1.0, 3.0)


def test_stats_begin_at_stats_start_time(api: Caller, project: Project, day: datetime) -> None:
    found = stats(api, project, stats_start_time=(day + timedelta(days=1)).isoformat())
    assert (found["run_count"], found["total_cost"], found["latency_p99"]) == (1, None, 5.0)


def test_stats_of_nothing_are_there_all_the_same(api: Caller, project: Project) -> None:
    found = stats(api, project, stats_filter='eq(name, "none")')
    assert (found["run_count"], found["total_tokens"], found["error_rate"]) == (0, 0, None)


def test_stats_select_names_those_to_show(api: Caller, project: Project) -> None:
    found = stats(api, project, stats_select="run_count")
    assert found["run_count"] == 4
    assert "total_tokens" not in found


def dashboard(api: Caller, project: Project, **body: Any) -> dict[str, dict[str, Any]]:
    """Its charts by their titles."""
    answer = api.post(f"/api/v1/sessions/{project.pk}/dashboard", **body)
    assert answer.status_code == 200, answer.content
    assert_described("POST /api/v1/sessions/{project_id}/dashboard", answer)
    return {chart["title"]: chart for chart in answer.json()["charts"]}


def values(chart: dict[str, Any], series: str) -> list[Any]:
    return [point["value"] for point in chart["data"] if point["series_id"] == series]


DAILY = {"stride": {"days": 1}}


def test_the_dashboard_tells_a_days_traces(api: Caller, project: Project) -> None:
    charts = dashboard(api, project, **DAILY)
    assert values(charts["Traces"], "run_count") == [2, 1]
    assert values(charts["Error rate"], "error_rate") == [0.5, 0]
    assert values(charts["Latency"], "latency_p50") == [2, 5]
    assert values(charts["Tokens"], "total_tokens") == [10, 0]
    assert values(charts["Cost"], "total_cost") == [0.5]


def test_its_points_lie_at_the_beginning_of_the_strides(api: Caller, project: Project, day: datetime) -> None:
    first, second = (point["timestamp"] for point in dashboard(api, project, **DAILY)["Traces"]["data"])
    assert datetime.fromisoformat(first) == day
    assert datetime.fromisoformat(second) == day + timedelta(days=1)


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ({"attribute": "name"}, {"paid": 2, "failed": 1}),
        ({"attribute": "run_type"}, {"chain": 3}),
        ({"attribute": "tag"}, {"a": 1, "b": 2}),
        ({"attribute": "metadata", "path": "plan"}, {"plus": 1, None: 2}),
        ({"attribute": "name", "max_groups": 1}, {"paid": 2}),
    ],
)
def test_it_is_grouped(api: Caller, project: Project, by: dict[str, Any], groups: dict[str, int]) -> None:
    found: dict[str, int] = {}
    for point in dashboard(api, project, group_by=by, **DAILY)["Traces"]["data"]:
        found[point["group"]] = found.get(point["group"], 0) + point["value"]
    assert found == groups


def test_it_ends_before_end_time(api: Caller, project: Project, day: datetime) -> None:
    until = {"start_time": day.isoformat(), "end_time": (day + timedelta(minutes=30)).isoformat()}
    assert values(dashboard(api, project, **until)["Traces"], "run_count") == [1]


def test_data_may_be_left_out(api: Caller, project: Project) -> None:
    assert not any(chart["data"] for chart in dashboard(api, project, omit_data=True).values())


@pytest.mark.parametrize(
    "body",
    [
        {"stride": {"minutes": 1}},
        {"timezone": "Nowhere"},
        {"group_by": {"attribute": "id"}},
        {"end_time": "0001-01-01T00:00:00Z"},
    ],
)
def test_what_cannot_be_drawn_is_422(api: Caller, project: Project, body: dict[str, Any]) -> None:
    assert api.post(f"/api/v1/sessions/{project.pk}/dashboard", body).status_code == 422


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_the_python_sdk_reads_projects_and_the_dashboard(live_server: Any, api: Caller, project: Project) -> None:
    async def story() -> None:
        async with AsyncClient(api_url=f"{live_server.url}/api/v1", api_key=api.key.secret) as client:
            generated = client.runs._client
            found = await generated.sessions.list_v2(filter="eq(name, 'p')", include_stats=True)
            assert [(item.name, item.run_count) for item in found.items or []] == [("p", 4)]
            section = await generated.sessions.dashboard(str(project.pk), stride={"days": 1})
            assert [chart.title for chart in section.charts][:2] == ["Traces", "Error rate"]

    asyncio.run(story())
