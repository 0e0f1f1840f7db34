"""A project forgets the conversations that are older than it keeps, and says before how many."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, Role, Workspace
from apps.projects.models import Project
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run
from apps.threads.models import Thread
from apps.threads.tagging import ThreadTag
from apps.threads.tasks import forget_outdated
from tests.factories import MembershipFactory
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Two threads and a trace without one, each of today and of forty days ago."""
    runs = []
    for days in (0, 40):
        at = NOW - timedelta(days=days, hours=1)
        for thread in (f"a{days}", f"b{days}", None):
            runs.append(run("turn", thread_id=thread, start=at))
    return send(workspace, *runs)


@pytest.fixture
def editor(workspace: Workspace) -> Client:
    client = Client()
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.EDITOR).user)
    return client


def keep(project: Project, days: int) -> None:
    project.keep_days = days
    project.save()
    forget_outdated(int(NOW.timestamp()))


def test_what_is_older_goes_with_its_runs_and_the_totals_stay_exact(project: Project) -> None:
    keep(project, 30)
    assert set(Thread.objects.values_list("thread_id", flat=True)) == {"a0", "b0"}
    assert Run.objects.count() == 3
    assert not list(reconcile(fix=False))
    assert AuditEntry.objects.get().target == f"{project.name}: 2 threads, 1 trace without one"


def test_a_tag_keeps_a_thread(project: Project) -> None:
    ThreadTag.objects.create(thread=Thread.objects.get(thread_id="a40").pk, tag="keep", project=project)
    keep(project, 30)
    assert set(Thread.objects.values_list("thread_id", flat=True)) == {"a0", "b0", "a40"}


def test_without_a_limit_all_is_kept(project: Project) -> None:
    forget_outdated(int(NOW.timestamp()))
    assert Run.objects.count() == 6
    assert not AuditEntry.objects.exists()


def test_a_limit_that_would_delete_something_asks_first(editor: Client, project: Project) -> None:
    url = reverse("projects:settings", args=[project.workspace_id, project.pk])
    form = {"name": project.name, "keep_days": "30"}
    asked = editor.post(url, form).content.decode()
    assert "2 threads would be deleted within the hour" in asked
    assert 'name="agreed" value="30"' in asked
    project.refresh_from_db()
    assert project.keep_days is None
    assert editor.post(url, {**form, "agreed": "30"}).status_code == 302
    project.refresh_from_db()
    assert project.keep_days == 30
    assert AuditEntry.objects.get().target == f"{project.name}, keeps 30 days"


def test_a_limit_that_deletes_nothing_is_just_saved(editor: Client, project: Project) -> None:
    url = reverse("projects:settings", args=[project.workspace_id, project.pk])
    assert editor.post(url, {"name": project.name, "keep_days": "60"}).status_code == 302


@pytest.mark.parametrize("days", ["0", "-3", "36501", "week"])
def test_no_such_limit_is_taken(editor: Client, project: Project, days: str) -> None:
    url = reverse("projects:settings", args=[project.workspace_id, project.pk])
    assert editor.post(url, {"name": project.name, "keep_days": days}).status_code == 200
