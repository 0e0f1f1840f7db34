import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, User, Workspace
from tests.factories import WorkspaceFactory


def url(name: str, workspace: Workspace) -> str:
    return reverse(f"accounts:{name}", args=[workspace.pk])


def note(workspace: Workspace, count: int, **fields: object) -> None:
    AuditEntry.objects.bulk_create(
        AuditEntry(workspace=workspace, action="created project", target=f"no {n}", **fields) for n in range(count)
    )


@pytest.mark.parametrize("name", ["workspace", "audit"])
def test_anonymous_must_sign_in(client: Client, workspace: Workspace, name: str):
    assert client.get(url(name, workspace)).url.startswith(reverse("account_login"))


@pytest.mark.parametrize("name", ["workspace", "audit"])
def test_outsider_gets_404(client: Client, charlie: User, workspace: Workspace, name: str):
    client.force_login(charlie)
    assert client.get(url(name, workspace)).status_code == 404


@pytest.mark.parametrize("name", ["workspace", "audit"])
def test_viewer_gets_403(client: Client, bob: User, workspace: Workspace, name: str):
    client.force_login(bob)
    response = client.get(url(name, workspace))
    assert response.status_code == 403
    assert "yours is viewer" in response.content.decode()


def test_admin_renames_the_workspace(client: Client, alice: User, workspace: Workspace):
    client.force_login(alice)
    assert client.post(url("workspace", workspace), {"name": "Harbour"}).url == url("workspace", workspace)
    workspace.refresh_from_db()
    assert workspace.name == "Harbour"
    assert AuditEntry.objects.get().target == "One → Harbour"


def test_name_may_not_be_empty(client: Client, alice: User, workspace: Workspace):
    client.force_login(alice)
    client.post(url("workspace", workspace), {"name": ""})
    workspace.refresh_from_db()
    assert workspace.name == "One"


def test_audit_log_shows_who_did_what(client: Client, alice: User, workspace: Workspace):
    note(workspace, 1, actor=alice)
    client.force_login(alice)
    text = client.get(url("audit", workspace)).content.decode()
    assert "alice@example.org" in text
    assert "no 0" in text


def test_audit_log_of_another_workspace_stays_there(client: Client, alice: User, workspace: Workspace):
    note(WorkspaceFactory.create(), 1)
    client.force_login(alice)
    assert "no 0" not in client.get(url("audit", workspace)).content.decode()


def test_audit_log_is_paged(client: Client, alice: User, workspace: Workspace):
    note(workspace, 60)
    client.force_login(alice)
    first = client.get(url("audit", workspace)).context["page"]
    second = client.get(url("audit", workspace), {"cursor": first.older}).context["page"]
    assert [len(first.rows), len(second.rows)] == [50, 10]
    assert not {entry.pk for entry in first.rows} & {entry.pk for entry in second.rows}


def test_ten_entries_cost_as_many_queries_as_twenty(client: Client, alice: User, workspace: Workspace, count_queries):
    client.force_login(alice)
    note(workspace, 10, actor=alice)
    ten = count_queries(lambda: client.get(url("audit", workspace)))
    note(workspace, 10, actor=alice)
    assert count_queries(lambda: client.get(url("audit", workspace))) == ten
