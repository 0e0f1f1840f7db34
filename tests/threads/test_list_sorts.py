"""The order of the Threads tab and its pages."""

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from urllib.parse import unquote

import pytest
from django.test import Client

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.threads.columns import COLUMNS
from tests.factories import EPOCH
from tests.threads.listing import chat, filled, ids, listed, llm, page, url
from tests.threads.wire import Json, run, send, turns


def streamed(minutes: int) -> dict[str, Json]:
    return {"events": [{"name": "new_token", "time": (EPOCH + timedelta(minutes=minutes, seconds=1)).isoformat()}]}


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Three threads that each order sets apart: `big` has the most of everything, `none` lacks what may be lacking."""
    send(workspace, *chat("small", llm(tokens=20, cost="0.001", **streamed(0)), seconds=1, metadata={"score": 9}))
    send(workspace, *turns("big", 3, seconds=60, start=EPOCH + timedelta(hours=1), metadata={"score": 10}))
    send(
        workspace,
        *chat("big", llm(tokens=900, cost="0.5", **streamed(300)), minutes=300, error="boom", outputs={}, seconds=90),
    )
    return send(workspace, run(thread_id="none", start=EPOCH - timedelta(hours=1), seconds=None))


@pytest.mark.parametrize(
    "column", ["turns", "tokens", "tokens_in", "cost", "p50", "p99", "errors", "first_start", "duration"]
)
def test_figures_sort_both_ways_with_the_unknown_last(viewer: Client, project: Project, column: str) -> None:
    largest, smallest = listed(viewer, project, sort=f"-{column}"), listed(viewer, project, sort=column)
    assert largest.index("big") < largest.index("small")
    assert smallest.index("small") < smallest.index("big")


@pytest.mark.parametrize("column", ["cost", "p50", "p99", "ttft", "meta.score"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_what_is_unknown_comes_last_in_either_order(viewer: Client, project: Project, column: str, sign: str) -> None:
    assert listed(viewer, project, sort=sign + column)[-1] == "none"


def test_metadata_sorts_numbers_as_numbers(viewer: Client, project: Project) -> None:
    assert listed(viewer, project, sort="meta.score") == ["small", "big", "none"]
    assert listed(viewer, project, sort="-meta.score") == ["big", "small", "none"]


def test_an_order_that_no_column_has_is_the_usual_one(viewer: Client, project: Project) -> None:
    assert listed(viewer, project, sort="-nonsense") == listed(viewer, project) == ["big", "small", "none"]


def test_the_header_tells_the_order_and_turns_it(viewer: Client, project: Project) -> None:
    html = page(viewer, project, sort="-turns")
    assert re.search(r'aria-sort="descending"><a href="\?sort=turns"><bdi>Turns', html)
    assert 'aria-sort="ascending"' in page(viewer, project, sort="turns")


SORTS = ["-last_activity", "last_activity", *(f"-{name}" for name, column in COLUMNS.items() if column.sorts), "meta.n"]


@pytest.mark.parametrize("sort", SORTS)
def test_each_thread_is_on_one_page_in_any_order(viewer: Client, workspace: Workspace, sort: str) -> None:
    """Half of them tell n, and most figures are the same in all."""
    runs = [
        found
        for number in range(110)
        for found in chat(f"t{number:03}", minutes=number % 7, metadata={"n": number % 5} if number % 2 else {})
    ]
    project = send(workspace, *runs)
    first = viewer.get(url(project), {"sort": sort}).context
    second = viewer.get(url(project), {"sort": sort, "cursor": first["page"].older}).context
    third = viewer.get(url(project), {"sort": sort, "cursor": second["page"].older}).context
    back = viewer.get(url(project), {"sort": sort, "cursor": third["page"].newer}).context
    seen = [thread.thread_id for shown in (first, second, third) for thread in shown["page"].rows]
    assert len(seen) == len(set(seen)) == 110
    assert back["page"].rows == second["page"].rows
    assert [(shown["place"].first, shown["place"].last) for shown in (first, second, third, back)] == [
        (1, 50), (51, 100), (101, 110), (51, 100),
    ]  # fmt: skip
    assert not third["page"].older
    assert not viewer.get(url(project), {"sort": sort, "cursor": second["page"].newer}).context["page"].newer


def test_the_place_is_said_with_the_filter(viewer: Client, workspace: Workspace) -> None:
    project = filled(workspace, 60)
    asked = {"thread_filter": "gt(turn_count, 0)"}
    first = viewer.get(url(project), asked).context["page"]
    html = page(viewer, project, cursor=first.older, **asked)
    (counted,) = re.findall(r'hx-get="([^"]*/threads/place[^"]*)"', html)
    assert "51\N{EN DASH}60 of 60 threads" in viewer.get(unescape(counted)).content.decode()


def test_a_cursor_of_another_order_shows_the_first_page(viewer: Client, workspace: Workspace) -> None:
    project = filled(workspace, 55)
    older = viewer.get(url(project), {"sort": "-turns"}).context["page"].older
    assert ids(page(viewer, project, sort="-ttft", cursor=older)) == ids(page(viewer, project, sort="-ttft"))


VARIANTS = {
    "plain": {},
    "sorted": {"sort": "-cost"},
    "by first token": {"sort": "-ttft"},
    "by metadata": {"sort": "meta.plan"},
    "all columns": {"cols": ",".join([*COLUMNS, "meta.plan", "meta.user.name"])},
    "each filter": {
        "filter": 'eq(name, "agent")',
        "trace_filter": 'eq(status, "success")',
        "tree_filter": 'eq(name, "agent")',
        "thread_filter": "gt(turn_count, 0)",
    },
    "words": {"q": "hello"},
    "time": {"since": "99999d"},
}


@pytest.mark.parametrize("query", VARIANTS.values(), ids=VARIANTS)
def test_the_table_costs_the_same_queries_at_10_and_20_rows(
    viewer: Client, workspace: Workspace, count_queries: Callable[[Callable[[], object]], int], query: dict[str, str]
) -> None:
    project = filled(workspace, 10)
    viewer.get(url(project), query)
    ten = count_queries(lambda: viewer.get(url(project), query))
    filled(workspace, 20)
    viewer.get(url(project), query)
    assert count_queries(lambda: viewer.get(url(project), query)) == ten
    assert len(viewer.get(url(project), query).context["page"].rows) == 20


@pytest.mark.parametrize("part", ["aside", "histogram", "newer"])
def test_what_stands_beside_the_table_costs_the_same_at_10_and_20_rows(
    viewer: Client, workspace: Workspace, count_queries: Callable[[Callable[[], object]], int], part: str
) -> None:
    project = filled(workspace, 10)
    viewer.get(url(project, part))
    ten = count_queries(lambda: viewer.get(url(project, part)))
    filled(workspace, 20)
    assert count_queries(lambda: viewer.get(url(project, part))) == ten


def test_the_first_page_of_all_is_that_of_a_filter_which_all_pass(viewer: Client, workspace: Workspace) -> None:
    """They are found in two ways, and lead to the same second page."""
    project = filled(workspace, 52)
    every, filtered = page(viewer, project), page(viewer, project, **{"from": "2000-01-01"})
    assert ids(every) == ids(filtered) == [f"t{number:03}" for number in range(51, 1, -1)]
    older = [re.search(r'cursor=([^"&]+)" rel="next"', html) for html in (every, filtered)]
    assert all(older)
    assert [listed(viewer, project, cursor=unquote(link[1])) for link in older if link] == [["t001", "t000"]] * 2
