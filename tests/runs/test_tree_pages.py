"""The tree beside a run: its filter, its pages, its links."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User, Workspace
from apps.projects.models import Project
from apps.runs import tree as module
from apps.threads import trace_view
from tests.factories import EPOCH
from tests.threads.wire import Json, run, send


def trace(count: int = 3, **fields: Json) -> list[dict[str, Json]]:
    root = run("agent", **fields)
    begin = fields.get("start", EPOCH)
    return [
        root,
        *(
            run(f"step {n}", parent=root, run_type="tool", start=begin + timedelta(milliseconds=n))
            for n in range(1, count + 1)
        ),
    ]


def page(client: Client, project: Project, run_id: Json, **query: Json) -> str:
    response = client.get(reverse("runs:detail", args=[project.workspace_id, project.pk, run_id]), query)
    assert response.status_code == 200
    return str(response.content.decode())


def names(html: str) -> list[str]:
    return re.findall(r'<bdi class="name clip">([^<]*)</bdi>', html)


def marked(html: str) -> list[str]:
    return re.findall(r'<li class="d\d+ hit">.*?<bdi class="name clip">([^<]*)</bdi>', html)


def test_a_filter_marks_its_hits_in_context(viewer: Client, workspace: Workspace) -> None:
    sent = trace()
    html = page(viewer, send(workspace, *sent), sent[0]["id"], runs="step 2")
    assert names(html) == ["agent", "step 1", "step 2", "step 3"]
    assert marked(html) == ["step 2"]
    assert "1 run matches" in html


def test_matches_only_leaves_the_others_out(viewer: Client, workspace: Workspace) -> None:
    sent = trace()
    html = page(viewer, send(workspace, *sent), sent[0]["id"], runs="step 2", only="1")
    assert names(html) == ["step 2"]


def test_a_filter_may_be_a_condition(viewer: Client, workspace: Workspace) -> None:
    sent = trace()
    html = page(viewer, send(workspace, *sent), sent[0]["id"], runs='eq(run_type, "chain")')
    assert marked(html) == ["agent"]


def test_a_condition_that_cannot_be_read_keeps_its_text_and_says_why(viewer: Client, workspace: Workspace) -> None:
    sent = trace()
    html = unescape(page(viewer, send(workspace, *sent), sent[0]["id"], runs="eq(nonsense, 1)"))
    assert 'value="eq(nonsense, 1)"' in html
    assert "nonsense" in re.findall(r'class="note bad">([^<]*)', html)[0]
    assert len(names(html)) == 4


@pytest.mark.parametrize("words", ['"', "\\", "a(b", "search", "%", "\0", "x" * 3_000, "<script>alert(1)</script>"])
def test_any_words_can_be_looked_for(viewer: Client, workspace: Workspace, words: str) -> None:
    sent = trace(1)
    assert "<script>alert" not in page(viewer, send(workspace, *sent), sent[0]["id"], runs=words)


def test_links_keep_what_the_reader_chose(viewer: Client, workspace: Workspace) -> None:
    sent = trace(1)
    html = unescape(page(viewer, send(workspace, *sent), sent[0]["id"], runs="step", bars="off", **{"as": "yaml"}))
    row = re.search(rf'href="([^"]*/r/{sent[1]["id"]}[^"]*)"', html)
    assert row
    assert {"runs=step", "bars=off", "as=yaml"} <= set(row[1].partition("?")[2].split("&"))
    assert "no-bars" in html


def test_a_long_trace_is_shown_in_pages(viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 3)
    sent = trace(6)
    project = send(workspace, *sent)
    first = page(viewer, project, sent[0]["id"])
    assert names(first) == ["agent", "step 1", "step 2"]
    assert "Runs 1 to 3 of 7" in first
    assert "Runs before these" not in first
    later = re.search(r'href="([^"]*)"[^>]*>Runs after these', first)
    assert later
    second = viewer.get(unescape(later[1])).content.decode()
    assert names(second) == ["step 3", "step 4", "step 5"]


def test_the_page_of_a_long_trace_is_that_of_the_run(
    viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 3)
    sent = trace(6)
    assert names(page(viewer, send(workspace, *sent), sent[5]["id"])) == ["step 3", "step 4", "step 5"]


def test_the_runs_above_and_below_are_linked(viewer: Client, workspace: Workspace) -> None:
    sent = trace(2)
    html = page(viewer, send(workspace, *sent), sent[1]["id"])
    found = re.findall(r'data-step="(-?1)" href="([^"]*)"', html)
    assert [(by, href.rpartition("/")[2]) for by, href in found] == [("-1", sent[0]["id"]), ("1", sent[2]["id"])]


def test_every_turn_of_a_window_with_too_many_runs_is_there(
    viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trace_view, "MAX_ROWS", 6)
    monkeypatch.setattr(trace_view, "LEAST_ROWS", 1)
    sent = [one for n in range(3) for one in trace(9, thread_id="sally", start=EPOCH + timedelta(minutes=n))]
    project = send(workspace, *sent)
    url = reverse("threads:detail", args=[workspace.pk, project.pk, "sally"])
    html = viewer.get(url, {"view": "trace"}).content.decode()
    assert names(html) == ["agent", "step 1"] * 3
    assert html.count("8 more runs of this turn are not listed here") == 3


def test_a_trace_leads_to_those_beside_it_in_its_thread(viewer: Client, workspace: Workspace) -> None:
    sent = [run(thread_id="sally", start=EPOCH + timedelta(minutes=n)) for n in range(3)]
    html = page(viewer, send(workspace, *sent), sent[1]["id"])
    assert re.findall(r'data-key="[\[\]]" href="[^"]*/r/([^"]*)"', html) == [sent[0]["id"], sent[2]["id"]]


def test_a_shared_trace_leads_to_no_other(client: Client, alice: User, workspace: Workspace) -> None:
    sent = [run(thread_id="sally", start=EPOCH + timedelta(minutes=n)) for n in range(3)]
    project = send(workspace, *sent)
    client.force_login(alice)
    share = reverse("threads:share", args=[workspace.pk, project.pk]) + f"?run={sent[1]['id']}"
    client.post(share)
    link = re.search(r"/public/[0-9a-f-]+/r", client.get(share).content.decode())
    assert link
    client.logout()
    html = client.get(link[0]).content.decode()
    assert str(sent[1]["id"]) in html
    assert str(sent[0]["id"]) not in html
