"""Columns and facets of the Threads tab for feedback keys."""

from collections.abc import Callable
from decimal import Decimal
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.feedback import configs, services
from apps.feedback.columns import column_id, column_of
from apps.feedback.draft import Draft
from apps.feedback.models import Feedback
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.choices import Value
from apps.runs.listing.narrow import narrowed_runs
from apps.runs.models import Run
from apps.runs.table import facets as run_facets
from apps.threads.columns import column
from apps.threads.facets import facets_of
from apps.threads.narrow import narrowed
from tests.threads.wire import send, turns


def rated(workspace: Workspace, **scores: float | None) -> Project:
    """A thread for each, its first turn with that score under the key good."""
    project = send(workspace, *(each for thread_id in scores for each in turns(thread_id, 2)))
    for thread_id, score in scores.items():
        if score is not None:
            run_id = Run.objects.in_project(project).filter(thread_id=thread_id).order_by("start_time")[0].id
            services.record(workspace, Draft("good", score=Decimal(str(score)), run_id=run_id))
    return project


def page(client: Client, project: Project, **query: str) -> str:
    response = client.get(reverse("threads:list", args=[project.workspace_id, project.pk], query=query))
    assert response.status_code == 200
    return str(response.content.decode())


def test_a_column_shows_the_average_and_marks_what_is_about_the_thread(viewer: Client, workspace: Workspace) -> None:
    project = rated(workspace, a=0.25)
    services.record(workspace, Draft("good", score=Decimal("0.75"), thread_id="a", project_id=project.pk))
    html = page(viewer, project, cols="feedback.good")
    assert ">0.25</span>" in html
    assert '<abbr class="whole" title="about the thread as a whole">T</abbr>0.75' in html


def test_the_columns_of_the_keys_that_are_used_are_offered(viewer: Client, workspace: Workspace) -> None:
    project = rated(workspace, a=0.25)
    assert 'value="feedback.good"' in page(viewer, project)


@pytest.mark.parametrize("key", ["good", "a,b", "50 % off", "x.y", "ünï", "feedback.good"])
def test_any_key_is_a_column(key: str) -> None:
    name = column_id(key)
    assert "," not in name
    found = column(name)
    assert found is not None
    assert (found.label, found.id) == (key, name)


@pytest.mark.parametrize("rest", ["", "x" * 200, "a\nb"])
def test_what_is_no_key_is_no_column(rest: str) -> None:
    assert column_of(rest) is None


@pytest.mark.parametrize(("sort", "order"), [("-feedback.good", ["c", "b", "a"]), ("feedback.good", ["b", "c", "a"])])
def test_threads_are_sorted_by_the_average_those_without_last(
    viewer: Client, workspace: Workspace, sort: str, order: list[str]
) -> None:
    project = rated(workspace, a=None, b=0.2, c=0.9)
    html = page(viewer, project, cols="feedback.good", sort=sort)
    places = {name: html.index(f"<bdi>{name}</bdi>") for name in order}
    assert sorted(order, key=places.__getitem__) == order


def test_feedback_columns_cost_the_same_for_10_and_20_threads(
    viewer: Client, workspace: Workspace, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    ten = rated(workspace, **{f"t{number}": 0.5 for number in range(10)})
    columns = "feedback.good,feedback.other,feedback.third"

    def cost(project: Project) -> int:
        page(viewer, project, cols=columns)
        return count_queries(lambda: page(viewer, project, cols=columns))

    of_ten = cost(ten)
    rated(workspace, **{f"u{number}": 0.5 for number in range(10)})
    assert cost(ten) == of_ten


def test_a_facet_counts_the_threads_of_each_key_and_narrows_to_them(workspace: Workspace) -> None:
    project = rated(workspace, a=0.2, b=0.9, c=None)
    group = next(group for group in facets_of(project, Asked.of(QueryDict(""))).groups if group.kind == "feedback")
    (value,) = group.values
    assert (value.text, value.count) == ("good", 2)

    def found(query: str) -> set[str]:
        return set(narrowed(project, Asked.of(QueryDict(query))).values_list("thread_id", flat=True))

    assert found(value.include) == {"a", "b"}
    assert found(value.exclude) == {"c"}


def test_a_facet_of_labels_narrows_to_the_threads_that_got_one(workspace: Workspace) -> None:
    labels = [{"value": at, "label": label} for at, label in enumerate(["rude", "kind"])]
    configs.configure(workspace, "tone", {"type": "categorical", "categories": labels})
    project = rated(workspace, a=None, b=None)
    for thread_id, label in (("a", "kind"), ("b", "rude")):
        services.record(workspace, Draft("tone", value=label, thread_id=thread_id, project_id=project.pk))
    groups = facets_of(project, Asked.of(QueryDict(""))).groups
    tone = next(group for group in groups if group.kind == "feedback_label")
    assert (tone.label, {value.text for value in tone.values}) == ("tone", {"kind", "rude"})
    kind = next(value for value in tone.values if value.text == "kind")
    assert list(narrowed(project, Asked.of(QueryDict(kind.include))).values_list("thread_id", flat=True)) == ["a"]


def test_the_facet_stands_beside_the_list(viewer: Client, workspace: Workspace) -> None:
    project = rated(workspace, a=0.2)
    html = viewer.get(reverse("threads:aside", args=[project.workspace_id, project.pk])).content.decode()
    link = unescape(html.partition('aria-label="Feedback"')[2].partition('href="')[2].partition('"')[0])
    assert parse_qs(urlsplit(link).query)["thread_filter"] == ['and(eq(feedback_key, "good"))']


def run_values(project: Project, kind: str, query: str = "show=all") -> list[Value]:
    groups = run_facets.facets_of(project, Asked.of_query(query)).groups
    return next(list(group.values) for group in groups if group.kind == kind)


def runs_found(project: Project, query: str) -> set[str]:
    return {str(run.thread_id) for run in narrowed_runs(project, Asked.of_query(query))}


def test_a_facet_of_runs_counts_those_of_each_key_and_narrows_to_them(workspace: Workspace) -> None:
    project = rated(workspace, a=0.2, b=0.9, c=None)
    (value,) = run_values(project, "feedback")
    assert (value.text, value.count) == ("good", 2)
    assert runs_found(project, value.include) == {"a", "b"}
    assert len(narrowed_runs(project, Asked.of_query(value.exclude))) == 4


def test_a_key_that_is_asked_for_is_taken_back_by_a_second_click(workspace: Workspace) -> None:
    project = rated(workspace, a=0.2)
    (value,) = run_values(project, "feedback")
    (again,) = run_values(project, "feedback", value.include)
    assert (again.included, again.include) == (True, "show=all")


def test_a_facet_of_labels_narrows_to_the_runs_that_got_one(workspace: Workspace) -> None:
    labels = [{"value": at, "label": label} for at, label in enumerate(["rude", "kind"])]
    configs.configure(workspace, "tone", {"type": "categorical", "categories": labels})
    project = rated(workspace, a=None, b=None)
    for thread_id, label in (("a", "kind"), ("b", "rude")):
        run_id = Run.objects.in_project(project).filter(thread_id=thread_id)[0].id
        services.record(workspace, Draft("tone", value=label, run_id=run_id))
    kind, rude = run_values(project, "feedback_label")
    assert (kind.text, kind.count, rude.text) == ("kind", 1, "rude")
    assert runs_found(project, kind.include) == {"a"}


def test_verdicts_that_were_replaced_are_not_counted(workspace: Workspace) -> None:
    project = rated(workspace, a=0.2)
    Feedback.objects.update(current=False)
    groups = run_facets.facets_of(project, Asked.of_query("show=all")).groups
    assert "feedback" not in {group.kind for group in groups}
