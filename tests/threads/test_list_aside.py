"""The figures and frequent values beside the Threads tab, and the strip of activity above it."""

import re
from html import unescape

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.listing import list_views
from apps.threads import facets, stats
from apps.threads.models import Thread
from apps.threads.tagging import ThreadTag
from tests.threads.listing import chat, listed, llm, page, url
from tests.threads.wire import send

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Three threads, four turns, one of them failed."""
    send(
        workspace, *chat("a", llm("gpt-4o", tokens=100, cost="0.5"), tags=["beta"], metadata={"plan": "pro"}, seconds=2)
    )
    send(
        workspace,
        *chat("b", llm("claude", tokens=300, cost="0.25"), metadata={"plan": "free", "user_id": "u_1"}, seconds=4),
    )
    send(workspace, *chat("c", error="boom", outputs={}, minutes=5, seconds=6))
    return send(workspace, *chat("c", minutes=9, seconds=8))


def figures(client: Client, project: Project, **query: str) -> dict[str, str]:
    html = page(client, project, "aside", **query)
    pairs = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", html)
    return {label: re.sub("<[^>]*>", "", shown) for label, shown in pairs}


def groups(client: Client, project: Project, **query: str) -> dict[str, dict[str, int]]:
    html = page(client, project, "aside", **query)
    found = {}
    for label, body in re.findall(r"<h3><bdi>(.*?)</bdi></h3>(.*?)</section>", html, re.DOTALL):
        values = re.findall(r'<bdi>(.*?)</bdi><span class="count">(.*?)</span>', body)
        found[unescape(label)] = {unescape(value): int(count) for value, count in values}
    return found


def link(client: Client, project: Project, name: str, value: str, **query: str) -> dict[str, str]:
    """The query that a click on a value leads to; name is `value` to include it and `not` to leave it out."""
    html = page(client, project, "aside", **query)
    pattern = rf'class="{name}" href="[^"?]*\?([^"]*)"[^>]*title="[^"]* {re.escape(value)}"'
    found = re.search(pattern, html)
    assert found, html
    return QueryDict(unescape(found[1])).dict()


def test_figures_are_those_of_the_threads(viewer: Client, project: Project) -> None:
    found = figures(viewer, project)
    assert found["threads"] == "3"
    assert found["turns"] == "4"
    assert found["tokens"] == "400"
    assert found["cost"] == "$0.7500"
    assert found["errored turns"] == "25 %"
    assert found["P50 turn"] == "5.0 s"
    assert found["streamed"] == "0 %"


def test_figures_follow_the_filter(viewer: Client, project: Project) -> None:
    found = figures(viewer, project, filter='eq(model, "claude")')
    assert (found["threads"], found["tokens"], found["cost"], found["P50 turn"]) == ("1", "300", "$0.2500", "4.0 s")


def test_a_sample_says_that_it_is_one(viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "latest" not in page(viewer, project, "aside")
    monkeypatch.setattr(stats, "SAMPLE", 2)
    monkeypatch.setattr(facets, "SAMPLE", 2)
    html = page(viewer, project, "aside")
    assert "those of the latest 2 turns" in html
    assert "counted in the latest 2 of these threads" in html


def test_a_filter_that_finds_very_many_is_told_by_the_latest_of_them(
    viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stats, "MOST_THREADS", 1)
    found = figures(viewer, project, filter='neq(name, "x")')
    assert (found["threads"], found["turns"], found["errored turns"]) == ("1+", "2", "50 %")
    assert "those of the latest 1." in page(viewer, project, "aside", filter='neq(name, "x")')


def test_a_whole_project_is_told_exactly(viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "MOST_THREADS", 1)
    assert figures(viewer, project)["threads"] == "3"


def test_values_are_counted_by_thread(viewer: Client, project: Project) -> None:
    found = groups(viewer, project)
    assert found["Status"] == {"success": 3, "error": 1}
    assert found["Model"] == {"claude": 1, "gpt-4o": 1}
    assert found["Tag"] == {"beta": 1}
    assert found["plan"] == {"free": 1, "pro": 1}
    assert found["User"] == {"u_1": 1}


CHOICES = {"error": {"c"}, "success": {"a", "b", "c"}, "gpt-4o": {"a"}, "beta": {"a"}, "pro": {"a"}, "u_1": {"b"}}


@pytest.mark.parametrize(("value", "expected"), CHOICES.items())
def test_a_click_includes_or_leaves_out_and_another_takes_it_back(
    viewer: Client, project: Project, value: str, expected: set[str]
) -> None:
    included = link(viewer, project, "value", value)
    assert set(listed(viewer, project, **included)) == expected
    assert link(viewer, project, "value", value, **included) == {}
    without = link(viewer, project, "not", value)
    assert set(listed(viewer, project, **without)) == {"a", "b", "c"} - expected


def test_counts_follow_the_other_filters_and_not_their_own(viewer: Client, project: Project) -> None:
    found = groups(viewer, project, trace_filter='eq(status, "error")')
    assert found["Status"] == {"success": 3, "error": 1}
    assert "Model" not in found


def test_tags_of_threads_are_among_the_values(viewer: Client, project: Project) -> None:
    ThreadTag.objects.create(thread=Thread.objects.get(thread_id="b").pk, project=project, tag="good one")
    assert groups(viewer, project)["Thread tag"] == {"good one": 1}
    assert listed(viewer, project, **link(viewer, project, "value", "good one")) == ["b"]


def test_ids_are_no_values_to_choose(viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facets, "SCATTERED", 3)
    for number in range(4):
        project = send(workspace, *chat(f"t{number}", metadata={"request": f"r{number}", "plan": "pro"}))
    assert list(groups(viewer, project)) == ["Status", "Name", "plan"]


def test_a_later_app_adds_values(viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    by_name = facets.KINDS.by_name
    monkeypatch.setattr(facets.KINDS, "sources", [lambda project, ids: [("mood", "", "happy", len(ids))]])
    monkeypatch.setattr(facets.KINDS, "by_name", dict(by_name))
    facets.KINDS.add("mood", "Mood", by_name["name"][1])
    assert groups(viewer, project)["Mood"] == {"happy": 3}


def test_hostile_values_are_only_text(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *chat(HOSTILE, llm(HOSTILE), name=HOSTILE, tags=[HOSTILE], metadata={HOSTILE: HOSTILE}))
    html = page(viewer, project, "aside")
    assert html.count("&lt;script&gt;alert(1)") > 4
    assert "<script>alert(1)" not in html


def test_the_figures_are_a_page_without_scripts(viewer: Client, project: Project) -> None:
    html = page(viewer, project, "aside", q="hello")
    assert "<html" in html
    assert f'{url(project)}?q=hello">' in html


def test_the_figures_alone_answer_htmx(viewer: Client, project: Project) -> None:
    headers = {"HX-Request": "true", "HX-Target": "aside"}
    html = viewer.get(url(project, "aside"), headers=headers).content.decode()
    assert html.strip().startswith("<section")


def test_a_filter_that_cannot_be_read_counts_nothing(viewer: Client, project: Project) -> None:
    assert figures(viewer, project, filter="nonsense(")["threads"] == "0"


def test_the_figures_stay_hidden_once_hidden(viewer: Client, project: Project) -> None:
    assert 'hx-trigger="load, show"' in page(viewer, project)
    viewer.cookies["aside"] = "off"
    assert 'aria-label="Figures of the filter" hidden' in page(viewer, project)
    assert 'hx-trigger="show"' in page(viewer, project)


def test_activity_is_drawn_by_time_with_a_link_for_each_bar(viewer: Client, project: Project) -> None:
    html = page(viewer, project, "histogram")
    bars = re.findall(r'<a href="[^"?]*\?([^"]*)" aria-label="([^"]*)"', html)
    assert [label.split(" last active")[0] for _, label in bars] == ["2 threads", "1 thread"]
    assert bars[1][1].endswith("with errors")
    assert listed(viewer, project, **QueryDict(unescape(bars[1][0])).dict()) == ["c"]


def test_activity_of_a_filter_that_finds_very_many_is_that_of_the_latest(
    viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_views, "MOST_DRAWN", 1)
    html = page(viewer, project, "histogram", filter='neq(name, "x")')
    assert "last activity, latest 1, UTC" in html
    assert html.count('class="bar"') == 1


def test_no_activity_is_said(viewer: Client, project: Project) -> None:
    assert "No activity in this time" in page(viewer, project, "histogram", since="1m")


@pytest.mark.parametrize("part", ["aside", "histogram"])
def test_outsiders_and_strangers_see_no_figures(outsider: Client, project: Project, part: str) -> None:
    assert outsider.get(url(project, part)).status_code == 404
    outsider.logout()
    assert reverse("account_login") in outsider.get(url(project, part)).url
