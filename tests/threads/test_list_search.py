"""Full-text search in the Threads tab."""

import re
from html import unescape

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.listing import snippets
from apps.runs.listing.snippets import marked
from tests.threads.listing import chat, listed, llm, page
from tests.threads.wire import send

HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture
def project(workspace: Workspace) -> Project:
    send(
        workspace,
        *chat("tent", inputs={"question": "Is the Cairn tent waterproof?"}, outputs={"answer": "Yes, it is."}),
    )
    send(workspace, *chat("boots", inputs={"question": "My boots leak"}, outputs={"answer": "Send the boots back."}))
    return send(workspace, *chat("error", error="TimeoutError: the tent service", outputs={}, minutes=3))


def snippet(html: str) -> str:
    found = re.search(r'<tr class="snippet">.*?<p dir="auto">(.*?)</p>', html)
    assert found
    return unescape(re.sub(r"<(?!/?mark)[^>]*>", "", found[1]))


def test_words_select_the_threads_that_say_them(viewer: Client, project: Project) -> None:
    assert set(listed(viewer, project, q="TENT")) == {"tent", "error"}
    assert listed(viewer, project, q="boots leak") == ["boots"]
    assert listed(viewer, project, q="absent") == []


def test_the_words_are_marked_where_they_stand(viewer: Client, project: Project) -> None:
    found = snippet(page(viewer, project, q="cairn water"))
    assert found == "input Is the <mark>Cairn</mark> tent <mark>water</mark>proof?"


def test_only_the_line_that_has_the_words_is_shown(viewer: Client, workspace: Workspace) -> None:
    long = "before " * 60 + "needle" + " after" * 60
    project = send(workspace, *chat("a", inputs={"noise": "another line", "question": long, "more": "a third"}))
    found = snippet(page(viewer, project, q="needle"))
    assert found.startswith("input …")
    assert found.endswith("…")
    assert "<mark>needle</mark>" in found
    assert "line" not in found
    assert len(found) < 280


def test_a_large_payload_is_shown_as_the_index_has_it(
    viewer: Client, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snippets, "MAX_FRAME", 5)
    assert snippet(page(viewer, project, q="cairn")) == "input is the <mark>cairn</mark> tent waterproof?"


def test_the_conversation_is_quoted_before_what_only_a_model_was_told(viewer: Client, workspace: Workspace) -> None:
    prompt = {"messages": [{"role": "system", "content": "Promise no refund."}, {"role": "user", "content": "Thanks"}]}
    project = send(
        workspace,
        *chat("a", inputs={"question": "Where is my refund?"}),
        *chat("a", llm(inputs=prompt), minutes=5, inputs={"question": "Thanks"}),
        *chat("b", llm(inputs=prompt), inputs={"question": "Hello"}),
    )
    html = page(viewer, project, q="refund")
    assert "Where is my <mark>refund</mark>?" in html
    assert html.count("Promise no <mark>refund</mark>") == 1


def test_an_error_is_found_and_named(viewer: Client, project: Project) -> None:
    assert "name, error, tags or metadata" in snippet(page(viewer, project, q="TimeoutError"))


def test_hostile_text_is_only_text(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *chat("a", inputs={"question": f"see {HOSTILE} here"}))
    html = page(viewer, project, q="onerror=alert(1)")
    assert "<mark>onerror=alert(1)</mark>" in html
    assert "<img" not in html


def test_words_that_are_patterns_are_taken_as_they_are(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *chat("a", inputs={"question": "100% (a+b)* sure"}))
    assert "<mark>(a+b)*</mark>" in page(viewer, project, q="(a+b)* 100%")


def test_marks_do_not_nest() -> None:
    assert marked("tents & tent", ["tent", "tents"]) == "<mark>tents</mark> &amp; <mark>tent</mark>"


def test_a_page_without_words_has_no_snippets(viewer: Client, project: Project) -> None:
    assert 'class="snippet"' not in page(viewer, project)
