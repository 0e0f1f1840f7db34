"""Two traces or runs side by side."""

import re
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User, Workspace
from apps.projects.models import Project
from apps.runs import compare, compare_text
from apps.runs.compare_text import TextDiff
from tests.factories import EPOCH, ProjectFactory
from tests.threads.listing import llm
from tests.threads.wire import run, send

HOSTILE = "<script>alert(1)</script>"


def sides(workspace: Workspace) -> tuple[Project, list[dict[str, Any]], list[dict[str, Any]]]:
    """The second is slower, has a step more, and answers otherwise."""
    a = trace([llm(tokens=100, cost="0.5"), {"name": "search"}], outputs={"answer": "It is dry."})
    b = trace(
        [llm(tokens=150, cost="0.75"), {"name": "search"}, {"name": "rerank"}],
        start=EPOCH + timedelta(minutes=1),
        seconds=3,
        outputs={"answer": "It is wet."},
    )
    return send(workspace, *a, *b), a, b


def trace(steps: list[dict[str, Any]], start: datetime = EPOCH, **fields: Any) -> list[dict[str, Any]]:
    """The root and its steps, a tenth of a second apart."""
    root = run(thread_id="t", start=start, **fields)
    starts = (start + timedelta(milliseconds=100 * number) for number in range(1, 100))
    return [root, *({**run(parent=root, start=at), **step} for at, step in zip(starts, steps, strict=False))]


def url(project: Project) -> str:
    return reverse("runs:compare", args=[project.workspace_id, project.pk])


def page(client: Client, project: Project, a: Any, b: Any, **query: str) -> str:
    return client.get(url(project), {"a": a["id"], "b": b["id"], **query}).content.decode()


def steps(html: str) -> list[tuple[str, list[str]]]:
    """Kind and the names on each side."""
    found = []
    for css, body in re.findall(r'<li class="(\w+) d\d+">(.*?)</li>', html, re.DOTALL):
        found.append((css, [unescape(name) for name in re.findall(r'<bdi class="clip">(.*?)</bdi>', body)]))
    return found


def test_figures_stand_beside_each_other_with_their_difference(viewer: Client, workspace: Workspace) -> None:
    project, a, b = sides(workspace)
    html = page(viewer, project, a[0], b[0])
    row = re.search(r'<th scope="row">Tokens</th>(.*?)</tr>', html)
    assert row is not None
    assert re.sub("<[^>]*>", " ", row[1]).split() == ["100", "150", "+50,", "+50", "%"]
    assert "+1.5 s, +100 %" in html


def test_steps_are_aligned_by_name_and_order(viewer: Client, workspace: Workspace) -> None:
    project, a, b = sides(workspace)
    found = steps(page(viewer, project, a[0], b[0]))
    assert ("same", ["agent", "agent"]) in found
    assert ("same", ["ChatOpenAI", "ChatOpenAI"]) in found
    assert ("added", ["rerank"]) in found


def test_what_was_said_is_compared_word_by_word(viewer: Client, workspace: Workspace) -> None:
    project, a, b = sides(workspace)
    html = page(viewer, project, a[0], b[0])
    assert "<del>dry.</del>" in html
    assert "<ins>wet.</ins>" in html


def test_a_step_is_picked_by_url(viewer: Client, workspace: Workspace) -> None:
    project, a, b = sides(workspace)
    html = page(viewer, project, a[0], b[0], y=b[3]["id"])
    assert "Only B has this step." in html


def test_two_runs_are_compared_with_what_is_below_them(viewer: Client, workspace: Workspace) -> None:
    project, a, b = sides(workspace)
    assert steps(page(viewer, project, a[1], b[1])) == [("same", ["ChatOpenAI", "ChatOpenAI"])]


def test_two_selected_rows_lead_here_the_older_first(viewer: Client, workspace: Workspace) -> None:
    project, a, b = sides(workspace)
    rows = [f"{root['trace_id']}.{root['id']}" for root in (b[0], a[0])]
    bulk = reverse("runs:bulk", args=[project.workspace_id, project.pk])
    response = viewer.post(bulk, {"do": "compare", "run": rows, "query": "q=hello"})
    assert response.url == f"{url(project)}?a={a[0]['id']}&b={b[0]['id']}&list=q%3Dhello"
    alone = viewer.post(bulk, {"do": "compare", "run": rows[:1]}, follow=True)
    assert "Select two rows to compare." in alone.content.decode()


def test_a_url_without_runs_leads_to_the_list(viewer: Client, workspace: Workspace) -> None:
    project, _, _ = sides(workspace)
    assert viewer.get(url(project)).url == reverse("runs:list", args=[project.workspace_id, project.pk])


@pytest.mark.parametrize("other", [str(uuid.UUID(int=7)), "nonsense"])
def test_an_unknown_run_is_404(viewer: Client, workspace: Workspace, other: str) -> None:
    project, a, _ = sides(workspace)
    assert viewer.get(url(project), {"a": a[0]["id"], "b": other}).status_code == 404


def test_a_run_of_another_project_is_404(viewer: Client, workspace: Workspace) -> None:
    _, a, b = sides(workspace)
    other = ProjectFactory.create(workspace=workspace)
    assert viewer.get(url(other), {"a": a[0]["id"], "b": b[0]["id"]}).status_code == 404


def test_anonymous_must_sign_in(client: Client, workspace: Workspace) -> None:
    project, _, _ = sides(workspace)
    assert client.get(url(project)).url.startswith(reverse("account_login"))


def test_outsider_gets_404(client: Client, charlie: User, workspace: Workspace) -> None:
    project, a, b = sides(workspace)
    client.force_login(charlie)
    assert client.get(url(project), {"a": a[0]["id"], "b": b[0]["id"]}).status_code == 404


def test_hostile_text_is_only_text(viewer: Client, workspace: Workspace) -> None:
    a, b = run(HOSTILE, inputs={"x": HOSTILE}, error=HOSTILE), run(HOSTILE + "b", outputs={HOSTILE: HOSTILE})
    assert "<script>alert" not in page(viewer, send(workspace, a, b), a, b)


def test_payloads_too_large_are_not_compared(viewer: Client, workspace: Workspace) -> None:
    a, b = run(inputs={"x": "long " * 200_000}), run()
    assert "too large to be compared" in page(viewer, send(workspace, a, b), a, b)


def test_many_runs_are_cut_which_the_page_says(
    viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "MAX_ROWS", 2)
    project, a, b = sides(workspace)
    html = page(viewer, project, a[0], b[0])
    assert "rerank" not in html
    assert "are compared" in html


def test_more_steps_cost_no_more_queries(
    viewer: Client, workspace: Workspace, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    project, a, b = sides(workspace)
    page(viewer, project, a[0], b[0])
    few = count_queries(lambda: page(viewer, project, a[0], b[0]))
    send(workspace, *(run(parent=b[0], start=EPOCH + timedelta(minutes=3, seconds=n)) for n in range(10)))
    assert count_queries(lambda: page(viewer, project, a[0], b[0])) == few


def test_the_same_lines_are_folded_unless_all_are_asked_for() -> None:
    a = "\n".join(map(str, range(50)))
    folded = TextDiff.of(a, a + "\nmore")
    assert [line.folded for line in folded.lines if line.folded] == [47]
    assert len(TextDiff.of(a, a + "\nmore", every=True).lines) == 51
    assert folded.changed == 1


def test_of_a_long_text_the_beginning_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare_text, "MAX_LINES", 3)
    diff = TextDiff.of("a\nb\nc\nd", "a\nb\nc\ne", every=True)
    assert (len(diff.lines), diff.cut) == (3, True)


def test_both_sides_can_be_read_off_a_diff() -> None:
    a, b = "one\ntwo words here\nthree", "one\ntwo words there\nfour\nfive"
    lines = TextDiff.of(a, b, every=True).lines
    for text, side in ((a, "a"), (b, "b")):
        pieces = [getattr(line, side) for line in lines if getattr(line, side) is not None]
        assert "\n".join("".join(piece.text for piece in line) for line in pieces) == text
