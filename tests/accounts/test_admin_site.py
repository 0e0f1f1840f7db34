"""The admin site over many rows: small numbers of queries, and no count of a large table."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import ApiKey, User, Workspace
from apps.common import admin as common_admin
from apps.projects.models import Project
from tests.factories import ApiKeyFactory, ProjectFactory, RunFactory, ThreadFactory, UserFactory

LISTS = [
    "accounts_user",
    "accounts_workspace",
    "accounts_membership",
    "accounts_apikey",
    "accounts_auditentry",
    "projects_project",
    "threads_thread",
    "runs_runbyid",
    "runs_modelprice",
]


@pytest.fixture
def root(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "correct horse", name="Root"))
    return client


def list_url(model: str) -> str:
    return reverse(f"admin:{model}_changelist")


def change_url(model: str, pk: object) -> str:
    return reverse(f"admin:{model}_change", args=[pk])


def queries_of(client: Client, url: str, **query: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url, query)
    assert response.status_code == 200
    return [query["sql"] for query in captured]


@pytest.mark.parametrize("model", LISTS)
def test_every_list_opens(root: Client, model: str):
    assert root.get(list_url(model)).status_code == 200


def test_sign_in_is_the_common_one(client: Client, db: None):
    assert client.get("/admin/login/?next=/admin/").url == f"{reverse('account_login')}?next=%2Fadmin%2F"


def test_admin_of_a_workspace_has_no_access(client: Client, alice: User):
    client.force_login(alice)
    assert client.get("/admin/", follow=True).status_code == 403


@pytest.mark.parametrize("model", LISTS)
def test_no_list_counts_a_whole_table(root: Client, model: str):
    for sql in queries_of(root, list_url(model)):
        assert "COUNT(*)" not in sql or f"LIMIT {common_admin.COUNTED}" in sql


def test_runs_are_not_listed_without_a_search(root: Client):
    RunFactory.create(name="agent-of-the-test")
    with CaptureQueriesContext(connection) as captured:
        text = root.get(list_url("runs_runbyid")).content.decode()
    assert "agent-of-the-test" not in text
    assert "found by id" in text
    assert not [query for query in captured if "runs_run" in query["sql"]]


def test_run_is_found_by_its_id(root: Client):
    run = RunFactory.create(name="agent-of-the-test")
    RunFactory.create(name="another-run")
    text = root.get(list_url("runs_runbyid"), {"q": str(run.id)}).content.decode()
    assert "agent-of-the-test" in text
    assert "another-run" not in text


def test_finding_a_run_counts_nothing(root: Client):
    run = RunFactory.create()
    assert not [sql for sql in queries_of(root, list_url("runs_runbyid"), q=str(run.id)) if "COUNT" in sql]


@pytest.mark.parametrize("text", ["agent", "1", "\x00", "00000000-0000-0000-0000-000000000000"])
def test_search_that_is_no_known_id_finds_no_run(root: Client, text: str):
    RunFactory.create()
    assert "0 runs" in root.get(list_url("runs_runbyid"), {"q": text}).content.decode()


def test_payload_of_a_run_is_readable_and_escaped(root: Client):
    run = RunFactory.create(inputs={"question": "<script>alert(1)</script>"}, outputs={"answer": "déjà vu"})
    text = root.get(change_url("runs_runbyid", run.id)).content.decode()
    assert "&quot;question&quot;: &quot;&lt;script&gt;" in text
    assert "déjà vu" in text
    assert "<script>alert" not in text


def test_long_payload_is_cut(root: Client):
    run = RunFactory.create(inputs={"text": "x" * 300_000})
    text = root.get(change_url("runs_runbyid", run.id)).content.decode()
    assert "more characters" in text
    assert len(text) < 260_000


def test_runs_are_read_only(root: Client):
    run = RunFactory.create(name="agent")
    assert root.post(change_url("runs_runbyid", run.id), {"name": "other"}).status_code == 403
    assert root.post(reverse("admin:runs_runbyid_delete", args=[run.id]), {"post": "yes"}).status_code == 403


def test_threads_are_read_only(root: Client):
    thread = ThreadFactory.create()
    assert root.post(change_url("threads_thread", thread.pk), {"turns": 9}).status_code == 403


def test_thread_is_found_by_the_id_the_application_sent(root: Client):
    thread = ThreadFactory.create(thread_id="support-7741")
    ThreadFactory.create(project=thread.project, thread_id="other-thread")
    text = root.get(list_url("threads_thread"), {"q": "support-7741"}).content.decode()
    assert "support-7741" in text
    assert "other-thread" not in text


def test_ten_threads_cost_as_many_queries_as_twenty(root: Client, count_queries):
    project = ProjectFactory.create()
    ThreadFactory.create_batch(10, project=project)
    ten = count_queries(lambda: root.get(list_url("threads_thread")))
    ThreadFactory.create_batch(10, project=project)
    assert count_queries(lambda: root.get(list_url("threads_thread"))) == ten


def test_list_counts_up_to_a_bound(root: Client, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(common_admin, "COUNTED", 5)
    ThreadFactory.create_batch(8, project=ProjectFactory.create())
    assert "5 threads" in root.get(list_url("threads_thread")).content.decode()


def test_user_is_added_with_a_password(root: Client):
    passwords = {"usable_password": "true", "password1": "battery staple 2", "password2": "battery staple 2"}
    inline = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    root.post(reverse("admin:accounts_user_add"), {"email": "Eve@Example.org", "name": "Eve"} | passwords | inline)
    assert User.objects.get(email="eve@example.org").check_password("battery staple 2")


def test_password_hash_is_not_shown(root: Client):
    user = UserFactory.create()
    assert user.password not in root.get(change_url("accounts_user", user.pk)).content.decode()


def test_keys_are_revoked_by_an_action(root: Client, workspace: Workspace):
    key = ApiKeyFactory.create(workspace=workspace)
    root.post(list_url("accounts_apikey"), {"action": "revoke", "_selected_action": [str(key.pk)]})
    assert ApiKey.objects.get().revoked_at is not None


def test_keys_are_not_added_here(root: Client):
    assert root.get(reverse("admin:accounts_apikey_add")).status_code == 403


def test_workspace_with_projects_cannot_be_deleted(root: Client):
    project = ProjectFactory.create()
    url = reverse("admin:accounts_workspace_delete", args=[project.workspace_id])
    assert root.post(url, {"post": "yes"}).status_code == 403


def test_deleting_a_project_takes_its_runs_along(root: Client, monkeypatch: pytest.MonkeyPatch):
    project = ProjectFactory.create()
    deleted: list[Project] = []
    monkeypatch.setattr("apps.projects.tasks.delete", deleted.append)
    root.post(reverse("admin:projects_project_delete", args=[project.pk]), {"post": "yes"})
    assert deleted == [project]
