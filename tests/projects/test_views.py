from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, Membership, Role, User, Workspace
from apps.projects.models import Project, ProjectTally
from apps.threads.models import Thread
from tests.factories import EPOCH, ProjectFactory

HTMX = {"HX-Request": "true", "HX-Target": "projects"}


@pytest.fixture
def editor(viewer: Client, bob: User) -> Client:
    Membership.objects.filter(user=bob).update(role=Role.EDITOR)
    return viewer


def used(workspace: Workspace, name: str, minutes: int = 0, **sums: object) -> Project:
    """A project with runs."""
    project = ProjectFactory.create(workspace=workspace, name=name)
    for shard in (1, 2):
        ProjectTally.objects.create(
            project=project, shard=shard, runs=2, last_activity=EPOCH + timedelta(minutes=minutes), **sums
        )
    return project


def list_url(workspace: Workspace) -> str:
    return reverse("projects:list", args=[workspace.pk])


def url(name: str, project: Project) -> str:
    return reverse(f"projects:{name}", args=[project.workspace_id, project.pk])


def text_of(response) -> str:
    return response.content.decode()


def test_viewer_sees_the_projects(viewer: Client, workspace: Workspace):
    used(workspace, "checkout")
    assert "checkout" in text_of(viewer.get(list_url(workspace)))


def test_anonymous_must_sign_in(client: Client, workspace: Workspace):
    assert client.get(list_url(workspace)).url == f"{reverse('account_login')}?next={list_url(workspace)}"


def test_outsider_gets_404(client: Client, charlie: User, workspace: Workspace):
    client.force_login(charlie)
    assert client.get(list_url(workspace)).status_code == 404


def test_projects_of_other_workspaces_are_not_listed(admin: Client, workspace: Workspace):
    used(ProjectFactory.create().workspace, "elsewhere")
    assert "elsewhere" not in text_of(admin.get(list_url(workspace)))


def test_most_recent_activity_comes_first(admin: Client, workspace: Workspace):
    used(workspace, "old", minutes=1)
    used(workspace, "new", minutes=9)
    ProjectFactory.create(workspace=workspace, name="unused")
    rows = admin.get(list_url(workspace)).context["page"].rows
    assert [project.name for project in rows] == ["new", "old", "unused"]


def test_totals_are_summed_over_the_shards(admin: Client, workspace: Workspace):
    used(workspace, "checkout", total_tokens=2100, total_cost=Decimal("0.00155"), errored_runs=8, threads=4)
    (project,) = admin.get(list_url(workspace)).context["page"].rows
    assert (project.run_count, project.total_tokens, project.error_count, project.thread_count) == (4, 4200, 16, 8)
    assert "$0.0031" in text_of(admin.get(list_url(workspace)))


def test_cost_that_nobody_knows_is_not_zero(admin: Client, workspace: Workspace):
    used(workspace, "checkout", total_tokens=2100)
    assert "$0" not in text_of(admin.get(list_url(workspace)))


def test_ten_projects_cost_as_many_queries_as_twenty(admin: Client, workspace: Workspace, count_queries):
    for number in range(10):
        used(workspace, f"p{number}")
    ten = count_queries(lambda: admin.get(list_url(workspace)))
    for number in range(10, 20):
        used(workspace, f"p{number}")
    assert count_queries(lambda: admin.get(list_url(workspace))) == ten


def test_list_is_paged(admin: Client, workspace: Workspace):
    for number in range(52):
        used(workspace, f"p{number:02}", minutes=number)
    older = admin.get(list_url(workspace)).context["page"].older
    rows = admin.get(list_url(workspace), {"cursor": older}).context["page"].rows
    assert [project.name for project in rows] == ["p01", "p00"]


def test_search_finds_by_part_of_the_name(admin: Client, workspace: Workspace):
    used(workspace, "Checkout agent")
    used(workspace, "handbook")
    text = text_of(admin.get(list_url(workspace), {"q": "check"}))
    assert "Checkout agent" in text
    assert "handbook" not in text


def test_search_without_a_hit_says_so(admin: Client, workspace: Workspace):
    used(workspace, "handbook")
    assert "No project is called that" in text_of(admin.get(list_url(workspace), {"q": "zzz"}))


def test_search_with_a_nul_finds_everything(admin: Client, workspace: Workspace):
    used(workspace, "handbook")
    assert "handbook" in text_of(admin.get(list_url(workspace), {"q": "a\x00"}))


def test_searching_by_htmx_gets_the_table_only(admin: Client, workspace: Workspace):
    used(workspace, "handbook")
    text = text_of(admin.get(list_url(workspace), {"q": "hand"}, headers=HTMX))
    assert text.strip().startswith('<div id="projects">')
    assert "handbook" in text


def test_htmx_with_an_unknown_target_gets_the_page(admin: Client, workspace: Workspace):
    response = admin.get(list_url(workspace), headers={"HX-Request": "true", "HX-Target": "no-such-part"})
    assert "<html" in text_of(response)


def test_project_name_cannot_inject_markup(admin: Client, workspace: Workspace):
    used(workspace, "<script>alert(1)</script>")
    assert "<script>alert" not in text_of(admin.get(list_url(workspace)))


def test_empty_workspace_shows_the_export_lines_and_both_snippets(admin: Client, workspace: Workspace):
    text = text_of(admin.get(list_url(workspace)))
    assert "export LANGSMITH_ENDPOINT=http://testserver/api/v1" in text
    assert 'LANGSMITH_API_KEY="&lt;your key&gt;"' in text
    assert "from langsmith import traceable" in text
    assert "langsmith/traceable" in text
    assert reverse("accounts:keys", args=[workspace.pk]) in text


def test_projects_without_runs_are_still_the_beginning(admin: Client, workspace: Workspace):
    ProjectFactory.create(workspace=workspace, name="default")
    text = text_of(admin.get(list_url(workspace)))
    assert "Waiting for the first run" in text
    assert "default" in text


def test_viewer_of_an_empty_workspace_is_told_whom_to_ask(viewer: Client, workspace: Workspace):
    text = text_of(viewer.get(list_url(workspace)))
    assert "Ask an editor" in text
    assert "Load sample" not in text


def test_waiting_part_says_when_the_first_run_is_here(admin: Client, workspace: Workspace):
    headers = {"HX-Request": "true", "HX-Target": "waiting"}
    assert "Waiting" in text_of(admin.get(list_url(workspace), headers=headers))
    used(workspace, "checkout")
    assert "Your first run is here" in text_of(admin.get(list_url(workspace), headers=headers))


def test_waiting_ends_with_the_first_run(admin: Client, workspace: Workspace):
    used(workspace, "checkout")
    headers = {"HX-Request": "true", "HX-Target": "waiting"}
    assert "hx-trigger" not in text_of(admin.get(list_url(workspace), headers=headers))


def test_samples_are_loaded(editor: Client, workspace: Workspace):
    response = editor.post(reverse("projects:load_samples", args=[workspace.pk]))
    assert response.url == list_url(workspace)
    assert Thread.objects.filter(project__workspace=workspace).count() > 30
    assert AuditEntry.objects.filter(action="loaded the sample conversations").count() == 1


def test_viewer_cannot_load_samples(viewer: Client, workspace: Workspace):
    assert viewer.post(reverse("projects:load_samples", args=[workspace.pk])).status_code == 403
    assert not Project.objects.exists()


def test_outsider_cannot_load_samples(client: Client, charlie: User, workspace: Workspace):
    client.force_login(charlie)
    assert client.post(reverse("projects:load_samples", args=[workspace.pk])).status_code == 404


def test_editor_creates_a_project(editor: Client, bob: User, workspace: Workspace):
    response = editor.post(reverse("projects:create", args=[workspace.pk]), {"name": "checkout"})
    project = Project.objects.get()
    assert response.url == url("detail", project)
    assert project.workspace == workspace
    assert (AuditEntry.objects.get().actor, AuditEntry.objects.get().action) == (bob, "created project")


def test_form_to_create_is_a_page(editor: Client, workspace: Workspace):
    assert editor.get(reverse("projects:create", args=[workspace.pk])).status_code == 200


def test_viewer_cannot_create(viewer: Client, workspace: Workspace):
    assert viewer.post(reverse("projects:create", args=[workspace.pk]), {"name": "checkout"}).status_code == 403


def test_name_is_taken_once_a_workspace(editor: Client, workspace: Workspace):
    ProjectFactory.create(workspace=workspace, name="checkout")
    ProjectFactory.create(name="elsewhere")
    create = reverse("projects:create", args=[workspace.pk])
    assert "has a project of that name" in text_of(editor.post(create, {"name": "checkout"}))
    assert editor.post(create, {"name": "elsewhere"}).status_code == 302


def test_project_leads_to_its_threads(viewer: Client, workspace: Workspace):
    project = ProjectFactory.create(workspace=workspace)
    assert viewer.get(url("detail", project)).url == reverse("threads:list", args=[workspace.pk, project.pk])


@pytest.mark.parametrize("name", ["detail", "settings"])
def test_project_of_another_workspace_is_404(admin: Client, workspace: Workspace, name: str):
    other = ProjectFactory.create()
    assert admin.get(reverse(f"projects:{name}", args=[workspace.pk, other.pk])).status_code == 404


@pytest.mark.parametrize("name", ["detail", "settings"])
def test_anonymous_must_sign_in_for_a_project(client: Client, workspace: Workspace, name: str):
    response = client.get(url(name, ProjectFactory.create(workspace=workspace)))
    assert response.url.startswith(reverse("account_login"))


def test_editor_renames(editor: Client, workspace: Workspace):
    project = ProjectFactory.create(workspace=workspace, name="chekout")
    assert editor.post(url("settings", project), {"name": "checkout", "description": "EU"}).url == url(
        "settings", project
    )
    project.refresh_from_db()
    assert (project.name, project.description) == ("checkout", "EU")
    assert AuditEntry.objects.get().action == "changed project"


def test_renaming_to_a_taken_name_is_refused(editor: Client, workspace: Workspace):
    ProjectFactory.create(workspace=workspace, name="checkout")
    project = ProjectFactory.create(workspace=workspace, name="other")
    assert "has a project of that name" in text_of(editor.post(url("settings", project), {"name": "checkout"}))
    project.refresh_from_db()
    assert project.name == "other"


def test_viewer_cannot_open_the_settings(viewer: Client, workspace: Workspace):
    assert viewer.get(url("settings", ProjectFactory.create(workspace=workspace))).status_code == 403


def test_admin_deletes_after_typing_the_name(admin: Client, workspace: Workspace):
    project = ProjectFactory.create(workspace=workspace, name="checkout")
    assert admin.post(url("delete", project), {"confirm": "checkout"}).url == list_url(workspace)
    assert not Project.objects.exists()
    assert AuditEntry.objects.get().target == "checkout"


def test_wrong_name_deletes_nothing(admin: Client, workspace: Workspace):
    project = ProjectFactory.create(workspace=workspace, name="checkout")
    assert "not its name" in text_of(admin.post(url("delete", project), {"confirm": "default"}))
    assert Project.objects.exists()


def test_editor_cannot_delete(editor: Client, workspace: Workspace):
    project = ProjectFactory.create(workspace=workspace, name="checkout")
    assert editor.post(url("delete", project), {"confirm": "checkout"}).status_code == 403
    assert Project.objects.exists()


def test_deleting_needs_a_post(admin: Client, workspace: Workspace):
    assert admin.get(url("delete", ProjectFactory.create(workspace=workspace))).status_code == 405


def test_export_lines_of_a_project_quote_its_name(admin: Client, workspace: Workspace):
    project = ProjectFactory.create(workspace=workspace, name="my agent; reboot")
    assert "export LANGSMITH_PROJECT=&#x27;my agent; reboot&#x27;" in text_of(admin.get(url("settings", project)))
