"""Saved filters: who sees and changes them, what a list opens with, and that a mistake can be undone."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import AuditEntry, User, Workspace
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.saved import RESTORABLE_FOR, SavedFilter
from tests.factories import ProjectFactory

QUERY = Asked(filter='eq(status, "error")', sort="-turns", cols=("turns", "cost")).query()
HTMX = {"HX-Request": "true", "HX-Target": "saved-filters"}


def saved_by(user: User, project: Project, name: str = "My failures", **fields: Any) -> SavedFilter:
    return SavedFilter.objects.create(
        **{"owner": user, "project": project, "kind": "threads", "name": name, "query": QUERY, **fields}
    )


def url(project: Project, name: str, *saved: SavedFilter, kind: str = "threads") -> str:
    return reverse(f"runs:{name}", args=[project.workspace_id, project.pk, kind, *(each.pk for each in saved)])


def threads(project: Project) -> str:
    return reverse("threads:list", args=[project.workspace_id, project.pk])


def post(client: Client, project: Project, page: str, /, *saved: SavedFilter, **data: str) -> Any:
    return client.post(url(project, page, *saved), data)


@pytest.fixture
def mine(project: Project, bob: User) -> SavedFilter:
    """Bob's, private."""
    return saved_by(bob, project)


@pytest.fixture
def everybodys(project: Project, alice: User) -> SavedFilter:
    return saved_by(alice, project, "Everybody's", shared=True)


@pytest.mark.parametrize(
    ("kind", "sort", "told"),
    [
        ("threads", "-turns", ", by turns, largest first."),
        ("threads", "first_start", ", by first start, earliest first."),
        ("runs", "-latency", ", by latency, largest first."),
        ("runs", "nonsense", "where status is error."),
    ],
)
def test_the_order_that_is_saved_is_told_in_words(
    viewer: Client, project: Project, kind: str, sort: str, told: str
) -> None:
    html = viewer.get(
        url(project, "save_new", kind=kind), {"filter": 'eq(status,"error")', "sort": sort}
    ).content.decode()
    assert told in html


def test_a_viewer_saves_what_the_list_shows(viewer: Client, bob: User, project: Project) -> None:
    answer = viewer.post(
        f"{url(project, 'save_new')}?{QUERY}&cursor=x", {"name": "My failures", "description": "d", "pinned": "on"}
    )
    saved = SavedFilter.objects.get()
    assert (saved.name, saved.owner, saved.query, saved.pinned, saved.shared) == (
        "My failures",
        bob,
        QUERY,
        True,
        False,
    )
    assert answer.url == f"{threads(project)}?{QUERY}&saved={saved.pk}"


def test_saving_leads_htmx_to_the_list(viewer: Client, project: Project) -> None:
    answer = viewer.post(f"{url(project, 'save_new')}?{QUERY}", {"name": "My failures"}, headers=HTMX)
    assert answer.headers["HX-Redirect"].endswith(f"&saved={SavedFilter.objects.get().pk}")


def test_a_viewer_cannot_share(viewer: Client, project: Project) -> None:
    viewer.post(url(project, "save_new"), {"name": "My failures", "shared": "on"})
    assert not SavedFilter.objects.get().shared


def test_an_editor_shares_and_it_is_on_record(editor: Client, project: Project) -> None:
    editor.post(url(project, "save_new"), {"name": "My failures", "shared": "on"})
    assert SavedFilter.objects.get().shared
    assert AuditEntry.objects.get(action="saved a filter").target == "My failures (p)"


def test_a_name_is_taken_once(viewer: Client, project: Project, mine: SavedFilter) -> None:
    answer = viewer.post(url(project, "save_new"), {"name": "my FAILURES"}, headers=HTMX)
    assert "There is a saved filter of that name." in answer.content.decode()
    assert answer.headers["HX-Retarget"] == "#filter-panel"
    assert SavedFilter.objects.count() == 1


def test_anothers_private_name_is_free(viewer: Client, project: Project, alice: User) -> None:
    saved_by(alice, project, "Mine")
    viewer.post(url(project, "save_new"), {"name": "Mine"})
    assert SavedFilter.objects.count() == 2


@pytest.mark.parametrize("name", ["change_saved", "update_saved", "delete_saved", "restore_saved"])
def test_anonymous_must_sign_in(client: Client, project: Project, mine: SavedFilter, name: str) -> None:
    assert post(client, project, name, mine).status_code == 302
    assert SavedFilter.objects.get().updated_at == mine.updated_at


@pytest.mark.parametrize("name", ["change_saved", "update_saved", "delete_saved", "restore_saved"])
def test_outsider_gets_404(outsider: Client, project: Project, mine: SavedFilter, name: str) -> None:
    assert post(outsider, project, name, mine).status_code == 404


@pytest.mark.parametrize("name", ["change_saved", "update_saved", "delete_saved", "restore_saved"])
def test_a_private_filter_of_another_member_is_404(viewer: Client, project: Project, alice: User, name: str) -> None:
    assert post(viewer, project, name, saved_by(alice, project)).status_code == 404


@pytest.mark.parametrize("name", ["change_saved", "update_saved", "delete_saved", "restore_saved"])
def test_a_viewer_uses_shared_filters_and_leaves_them(
    viewer: Client, project: Project, everybodys: SavedFilter, name: str
) -> None:
    assert "Everybody&#x27;s" in viewer.get(threads(project)).content.decode()
    assert post(viewer, project, name, everybodys).status_code == 403


@pytest.mark.parametrize("name", ["update_saved", "delete_saved", "restore_saved"])
def test_looking_changes_nothing(viewer: Client, project: Project, mine: SavedFilter, name: str) -> None:
    assert viewer.get(url(project, name, mine)).status_code == 405


def test_a_filter_of_another_project_is_404(viewer: Client, workspace: Workspace, project: Project, bob: User) -> None:
    other = saved_by(bob, ProjectFactory.create(workspace=workspace))
    assert post(viewer, project, "delete_saved", other).status_code == 404


def test_an_editor_changes_what_another_shared(editor: Client, project: Project, everybodys: SavedFilter) -> None:
    post(editor, project, "change_saved", everybodys, name="Renamed", shared="on")
    everybodys.refresh_from_db()
    assert (everybodys.name, everybodys.query) == ("Renamed", QUERY)


def test_it_becomes_what_the_list_shows_now(viewer: Client, project: Project, mine: SavedFilter) -> None:
    answer = post(viewer, project, "update_saved", mine, query=f"q=refund&saved={mine.pk}&cursor=x")
    mine.refresh_from_db()
    assert mine.query == "q=refund"
    assert answer.url == f"{threads(project)}?q=refund&saved={mine.pk}"


def test_htmx_gets_the_fresh_tabs(viewer: Client, project: Project, mine: SavedFilter) -> None:
    answer = viewer.post(url(project, "update_saved", mine), {"query": "q=refund"}, headers=HTMX)
    html = answer.content.decode()
    assert html.strip().startswith('<nav class="seg saved-tabs" id="saved-filters"')
    assert "<html" not in html
    assert answer.headers["HX-Push-Url"] == f"{threads(project)}?q=refund&saved={mine.pk}"


def test_a_changed_list_offers_to_update_its_filter(viewer: Client, project: Project, mine: SavedFilter) -> None:
    html = viewer.get(f"{threads(project)}?{QUERY}&saved={mine.pk}").content.decode()
    assert "(changed)" not in html
    html = viewer.get(f"{threads(project)}?q=x&saved={mine.pk}").content.decode()
    assert "(changed)</span>" in html
    assert url(project, "update_saved", mine) in html


def test_what_is_deleted_can_be_restored(viewer: Client, project: Project, mine: SavedFilter) -> None:
    assert post(viewer, project, "delete_saved", mine).url == url(project, "saved")
    assert f"saved={mine.pk}" not in viewer.get(threads(project)).content.decode()
    assert url(project, "restore_saved", mine) in viewer.get(url(project, "saved")).content.decode()
    assert post(viewer, project, "restore_saved", mine).url == threads(project) + mine.href
    assert f"saved={mine.pk}" in viewer.get(threads(project)).content.decode()


def test_htmx_gets_the_undo_with_the_tabs(viewer: Client, project: Project, mine: SavedFilter) -> None:
    html = viewer.post(url(project, "delete_saved", mine), headers=HTMX).content.decode()
    assert "Undo" in html
    assert url(project, "restore_saved", mine) in html


def test_after_a_month_it_is_gone(viewer: Client, project: Project, mine: SavedFilter, bob: User) -> None:
    old = saved_by(bob, project, "Old", deleted_at=timezone.now() - RESTORABLE_FOR - timedelta(minutes=1))
    assert post(viewer, project, "restore_saved", old).status_code == 404
    post(viewer, project, "delete_saved", mine)
    assert list(SavedFilter.objects.all()) == [mine]


def test_the_list_opens_with_the_default(viewer: Client, project: Project, mine: SavedFilter) -> None:
    post(viewer, project, "change_saved", mine, name="My failures", is_default="on")
    assert viewer.get(threads(project)).url == f"{threads(project)}?{QUERY}&saved={mine.pk}"
    assert viewer.get(f"{threads(project)}?saved=all").status_code == 200


def test_taking_the_last_filter_away_does_not_lead_back_to_the_default(
    viewer: Client, project: Project, bob: User
) -> None:
    saved_by(bob, project, is_default=True)
    html = viewer.get(threads(project), {"filter": 'eq(name, "chat")'}).content.decode()
    assert f'href="{threads(project)}?saved=all" aria-label="Remove: any run name is chat"' in html


def test_ones_own_default_comes_before_the_shared_one(
    viewer: Client, editor: Client, project: Project, mine: SavedFilter, everybodys: SavedFilter
) -> None:
    post(editor, project, "change_saved", everybodys, name="E", shared="on", is_default="on")
    assert str(everybodys.pk) in viewer.get(threads(project)).url
    post(viewer, project, "change_saved", mine, name="My failures", is_default="on")
    assert str(mine.pk) in viewer.get(threads(project)).url
    assert str(everybodys.pk) in editor.get(threads(project)).url


def test_a_list_has_one_default(viewer: Client, project: Project, mine: SavedFilter, bob: User) -> None:
    other = saved_by(bob, project, "Other", is_default=True)
    post(viewer, project, "change_saved", mine, name="My failures", is_default="on")
    other.refresh_from_db()
    assert not other.is_default


def test_filters_of_runs_are_kept_apart(viewer: Client, project: Project, bob: User) -> None:
    saved_by(bob, project, "Slow calls", kind="runs")
    assert "Slow calls" not in viewer.get(threads(project)).content.decode()
    assert "Slow calls" in viewer.get(url(project, "saved", kind="runs")).content.decode()


def test_the_page_of_saved_filters_says_what_each_shows(viewer: Client, project: Project, mine: SavedFilter) -> None:
    assert "Threads with a run where status is error" in viewer.get(url(project, "saved")).content.decode()


@pytest.mark.parametrize(
    ("query", "found"), [("name=failures", True), ("name=x", False), ("shared=true", False), ("shared=false", True)]
)
def test_the_page_of_saved_filters_is_searched(
    viewer: Client, project: Project, mine: SavedFilter, query: str, found: bool
) -> None:
    html = viewer.get(f"{url(project, 'saved')}?{query}").content.decode()
    assert (url(project, "change_saved", mine) in html) is found


def test_hostile_names_are_only_text(viewer: Client, project: Project, bob: User) -> None:
    saved_by(bob, project, "<script>x</script>", description='"><img src=x>')
    for html in (viewer.get(threads(project)).content.decode(), viewer.get(url(project, "saved")).content.decode()):
        assert "<script>x" not in html
        assert "<img" not in html


def test_the_tabs_cost_the_same_queries_at_2_and_at_20(
    viewer: Client, project: Project, bob: User, count_queries: Any
) -> None:
    for number in range(2):
        saved_by(bob, project, f"f{number}")
    page = f"{threads(project)}?saved=all"
    viewer.get(page)
    two = count_queries(lambda: viewer.get(page))
    for number in range(2, 20):
        saved_by(bob, project, f"f{number}")
    assert count_queries(lambda: viewer.get(page)) == two
