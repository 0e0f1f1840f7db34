import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.access import KeyError401, key_of
from apps.accounts.models import ApiKey, AuditEntry, Membership, Role, Scope, User, Workspace
from tests.factories import ApiKeyFactory


def keys_url(workspace: Workspace) -> str:
    return reverse("accounts:keys", args=[workspace.pk])


def create(client: Client, workspace: Workspace, **more: str):
    return client.post(keys_url(workspace), {"name": "checkout", "scope": Scope.FULL} | more)


def secret_in(response) -> str:
    return re.search(r"LANGSMITH_API_KEY=(tl_[\w-]+)", response.content.decode())[1]


def test_admin_sees_the_keys(client: Client, alice: User, workspace: Workspace):
    ApiKeyFactory.create(workspace=workspace, name="night batch")
    client.force_login(alice)
    assert "night batch" in client.get(keys_url(workspace)).content.decode()


def test_anonymous_must_sign_in(client: Client, workspace: Workspace):
    assert client.get(keys_url(workspace)).url.startswith(reverse("account_login"))


def test_outsider_gets_404(client: Client, charlie: User, workspace: Workspace):
    client.force_login(charlie)
    assert client.get(keys_url(workspace)).status_code == 404


def test_viewer_gets_403(client: Client, bob: User, workspace: Workspace):
    client.force_login(bob)
    response = create(client, workspace)
    assert response.status_code == 403
    assert not ApiKey.objects.exists()


def test_editor_may_create(client: Client, bob: User, workspace: Workspace):
    Membership.objects.filter(user=bob).update(role=Role.EDITOR)
    client.force_login(bob)
    create(client, workspace)
    assert ApiKey.objects.get().created_by == bob


def test_secret_that_is_shown_works(client: Client, alice: User, workspace: Workspace, rf):
    client.force_login(alice)
    secret = secret_in(create(client, workspace))
    assert key_of(rf.get("/", headers={"x-api-key": secret})).workspace == workspace


def test_secret_is_shown_once_and_stored_nowhere(client: Client, alice: User, workspace: Workspace):
    client.force_login(alice)
    response = create(client, workspace)
    secret = secret_in(response)
    assert "no-store" in response["Cache-Control"]
    assert secret not in client.get(keys_url(workspace)).content.decode()
    assert secret not in str(ApiKey.objects.values().get())


def test_export_lines_name_this_server(client: Client, alice: User, workspace: Workspace):
    client.force_login(alice)
    text = create(client, workspace).content.decode()
    assert "export LANGSMITH_TRACING=true" in text
    assert "export LANGSMITH_ENDPOINT=http://testserver/api/v1" in text


def test_htmx_gets_the_fresh_part_only(client: Client, alice: User, workspace: Workspace):
    client.force_login(alice)
    response = client.post(
        keys_url(workspace),
        {"name": "checkout", "scope": Scope.INGEST},
        headers={"HX-Request": "true", "HX-Target": "api-keys"},
    )
    assert secret_in(response)
    assert "<html" not in response.content.decode()


def test_key_without_a_name_is_refused(client: Client, alice: User, workspace: Workspace):
    client.force_login(alice)
    assert "This field is required" in create(client, workspace, name=" ").content.decode()
    assert not ApiKey.objects.exists()


def test_creation_is_written_down(client: Client, alice: User, workspace: Workspace):
    client.force_login(alice)
    create(client, workspace)
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.action) == (alice, "created API key")
    assert "checkout" in entry.target


def revoke(client: Client, key: ApiKey, **headers: str):
    return client.post(reverse("accounts:revoke_key", args=[key.workspace_id, key.pk]), headers=headers)


def test_revoked_key_stops_working(client: Client, alice: User, workspace: Workspace, rf):
    key = ApiKeyFactory.create(workspace=workspace)
    client.force_login(alice)
    assert revoke(client, key).url == keys_url(workspace)
    with pytest.raises(KeyError401):
        key_of(rf.get("/", headers={"x-api-key": key.secret}))
    assert AuditEntry.objects.get().action == "revoked API key"


def test_revoking_by_htmx_gets_the_fresh_table(client: Client, alice: User, workspace: Workspace):
    key = ApiKeyFactory.create(workspace=workspace)
    client.force_login(alice)
    text = revoke(client, key, **{"HX-Request": "true", "HX-Target": "api-keys"}).content.decode()
    assert text.strip().startswith("<div")
    assert "a key is revoked" in text


def test_key_of_another_workspace_cannot_be_revoked(client: Client, alice: User, workspace: Workspace):
    key = ApiKeyFactory.create()
    client.force_login(alice)
    response = client.post(reverse("accounts:revoke_key", args=[workspace.pk, key.pk]))
    assert response.status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


def test_viewer_cannot_revoke(client: Client, bob: User, workspace: Workspace):
    key = ApiKeyFactory.create(workspace=workspace)
    client.force_login(bob)
    assert revoke(client, key).status_code == 403


def test_revoking_needs_a_post(client: Client, alice: User, workspace: Workspace):
    key = ApiKeyFactory.create(workspace=workspace)
    client.force_login(alice)
    assert client.get(reverse("accounts:revoke_key", args=[workspace.pk, key.pk])).status_code == 405


def test_ten_keys_cost_as_many_queries_as_twenty(client: Client, alice: User, workspace: Workspace, count_queries):
    client.force_login(alice)
    ApiKeyFactory.create_batch(10, workspace=workspace, created_by=alice)
    ten = count_queries(lambda: client.get(keys_url(workspace)))
    ApiKeyFactory.create_batch(10, workspace=workspace, created_by=alice)
    assert count_queries(lambda: client.get(keys_url(workspace))) == ten
