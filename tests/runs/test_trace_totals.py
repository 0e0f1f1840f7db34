"""Conditions on the tokens and costs of a root are met by its whole trace, which is what answers and pages show of it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.projects.models import Project
from apps.runs.models import Run
from apps.runs.query.parse import parse
from apps.runs.search import find
from tests.api import Caller
from tests.threads.asking import model_call
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

MANY = "gt(total_tokens, 50)"


@pytest.fixture
def start() -> datetime:
    return timezone.now() - timedelta(minutes=30)


@pytest.fixture
def project(api: Caller, start: datetime) -> Project:
    """The thread of one trace used 60 tokens in two calls for 3 dollars, that of the other 10 for nothing known."""
    large, small = run("large", thread_id="large", start=start), run("small", thread_id="small", start=start)
    calls = [model_call(large, 40, 1), model_call(large, 20, 2), model_call(small, 10)]
    return send(api.key.workspace, large, small, *calls)


def names(api: Caller, project: Project, **body: Any) -> set[str]:
    return {found["name"] for found in api.post("/api/v1/runs/query", session=[project.pk], **body).json()["runs"]}


@pytest.mark.parametrize(
    "text",
    [MANY, "gte(total_cost, 3)", "and(eq(total_tokens, 60), neq(total_cost, null))", "in(total_tokens, [60, 61])"],
)
def test_trace_filter_sees_the_totals_of_the_trace(api: Caller, project: Project, text: str) -> None:
    assert names(api, project, trace_filter=text) == {"large", "llm"}


def test_a_trace_without_a_known_price_has_no_cost(api: Caller, project: Project) -> None:
    assert names(api, project, is_root=True, filter="eq(total_cost, null)") == {"small"}


@pytest.mark.parametrize("asked", [{"is_root": True, "filter": MANY}, {"filter": f"and(eq(is_root, true), {MANY})"}])
def test_a_filter_of_roots_sees_what_their_answer_shows(api: Caller, project: Project, asked: dict[str, Any]) -> None:
    assert names(api, project, **asked) == {"large"}


@pytest.mark.parametrize("few", [0, find.FEW_TRACES], ids=["many traces", "few traces"])
def test_a_filter_of_any_run_sees_what_its_answer_shows(
    api: Caller, project: Project, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many traces meet it: few are told beforehand, of many each root's is looked up."""
    monkeypatch.setattr(find, "FEW_TRACES", few)
    assert names(api, project, filter="gt(total_tokens, 30)") == {"llm", "large"}
    assert names(api, project, filter="and(not(gt(total_tokens, 30)), neq(total_tokens, null))") == {"llm", "small"}
    assert names(api, project, filter='and(eq(run_type, "chain"), eq(total_cost, null))') == {"small"}


@pytest.mark.parametrize(("few", "looked_up"), [(0, True), (find.FEW_TRACES, False)])
def test_few_traces_are_told_instead_of_looked_up_for_each_root(
    project: Project, few: int, looked_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "FEW_TRACES", few)
    assert ("EXISTS" in str(Run.objects.in_project(project).matching(parse(MANY)).query)) is looked_up


def test_threads_are_found_by_the_totals_of_their_turns(api: Caller, project: Project) -> None:
    for name in ("filter", "trace_filter"):
        items = api.items("/api/v2/threads/query", project_id=project.pk, **{name: MANY})
        assert [item["thread_id"] for item in items] == ["large"]


def test_groups_are_found_by_the_totals_of_their_turns(api: Caller, project: Project) -> None:
    answer = api.post("/api/v1/runs/group", session_id=project.pk, group_by="conversation", filter=MANY)
    assert [group["group_key"] for group in answer.json()["groups"]] == ["large"]
