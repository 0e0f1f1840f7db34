"""What is done to the selected runs, or to all that the filter finds."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.accounts.models import AuditEntry, Role, User, Workspace
from apps.feedback.queues.models import AnnotationQueue, QueueItem
from apps.projects.models import Project
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run
from apps.runs.table import bulk
from tests.factories import EPOCH, MembershipFactory
from tests.runs.test_list import listed, url
from tests.threads.listing import chat, llm
from tests.threads.wire import run, send


@pytest.fixture
def project(workspace: Workspace) -> Project:
    send(workspace, *chat("a", llm(tokens=30, cost="0.25"), name="first", metadata={"plan": "pro"}))
    return send(
        workspace, run("second", start=EPOCH + timedelta(minutes=1), inputs={"question": "=1+1"}, outputs={"a": 1})
    )


def do(client: Client, project: Project, action: str, *names: str, **form: str) -> Any:
    rows = [f"{found.trace_id}.{found.id}" for found in Run.objects.filter(name__in=names)]
    return client.post(url(project, "bulk"), {"do": action, "run": rows, **form})


def text(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_selected_runs_are_exported_whole_as_json_lines(viewer: Client, project: Project) -> None:
    response = do(viewer, project, "export.jsonl", "first")
    (line,) = [json.loads(line) for line in text(response).splitlines()]
    assert response.headers["Content-Disposition"] == 'attachment; filename="p-runs.jsonl"'
    assert (line["name"], line["tokens"], line["cost"]) == ("first", 30, 0.25)
    assert line["inputs"] == {"question": "hello"}
    assert line["metadata"]["plan"] == "pro"


def test_all_that_match_are_exported_as_a_table_of_the_columns(viewer: Client, project: Project) -> None:
    response = do(viewer, project, "export.csv", all="1", query="cols=input,meta.plan")
    rows = list(csv.DictReader(io.StringIO(text(response).removeprefix("\ufeff"))))
    assert [(row["name"], row["input"], row["meta.plan"]) for row in rows] == [
        ("second", "'=1+1", ""),
        ("first", "hello", "pro"),
    ]
    assert AuditEntry.objects.filter(action="exported runs", target="p: 2 runs").exists()


def test_a_bad_filter_exports_nothing(viewer: Client, project: Project) -> None:
    assert do(viewer, project, "export.csv", all="1", query="filter=eq(").url.startswith(url(project))


def test_nothing_selected_is_said(viewer: Client, project: Project) -> None:
    response = viewer.post(url(project, "bulk"), {"do": "export.csv", "run": ["x", "1.2"]}, follow=True)
    assert "Select rows first." in response.content.decode()


def test_an_unknown_action_is_404(viewer: Client, project: Project) -> None:
    assert do(viewer, project, "explode", "first").status_code == 404


def test_a_viewer_may_not_delete(viewer: Client, project: Project) -> None:
    assert do(viewer, project, "delete", "first").status_code == 403
    assert "Delete" not in viewer.get(url(project)).content.decode()


def test_outsider_does_nothing(client: Client, charlie: User, project: Project) -> None:
    client.force_login(charlie)
    assert do(client, project, "delete", "first").status_code == 404


def test_runs_of_another_project_are_out_of_reach(client: Client, workspace: Workspace, project: Project) -> None:
    other = send(workspace, run("theirs", project="other"))
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.EDITOR).user)
    do(client, project, "delete", "theirs")
    assert listed(client, other) == ["theirs"]


def test_an_editor_deletes_the_whole_traces_of_runs(client: Client, workspace: Workspace, project: Project) -> None:
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.EDITOR).user)
    response = do(client, project, "delete", "ChatOpenAI", query="show=llm")
    assert response.url == f"{url(project)}?show=llm"
    assert listed(client, project, show="all") == ["second"]
    assert list(reconcile()) == []


def test_many_traces_are_deleted_in_the_background(
    client: Client, workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 1)
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.EDITOR).user)
    do(client, project, "delete", all="1")
    (job,) = ProcrastinateJob.objects.filter(task_name="delete_traces")
    assert len(job.args["traces"]) == 2
    assert len(listed(client, project)) == 2


def test_selected_runs_are_put_into_a_queue(client: Client, workspace: Workspace, project: Project) -> None:
    queue = AnnotationQueue.objects.create(workspace=workspace, name="To judge")
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.ANNOTATOR).user)
    asked = do(client, project, "queue", "first", query="q=hello").content.decode()
    assert "Add 1 run to a queue" in asked
    assert f'action="{url(project, "bulk")}"' in asked
    assert do(client, project, "queue", "first", queue=str(queue.pk), query="q=hello").url == f"{url(project)}?q=hello"
    assert [item.run_id for item in QueueItem.objects.in_queue(queue)] == [Run.objects.get(name="first").id]
