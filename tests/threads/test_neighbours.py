"""The thread page of a list: its place there, and links that carry the list on."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.threads import neighbours as neighbours_module
from apps.threads.access import thread_or_404
from apps.threads.neighbours import Neighbours, neighbours
from tests.factories import EPOCH
from tests.threads.wire import run, send, turns, unpriced


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Threads a to e by activity, with 1 to 5 turns; b and d have failed."""
    runs = [
        run(thread_id=name, start=EPOCH + timedelta(hours=n, minutes=turn), error="boom" if name in "bd" else None)
        for n, name in enumerate("abcde")
        for turn in range(n + 1)
    ]
    return send(workspace, *runs)


def found(project: Project, thread_id: str, query: str) -> Neighbours:
    return neighbours(project, thread_or_404(project, thread_id), query)


def test_neighbours_are_those_of_the_filter(project: Project) -> None:
    assert found(project, "b", 'filter=eq(status,"error")') == Neighbours("d", None, 1, 2)


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("turns", Neighbours("b", "d", 2, 5, True)),
        ("-turns", Neighbours("d", "b", 2, 5, True)),
        ("last_activity", Neighbours("b", "d", 2, 5, True)),
        ("-last_activity", Neighbours("d", "b", 2, 5, True)),
    ],
)
def test_neighbours_follow_the_order_of_the_list(project: Project, sort: str, expected: Neighbours) -> None:
    assert found(project, "c", f"sort={sort}") == expected


def test_an_order_of_gathered_values_falls_back_to_the_usual_one(project: Project) -> None:
    assert found(project, "c", "sort=-ttft") == Neighbours("d", "b", 2, 5, True)


def test_a_thread_that_left_the_filter_has_the_neighbours_of_the_project(project: Project) -> None:
    assert found(project, "c", 'filter=eq(status,"error")') == Neighbours("d", "b")


def test_a_filter_that_cannot_be_read_finds_the_neighbours_of_the_project(project: Project) -> None:
    assert found(project, "c", "filter=eq(") == Neighbours("d", "b")


def test_counting_is_bounded(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours_module, "MOST_COUNTED", 2)
    assert found(project, "a", "filter=gt(latency,0)").place == "2+ of 2+"
    assert found(project, "a", "").place == "2+ of 5"
    assert found(project, "d", "filter=gt(latency,0)").place == "2 of 2+"


def url(project: Project, thread_id: str) -> str:
    return reverse("threads:detail", args=[project.workspace_id, project.pk, thread_id])


def get(client: Client, project: Project, thread_id: str, **query: object) -> str:
    response = client.get(url(project, thread_id), query)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_the_place_in_the_list_is_told(viewer: Client, project: Project) -> None:
    html = get(viewer, project, "d", list='filter=eq(status,"error")', part="beside")
    assert "1 of 2" in html
    assert re.findall(r'data-key="(.)"', html) == ["]"]


def test_the_place_in_the_whole_project_stands_on_the_page(viewer: Client, project: Project) -> None:
    assert re.search(r'id="beside"[^>]*>\s*<span[^>]*>3 of 5<', get(viewer, project, "c"))
    assert re.search(r'id="beside"[^>]*>\s*<span[^>]*>3 of 5<', get(viewer, project, "c", list="cols=turns"))


def test_the_page_of_a_list_asks_for_its_place_later(viewer: Client, project: Project) -> None:
    assert re.search(r'id="beside"[^>]*hx-get="[^"]*part=beside"', get(viewer, project, "c", list="sort=turns"))
    assert not re.search(r'id="beside"[^>]*hx-get', get(viewer, project, "c"))


def test_every_link_of_the_page_carries_the_list(viewer: Client, project: Project) -> None:
    html = get(viewer, project, "c", list="sort=turns")
    links = [link for link in re.findall(r'href="([^"]+)"', html) if link.startswith(url(project, "c"))]
    assert links
    assert all("list=sort%3Dturns" in link for link in links)


def test_the_list_links_its_rows_with_its_query(viewer: Client, project: Project) -> None:
    path = reverse("threads:list", args=[project.workspace_id, project.pk])
    html = viewer.get(path, {"sort": "-turns"}).content.decode()
    assert f'href="{url(project, "c")}?list=sort%3D-turns"' in html


def numbers(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<article class="turn[^"]*" id="turn-(\d+)"', html)]


def test_turns_are_read_from_the_last_one_back(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 25))
    html = get(viewer, project, "sally", order="newest")
    assert numbers(html) == list(range(25, 15, -1))
    assert numbers(get(viewer, project, "sally", order="newest", turn=15)) == list(range(15, 5, -1))


def test_reading_back_and_forth_shows_each_turn_once(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 25))
    html = get(viewer, project, "sally", order="newest", turn=18)
    (later,) = re.findall(r'hx-get="([^"]+)"[^>]*hx-target="#later"', html)
    (earlier,) = re.findall(r'hx-get="([^"]+)"[^>]*hx-target="#earlier"', html)
    after, before = (unescape(viewer.get(link).content.decode()) for link in (later, earlier))
    assert numbers(after) + numbers(html) + numbers(before) == list(range(25, 0, -1))


@pytest.mark.parametrize("query", [{"turn": "9" * 12}, {"turn": "-1"}, {"size": "0"}, {"size": "9999", "turn": "50"}])
def test_any_window_asked_for_is_bounded(viewer: Client, workspace: Workspace, query: dict[str, str]) -> None:
    project = send(workspace, *turns("sally", 50))
    assert 1 <= len(numbers(get(viewer, project, "sally", order="newest", **query))) <= 10


def test_the_models_without_a_price_are_named(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *unpriced("sally", "own-model-7"))
    assert "own-model-7" in get(viewer, project, "sally", part="unpriced")
