"""The Runs tab: what it lists, for whom, and in which order."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User, Workspace
from apps.projects.models import Project
from apps.runs.listing import narrow
from apps.runs.table import sorts
from tests.factories import EPOCH, ProjectFactory
from tests.threads.listing import chat, llm
from tests.threads.wire import run, send

HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">'


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Three traces, the latest failed; each of the others has a model call."""
    send(workspace, *chat("a", llm("gpt-4o", tokens=100, cost="0.5"), name="first", seconds=9, tags=["beta"]))
    send(
        workspace, *chat("b", llm("claude", tokens=300), name="second", minutes=1, seconds=2, metadata={"plan": "pro"})
    )
    return send(workspace, run("third", start=EPOCH + timedelta(minutes=2), error="boom", outputs={}))


def url(project: Project, name: str = "list") -> str:
    return reverse(f"runs:{name}", args=[project.workspace_id, project.pk])


def page(client: Client, project: Project, name: str = "list", **query: str) -> str:
    return client.get(url(project, name), query).content.decode()


def names(html: str) -> list[str]:
    return [unescape(name) for name in re.findall(r"data-row-link>.*?<bdi>(.*?)</bdi>", html)]


def listed(client: Client, project: Project, **query: str) -> list[str]:
    return names(page(client, project, **query))


def filled(workspace: Workspace, count: int, **fields: Any) -> Project:
    return send(workspace, *(run(f"r{n:03}", start=EPOCH + timedelta(minutes=n), **fields) for n in range(count)))


def test_viewer_sees_the_traces_latest_first(viewer: Client, project: Project) -> None:
    html = page(viewer, project)
    assert names(html) == ["third", "second", "first"]
    assert "hello" in html
    assert '<td class="words bad" dir="auto" title="boom"><span>boom</span></td>' in html


def test_anonymous_must_sign_in(client: Client, project: Project) -> None:
    assert client.get(url(project)).url == f"{reverse('account_login')}?next={url(project)}"


@pytest.mark.parametrize("name", ["list", "newer", "aside", "histogram"])
def test_outsider_gets_404(client: Client, charlie: User, project: Project, name: str) -> None:
    client.force_login(charlie)
    assert client.get(url(project, name)).status_code == 404


def test_a_preset_shows_the_model_calls_or_all_runs(viewer: Client, project: Project) -> None:
    assert listed(viewer, project, show="llm") == ["ChatOpenAI", "ChatOpenAI"]
    assert len(listed(viewer, project, show="all")) == 5
    assert listed(viewer, project, show="nonsense") == ["third", "second", "first"]


def test_a_row_links_to_its_run_and_opens_it_beside_the_list(viewer: Client, project: Project) -> None:
    html = page(viewer, project)
    link = re.search(r'<a class="row-link" href="([^"]*)" hx-get="([^"]*)" hx-target="#panel"', html)
    assert link is not None
    assert link[1] == link[2]
    panel = viewer.get(link[1], headers={"HX-Request": "true", "HX-Target": "panel"}).content.decode()
    assert "data-panel-close" in panel


def test_a_trace_shows_the_tokens_and_cost_of_all_its_runs(viewer: Client, project: Project) -> None:
    html = page(viewer, project)
    assert '<td class="num" data-l="tokens">300</td>' in html
    assert '<td class="num" data-l="cost">$0.5000</td>' in html


def test_a_call_without_stored_previews_shows_its_words(viewer: Client, workspace: Workspace) -> None:
    root = run(thread_id="t")
    call = run(
        "ChatOpenAI", parent=root, run_type="llm", inputs={"messages": [{"role": "user", "content": "Which tent?"}]}
    )
    assert "Which tent?" in page(viewer, send(workspace, root, call), show="llm")


def test_a_payload_too_large_for_a_line_is_said_to_be(viewer: Client, workspace: Workspace) -> None:
    root = run()
    call = run(parent=root, run_type="llm", inputs={"question": "long " * 100_000})
    assert "too large for a line" in page(viewer, send(workspace, root, call), show="llm")


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("-latency", ["first", "second", "third"]),
        ("latency", ["third", "second", "first"]),
        ("-tokens", ["second", "first", "third"]),
        ("tokens", ["first", "second", "third"]),
        ("-cost", ["first"]),
        ("start", ["first", "second", "third"]),
        ("nonsense", ["third", "second", "first"]),
    ],
)
def test_rows_are_sorted_and_the_unknown_comes_last(
    viewer: Client, project: Project, sort: str, found: list[str]
) -> None:
    assert listed(viewer, project, sort=sort)[: len(found)] == found


def test_many_runs_are_sorted_among_the_latest_which_the_page_says(
    viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sorts, "MOST_SORTED", 1)
    html = page(viewer, project, sort="-latency")
    assert names(html) == ["second", "third"]
    assert "only the latest" in html


@pytest.mark.parametrize("sort", ["", "start", "-latency", "tokens"])
def test_each_run_is_on_one_page_whichever_way_one_turns(viewer: Client, workspace: Workspace, sort: str) -> None:
    project = filled(workspace, 120)
    pages = [viewer.get(url(project), {"sort": sort}).context["page"]]
    while older := pages[-1].older:
        pages.append(viewer.get(url(project), {"sort": sort, "cursor": older}).context["page"])
    back = viewer.get(url(project), {"sort": sort, "cursor": pages[-1].newer}).context["page"]
    assert len({found.pk for shown in pages for found in shown.rows}) == 120
    assert [found.pk for found in back.rows] == [found.pk for found in pages[-2].rows]


@pytest.mark.parametrize("show", ["traces", "llm", "all"])
def test_the_table_costs_the_same_queries_at_10_and_20_rows(
    viewer: Client, workspace: Workspace, show: str, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    query = {"show": show, "cols": "input,output,tokens,cost,thread,user,meta.plan,feedback.x,ttft,runs"}
    project = filled(workspace, 10, run_type="llm")
    viewer.get(url(project), query)
    ten = count_queries(lambda: viewer.get(url(project), query))
    send(workspace, *(run(start=EPOCH + timedelta(days=1, minutes=n), run_type="llm") for n in range(10)))
    assert count_queries(lambda: viewer.get(url(project), query)) == ten


def test_all_filters_narrow_together(viewer: Client, project: Project) -> None:
    assert listed(viewer, project, filter='eq(status, "error")') == ["third"]
    assert listed(viewer, project, show="llm", trace_filter='eq(name, "first")') == ["ChatOpenAI"]
    assert listed(viewer, project, tree_filter='eq(model, "claude")') == ["second"]
    assert listed(viewer, project, thread_filter='eq(thread_id, "a")') == ["first"]


@pytest.mark.parametrize("few", [0, 2_000])
def test_runs_of_few_and_of_many_threads_are_found(
    viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(narrow, "FEW_THREADS", few)
    assert listed(viewer, project, thread_filter='eq(thread_id, "a")') == ["first"]
    assert len(listed(viewer, project, thread_filter="gt(turn_count, 0)", show="all")) == 4
    assert listed(viewer, project, thread_filter="gt(turn_count, 1)") == []


def test_what_is_asked_for_is_said_in_words(viewer: Client, project: Project) -> None:
    html = page(viewer, project, filter='eq(status, "error")', since="7d")
    assert "<bdi>Runs where status is error, started in the last 7 days</bdi>" in html


def test_a_filtered_page_is_counted_after_its_rows(viewer: Client, workspace: Workspace) -> None:
    project = filled(workspace, 60)
    html = page(viewer, project, filter='neq(name, "r000")')
    assert "50 traces here" in html
    counted = re.search(r'hx-get="([^"]*/place[^"]*)"', html)
    assert counted
    assert "50 of 59 traces" in viewer.get(unescape(counted[1])).content.decode()


def test_an_unfiltered_page_is_counted_at_once(viewer: Client, workspace: Workspace) -> None:
    assert "50 of 60 traces" in page(viewer, filled(workspace, 60))


def test_a_bad_filter_shows_nothing_and_marks_the_place(viewer: Client, project: Project) -> None:
    html = page(viewer, project, filter="eq(status, ")
    assert names(html) == []
    assert "cannot be read" in html


def test_words_are_found_with_the_line_they_stand_in(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run(inputs={"question": "Is the Cairn tent dry?"}), run("other"))
    html = page(viewer, project, q="tent")
    assert names(html) == ["agent"]
    assert "Cairn <mark>tent</mark> dry" in html


def test_no_match_says_what_to_do_next(viewer: Client, project: Project) -> None:
    html = page(viewer, project, q="nowhere", since="15m")
    assert "No trace matches" in html
    assert "Search all time" in html


def test_an_empty_project_says_what_to_do_next(viewer: Client, workspace: Workspace) -> None:
    assert "LANGSMITH_ENDPOINT" in page(viewer, ProjectFactory.create(workspace=workspace))


def test_hostile_text_is_only_text(viewer: Client, workspace: Workspace) -> None:
    root = run(
        HOSTILE, thread_id=HOSTILE, inputs={"q": HOSTILE}, error=HOSTILE, tags=[HOSTILE], metadata={"x": HOSTILE}
    )
    project = send(workspace, root)
    html = page(viewer, project, cols="input,output,tags,meta.x,thread,status", q="script")
    html += page(viewer, project, "aside")
    assert "<script>alert" not in html
    assert "<img" not in html


def test_the_poll_counts_runs_started_since(viewer: Client, workspace: Workspace) -> None:
    project = filled(workspace, 5)
    after = (EPOCH + timedelta(minutes=2, seconds=30)).isoformat()
    assert ">2 new</a>" in page(viewer, project, "newer", after=after)
    assert ">1 new</a>" in page(viewer, project, "newer", after=after, filter='eq(name, "r004")')


def test_columns_are_kept_for_each_preset(viewer: Client, project: Project) -> None:
    viewer.post(url(project, "columns"), {"query": "show=llm", "col": ["model", "cost"], "path": "plan"})
    assert [column.id for column in viewer.get(url(project), {"show": "llm"}).context["columns"]] == [
        "model",
        "cost",
        "meta.plan",
    ]
    assert viewer.get(url(project)).context["columns"][0].id == "input"
    viewer.post(url(project, "columns"), {"query": "show=llm", "reset": "1"})
    assert viewer.get(url(project), {"show": "llm"}).context["columns"][0].id == "input"


def test_a_metadata_column_shows_what_each_run_carries(viewer: Client, project: Project) -> None:
    assert '<td class="short" dir="auto" title="pro">pro</td>' in page(viewer, project, cols="meta.plan")


def test_the_figures_are_those_of_the_filter(viewer: Client, project: Project) -> None:
    html = page(viewer, project, "aside")
    assert "<dt>traces</dt><dd>3</dd>" in html
    assert "<dt>failed</dt><dd>33.3 %</dd>" in html
    assert "<dt>tokens</dt>" in html
    assert "<dt>LLM calls</dt><dd>2</dd>" in page(viewer, project, "aside", show="llm")


@pytest.mark.parametrize(("css", "found"), [("value", ["second"]), ("not", ["third", "first"])])
def test_a_value_is_asked_for_and_left_out_by_click(
    viewer: Client, project: Project, css: str, found: list[str]
) -> None:
    html = page(viewer, project, "aside")
    link = re.search(rf'class="{css}" href="([^"]*)"[^>]*title="[^"]* pro"', html)
    assert link is not None
    html = viewer.get(unescape(link[1])).content.decode()
    assert names(html) == found


def test_activity_has_a_bar_with_its_time(viewer: Client, project: Project) -> None:
    html = page(viewer, project, "histogram")
    assert "1 trace started" in html
    assert "1 with errors" in html
