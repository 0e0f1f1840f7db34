"""Which threads the Threads tab shows."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.threads.narrow import narrowed
from apps.threads.tagging import ThreadTag
from tests.factories import EPOCH
from tests.threads.listing import chat, ids, listed, llm, page
from tests.threads.wire import run, send


@pytest.fixture
def project(workspace: Workspace) -> Project:
    send(workspace, *chat("fails", error="boom", outputs={}))
    send(workspace, *chat("calls", llm("claude", cost="0.02"), minutes=1, tags=["beta"]))
    send(workspace, *chat("recovers", error="boom", outputs={}, minutes=2))
    return send(workspace, *chat("recovers", minutes=3, metadata={"plan": "pro"}))


CONDITIONS = {
    'filter=eq(status, "error")': {"fails", "recovers"},
    'filter=eq(model, "claude")': {"calls"},
    'filter=eq(run_type, "llm")': {"calls"},
    'trace_filter=eq(run_type, "llm")': set(),
    'trace_filter=has(tags, "beta")': {"calls"},
    'tree_filter=eq(name, "ChatOpenAI")': {"calls"},
    "thread_filter=gt(turn_count, 1)": {"recovers"},
    'thread_filter=not(any_root(eq(status, "error")))': {"calls"},
    'thread_filter=any_run(eq(model, "claude"))': {"calls"},
    'thread_filter=and(any_root(eq(status, "error")), any_root(eq(status, "success")))': {"recovers"},
    'thread_filter=not(any_run(and(eq(metadata_key, "plan"), eq(metadata_value, "pro"))))': {"fails", "calls"},
}


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.items())
def test_a_filter_selects_threads(viewer: Client, project: Project, condition: str, expected: set[str]) -> None:
    name, _, text = condition.partition("=")
    assert set(listed(viewer, project, **{name: text})) == expected


def test_all_conditions_must_hold(viewer: Client, project: Project) -> None:
    asked = {"filter": 'eq(status, "error")', "thread_filter": "eq(turn_count, 1)"}
    assert listed(viewer, project, **asked) == ["fails"]


def test_a_filter_that_cannot_be_read_shows_nothing_and_says_so(viewer: Client, project: Project) -> None:
    html = page(viewer, project, filter="eq(nam, 1)")
    assert "row-link mono" not in html
    assert "cannot be read" in html


def test_no_match_says_what_to_do(viewer: Client, project: Project) -> None:
    html = page(viewer, project, thread_filter="gt(turn_count, 99)", since="3d")
    assert "No thread matches" in html
    assert "Search all time" in html


def test_threads_of_another_project_do_not_match(viewer: Client, workspace: Workspace, project: Project) -> None:
    send(workspace, *chat("calls", error="boom", outputs={}, project="other"))
    assert set(listed(viewer, project, thread_filter='any_root(eq(status, "error"))')) == {"fails", "recovers"}


TAGGED = {
    'eq(thread_tag, "good")': {"a", "b"},
    'neq(thread_tag, "good")': {"c"},
    "eq(thread_tag, null)": {"c"},
    'in(thread_tag, ["old", "new"])': {"b"},
    'like(thread_tag, "go%")': {"a", "b"},
    'and(eq(thread_tag, "good"), eq(thread_tag, "old"))': {"b"},
}


@pytest.mark.parametrize(("condition", "expected"), TAGGED.items())
def test_tags_of_threads_are_asked_for(
    viewer: Client, workspace: Workspace, condition: str, expected: set[str]
) -> None:
    project = send(workspace, *chat("a"), *chat("b"), *chat("c"))
    keys = {thread.thread_id: thread.pk for thread in narrowed(project, Asked())}
    for thread, tag in (("a", "good"), ("b", "good"), ("b", "old")):
        ThreadTag.objects.create(thread=keys[thread], project=project, tag=tag)
    assert set(listed(viewer, project, thread_filter=condition)) == expected


RANGES = {
    (None, None): {"early", "long", "late"},
    (90, None): {"long", "late"},
    (None, 30): {"early", "long"},
    (20, 40): {"long"},
    (1, 2): {"early", "long"},
}


@pytest.mark.parametrize(("bounds", "expected"), RANGES.items())
def test_a_thread_is_in_a_range_when_any_of_it_is(
    workspace: Workspace, bounds: tuple[int | None, int | None], expected: set[str]
) -> None:
    """In minutes from the epoch: early is 0 to 5, long 0 to 100, late 95 to 100."""
    project = send(
        workspace,
        run(thread_id="early", seconds=300),
        run(thread_id="long", seconds=6_000),
        run(thread_id="late", start=EPOCH + timedelta(minutes=95), seconds=300),
    )
    since, until = ("" if minute is None else (EPOCH + timedelta(minutes=minute)).isoformat() for minute in bounds)
    found = narrowed(project, Asked(start=since, end=until))
    assert {thread.thread_id for thread in found} == expected


def test_a_span_counts_back_from_now(workspace: Workspace) -> None:
    project = send(workspace, *chat("old"))
    now = EPOCH + timedelta(hours=2)
    assert narrowed(project, Asked(since="3h"), now).count() == 1
    assert narrowed(project, Asked(since="1h"), now).count() == 0


def test_the_time_menu_says_the_range_and_its_timezone(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *chat("a"))
    html = page(viewer, project, **{"from": "2026-03-01T10:00", "to": "2026-03-02T10:00"})
    assert "Mar 1, 10:00 to Mar 2, 10:00 UTC" in html
    assert 'value="2026-03-01T10:00"' in html


def test_what_is_asked_for_is_said_in_words(viewer: Client, project: Project) -> None:
    html = page(viewer, project, filter='eq(model, "claude")', thread_filter="gt(turn_count, 0)", since="36h")
    assert (
        "<bdi>Threads where turns over 0, with a run where model is claude, active in the last 36 hours</bdi>" in html
    )


def test_a_list_without_filters_says_no_sentence(viewer: Client, project: Project) -> None:
    assert "filter-said" not in page(viewer, project, since="36h")


def test_an_empty_range_leads_to_the_same_filter_of_all_time(viewer: Client, project: Project) -> None:
    html = page(viewer, project, filter='eq(model, "claude")', since="15m")
    found = re.search(r'href="([^"]*)">Search all time', html)
    assert found
    assert ids(viewer.get(unescape(found[1])).content.decode()) == ["calls"]


def test_new_threads_are_counted_by_the_filter(viewer: Client, project: Project) -> None:
    before = (EPOCH - timedelta(days=1)).isoformat()
    assert "3 new" in page(viewer, project, "newer", after=before)
    assert "1 new" in page(viewer, project, "newer", after=before, thread_filter="gt(turn_count, 1)")
    assert "new</a>" not in page(viewer, project, "newer", after=(EPOCH + timedelta(days=1)).isoformat())
