"""The builder's pages: opened from a list, edited as a plain form, counted, completed, copied."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.counting import MOST, Count, counted
from apps.runs.listing.narrow import narrowed_runs
from tests.factories import ProjectFactory
from tests.threads.wire import run, send

PAGES = ["build", "count", "copy", "saved", "save_new"]
FAILED = {
    "mode": "rows",
    "r0-kind": "row",
    "r0-scope": "filter",
    "r0-field": "status",
    "r0-op": "is",
    "r0-value": "error",
}
HTMX = {"HX-Request": "true", "HX-Target": "filter-panel"}


def url(project: Project, name: str = "build", kind: str = "threads") -> str:
    return reverse(f"runs:{name}", args=[project.workspace_id, project.pk, kind])


def page(client: Client, project: Project, name: str = "build", kind: str = "threads", **query: str) -> str:
    return client.get(url(project, name, kind), query).content.decode()


@pytest.mark.parametrize("kind", ["threads", "runs"])
@pytest.mark.parametrize("name", PAGES)
def test_a_viewer_may_filter(viewer: Client, project: Project, name: str, kind: str) -> None:
    assert viewer.get(url(project, name, kind)).status_code == 200


@pytest.mark.parametrize("name", [*PAGES, "suggest"])
def test_anonymous_must_sign_in(client: Client, project: Project, name: str) -> None:
    assert client.get(url(project, name)).status_code == 302


@pytest.mark.parametrize("name", [*PAGES, "suggest"])
def test_outsider_gets_404(outsider: Client, project: Project, name: str) -> None:
    assert outsider.get(url(project, name)).status_code == 404


@pytest.mark.parametrize("name", [*PAGES, "suggest"])
def test_a_project_of_another_workspace_is_404(viewer: Client, workspace: Workspace, name: str) -> None:
    path = reverse(f"runs:{name}", args=[workspace.pk, ProjectFactory.create().pk, "threads"])
    assert viewer.get(path).status_code == 404


def test_it_opens_with_the_filter_of_the_list(viewer: Client, project: Project) -> None:
    html = page(
        viewer, project, filter='and(eq(status, "error"), has(tags, "prod"))', thread_filter="gt(turn_count, 1)"
    )
    assert 'name="r0-value" value="error"' in html
    assert 'name="r1-value" value="prod"' in html
    assert 'name="r2-value" value="1"' in html
    assert "Threads where turns over 1, with a run where status is error and tag prod" in html


def test_htmx_gets_the_panel_alone(viewer: Client, project: Project) -> None:
    html = viewer.get(url(project), headers=HTMX).content.decode()
    assert "<html" not in html
    assert 'id="builder"' in html


def test_showing_leads_to_the_list_and_keeps_the_rest_of_its_url(viewer: Client, project: Project) -> None:
    answer = viewer.get(url(project), {**FAILED, "do": "apply", "sort": "-turns", "q": "boom"})
    expected = Asked(filter='eq(status, "error")', sort="-turns", q="boom").query()
    assert answer.url == f"{reverse('threads:list', args=[project.workspace_id, project.pk])}?{expected}"


def test_showing_leads_htmx_there_too(viewer: Client, project: Project) -> None:
    answer = viewer.get(url(project), {**FAILED, "do": "apply"}, headers=HTMX)
    assert answer.headers["HX-Redirect"].endswith("threads?filter=eq%28status%2C+%22error%22%29")


def test_a_row_without_a_value_is_not_left_out(viewer: Client, project: Project) -> None:
    html = page(viewer, project, **{**FAILED, "r0-value": "", "r1-kind": "row", "r1-value": "x", "do": "apply"})
    assert "Give this condition a value, or remove it." in html


def test_an_untouched_builder_asks_for_everything(viewer: Client, project: Project) -> None:
    answer = viewer.get(url(project), {"mode": "rows", "r0-kind": "row", "do": "apply"})
    assert answer.url.endswith("/threads?")


def test_a_value_of_the_wrong_type_says_what_is_expected(viewer: Client, project: Project) -> None:
    html = page(viewer, project, **{**FAILED, "r0-field": "latency", "r0-op": "gt", "r0-value": "long", "do": "apply"})
    assert "Expected seconds, or a duration such as" in html


def test_only_operators_of_the_field_are_offered(viewer: Client, project: Project) -> None:
    html = page(viewer, project, **{**FAILED, "r0-field": "start_time"})
    assert "is after" in html
    assert "starts with" not in html


def test_rows_become_text_and_text_rows(viewer: Client, project: Project) -> None:
    html = page(viewer, project, **FAILED, do="text")
    assert ">eq(status, &quot;error&quot;)</textarea>" in html
    html = page(viewer, project, mode="text", do="rows", filter='eq(status, "error")')
    assert 'name="r0-value" value="error"' in html


def test_bad_text_is_kept_and_its_place_marked(viewer: Client, project: Project) -> None:
    html = page(viewer, project, mode="text", do="rows", filter="eq(nme, 1)")
    assert ">eq(nme, 1)</textarea>" in html
    assert "eq(<mark>n</mark>me, 1)" in html
    assert "did you mean name?" in html


def test_a_group_is_added_with_a_condition_in_it(viewer: Client, project: Project) -> None:
    html = page(viewer, project, **FAILED, do="group")
    assert 'name="r2-in" value="1"' in html
    assert 'name="r0-value" value="error"' in html


def test_a_condition_is_removed(viewer: Client, project: Project) -> None:
    html = page(viewer, project, **FAILED, **{"r1-kind": "text", "r1-text": 'eq(name, "x")'}, do="remove:0")
    assert 'value="error"' not in html
    assert 'name="r0-text"' in html


@pytest.mark.parametrize(
    ("kind", "row", "count"),
    [
        ("threads", FAILED, "1"),
        ("runs", {**FAILED, "show": "all"}, "1"),
        ("threads", {**FAILED, "r0-field": "tags", "r0-op": "includes", "r0-value": "prod"}, "3"),
        (
            "threads",
            {**FAILED, "r0-scope": "thread_filter", "r0-field": "turn_count", "r0-op": "gt", "r0-value": "1"},
            "0",
        ),
        ("threads", {**FAILED, "r0-scope": "trace_filter", "r0-field": "run_type", "r0-value": "tool"}, "0"),
        ("runs", {**FAILED, "r0-scope": "tree_filter", "r0-field": "run_type", "r0-value": "tool", "show": "all"}, "2"),
        (
            "runs",
            {**FAILED, "r0-scope": "thread_filter", "r0-field": "thread_id", "r0-value": "t0", "show": "all"},
            "2",
        ),
    ],
)
def test_each_row_says_how_much_it_matches(
    viewer: Client, project: Project, kind: str, row: dict[str, str], count: str
) -> None:
    assert f">{count}</span>" in page(viewer, project, "count", kind, n="0", **row)
    told = f"{kind[:-1]} matches." if count == "1" else f"{kind} match."
    assert f"<b>{count}</b> {told}" in page(viewer, project, "count", kind, **row)


def test_nothing_is_counted_before_the_row_is_complete(viewer: Client, project: Project) -> None:
    assert page(viewer, project, "count", n="0", **{**FAILED, "r0-value": ""}).strip() == ""
    assert "Complete the filter" in page(viewer, project, "count", **FAILED, **{"r1-kind": "row"})


def test_the_count_stops_at_a_thousand() -> None:
    assert Count(MOST + 1).text == "1,000+"
    assert Count(None).text == "many"


def test_a_count_that_takes_long_is_given_up(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.runs.listing.counting.PATIENCE_MS", 20)
    slow = narrowed_runs(project, Asked(show="all")).extra(where=["pg_sleep(0.05) IS NOT NULL"])
    monkeypatch.setattr("apps.runs.listing.counting._rows", lambda *_: slow)
    assert counted(project, "runs", Asked()) == Count(None)
    assert Project.objects.among([project.pk]).exists()


@pytest.mark.parametrize("asked", [Asked(filter="eq(nme, 1)"), Asked(since="soon"), Asked(thread_filter="eq(")])
def test_what_cannot_be_read_finds_no_runs(project: Project, asked: Asked) -> None:
    assert not narrowed_runs(project, asked).exists()


@pytest.mark.parametrize(("show", "names"), [("", ["chat"] * 3), ("llm", []), ("all", ["chat"] * 3 + ["search"])])
def test_the_presets_of_runs(project: Project, show: str, names: list[str]) -> None:
    assert sorted(run.name for run in narrowed_runs(project, Asked(show=show))) == names


@pytest.mark.parametrize(
    ("row", "part", "values"),
    [
        ({"r0-field": "metadata", "r0-key": "plan", "r0-value": ""}, "value", [("free", 2), ("team", 1)]),
        ({"r0-field": "metadata", "r0-key": "plan", "r0-value": "TEA"}, "value", [("team", 1)]),
        ({"r0-field": "metadata", "r0-key": "user.id", "r0-value": "2"}, "value", [("2", 1)]),
        ({"r0-field": "metadata", "r0-key": "us"}, "key", [("user", 3), ("user.id", 3)]),
        ({"r0-field": "tags", "r0-op": "includes", "r0-value": ""}, "value", [("prod", 3)]),
        ({"r0-field": "name", "r0-value": "sea"}, "value", [("search", 1)]),
        ({"r0-field": "status", "r0-value": ""}, "value", [("success", 3), ("error", 1), ("pending", 0)]),
        ({"r0-field": "run_type", "r0-value": "too"}, "value", [("tool", 1)]),
        ({"r0-field": "name", "r0-op": "in", "r0-value": "chat, se"}, "value", [("search", 1)]),
        ({"r0-field": "thread_id", "r0-value": "t1"}, "value", [("t1", 1)]),
        ({"r0-field": "name", "r0-value": "100%"}, "value", []),
    ],
)
def test_values_are_suggested_with_their_counts(
    viewer: Client, project: Project, row: dict[str, str], part: str, values: list[tuple[str, int]]
) -> None:
    answer = viewer.get(url(project, "suggest"), {**FAILED, **row, "n": "0", "part": part})
    assert [(choice.value, choice.count) for choice in answer.context["choices"]] == values


def test_suggestions_of_hostile_text_are_only_text(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run("<script>alert(1)</script>", metadata={"<b>": "</li><script>"}))
    for row in ({"r0-field": "name"}, {"r0-field": "metadata", "r0-key": "<b>"}):
        assert "<script>" not in page(viewer, project, "suggest", **{**FAILED, **row, "r0-value": "", "n": "0"})


@pytest.mark.parametrize("n", ["", "7", "x"])
def test_suggestions_for_no_row_are_404(viewer: Client, project: Project, n: str) -> None:
    assert viewer.get(url(project, "suggest"), {**FAILED, "n": n}).status_code == 404


def test_the_builder_costs_the_same_queries_at_2_and_at_20_rows(
    viewer: Client, project: Project, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    def rows(count: int) -> dict[str, str]:
        names = FAILED.keys() - {"mode"}
        return {"mode": "rows"} | {name.replace("r0", f"r{n}"): FAILED[name] for n in range(count) for name in names}

    two = count_queries(lambda: viewer.get(url(project), rows(2)))
    assert count_queries(lambda: viewer.get(url(project), rows(20))) == two
