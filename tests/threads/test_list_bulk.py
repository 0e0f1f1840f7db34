"""What is done to the selected threads, or to all that the filter finds."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from apps.accounts.models import AuditEntry, Role, Workspace
from apps.projects.models import Project
from apps.projects.tasks import delete_project
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run
from apps.threads import bulk, tasks
from apps.threads.models import Thread
from apps.threads.tagging import MAX_TAG, ThreadTag
from tests.factories import MembershipFactory
from tests.threads.listing import chat, listed, llm, page, url
from tests.threads.wire import send, turns


@pytest.fixture
def project(workspace: Workspace) -> Project:
    send(workspace, *chat("a", llm("gpt-4o", tokens=30, cost="0.25")), *turns("b", 3))
    return send(workspace, *chat("c", minutes=5, error="boom", outputs={}))


def key(thread_id: str) -> str:
    return str(Thread.objects.get(thread_id=thread_id).pk)


def do(client: Client, project: Project, action: str, *threads: str, **form: str) -> Any:
    fields: dict[str, Any] = {"do": action, "thread": [key(each) for each in threads], **form}
    return client.post(url(project, "bulk"), fields)


def text(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_selected_threads_are_exported_as_json_lines(viewer: Client, project: Project) -> None:
    response = do(viewer, project, "export.jsonl", "a", "b")
    lines = [json.loads(line) for line in text(response).splitlines()]
    assert [line["thread_id"] for line in lines] == ["b", "a"]
    assert lines[1]["cost"] == 0.25
    assert lines[1]["models"] == ["gpt-4o"]
    assert lines[0]["turns"] == 3
    assert 'attachment; filename="p-threads.jsonl"' in response.headers["Content-Disposition"]


def test_the_whole_filter_is_exported_as_csv_with_the_columns_of_the_page(viewer: Client, project: Project) -> None:
    response = do(viewer, project, "export.csv", all="1", query='cols=turns,cost&filter=eq(model, "gpt-4o")')
    assert list(csv.reader(io.StringIO(text(response).removeprefix("\ufeff")))) == [
        ["thread", "turns", "cost", "thread_tags"],
        ["a", "1", "0.25", ""],
    ]


def test_a_spreadsheet_runs_nothing_of_an_export(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *chat("=cmd()", inputs={"question": '=HYPERLINK("https://evil")'}))
    rows = list(csv.reader(io.StringIO(text(do(viewer, project, "export.csv", "=cmd()", query="cols=first_input")))))
    assert rows[1][:2] == ["'=cmd()", """'=HYPERLINK("https://evil")"""]


def test_an_export_takes_as_many_queries_for_a_batch_as_for_a_row(
    viewer: Client, workspace: Workspace, project: Project, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    few = count_queries(lambda: text(do(viewer, project, "export.jsonl", all="1")))
    send(workspace, *(found for number in range(20) for found in chat(f"t{number}")))
    assert count_queries(lambda: text(do(viewer, project, "export.jsonl", all="1"))) == few


def test_an_export_is_in_the_audit_log(viewer: Client, project: Project) -> None:
    do(viewer, project, "export.csv", "a", "b")
    assert str(AuditEntry.objects.get()) == "exported threads p: 2 threads"


def test_nothing_selected_does_nothing(viewer: Client, project: Project) -> None:
    response = do(viewer, project, "export.csv", thread="nonsense", query="sort=turns")
    assert response.url == f"{url(project)}?sort=turns"
    assert not AuditEntry.objects.exists()


def test_a_filter_that_cannot_be_read_selects_nothing(admin: Client, project: Project) -> None:
    do(admin, project, "delete", all="1", query="filter=nonsense(")
    assert Thread.objects.count() == 3


def test_deleting_takes_the_runs_and_keeps_the_totals_exact(admin: Client, project: Project) -> None:
    ThreadTag.objects.create(thread=key("b"), project=project, tag="good")
    do(admin, project, "delete", "b", query="sort=turns")
    assert listed(admin, project) == ["c", "a"]
    assert Run.objects.count() == 3
    assert not ThreadTag.objects.exists()
    assert list(reconcile()) == []
    assert str(AuditEntry.objects.get()) == "deleted threads p: 1 thread"


def test_a_whole_filter_is_deleted(admin: Client, project: Project) -> None:
    do(admin, project, "delete", all="1", query='filter=eq(status, "error")')
    assert listed(admin, project) == ["b", "a"]


def test_many_turns_are_deleted_in_the_background(
    admin: Client, workspace: Workspace, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were selected, not those that match when the worker comes to it."""
    monkeypatch.setattr(bulk, "MOST_AT_ONCE", 2)
    monkeypatch.setattr(tasks, "THREADS_PER_JOB", 2)
    do(admin, project, "delete", all="1")
    assert len(listed(admin, project)) == 3
    send(workspace, *chat("later", minutes=60))
    for job in ProcrastinateJob.objects.filter(task_name="delete_threads"):
        tasks.delete_threads_job(**job.args)
    assert listed(admin, project) == ["later"]
    assert list(reconcile()) == []


def test_a_deletion_that_is_cut_off_can_run_again(project: Project) -> None:
    keys = [Thread.objects.get(thread_id="b").pk]
    tasks.delete_threads(project.pk, keys)
    tasks.delete_threads(project.pk, keys)
    assert Thread.objects.count() == 2


def test_threads_of_another_project_are_out_of_reach(admin: Client, workspace: Workspace, project: Project) -> None:
    other = send(workspace, *chat("z", project="other"))
    do(admin, project, "delete", "z")
    assert Thread.objects.in_project(other).count() == 1


def test_tags_are_added_shown_and_taken_off(admin: Client, project: Project) -> None:
    do(admin, project, "tag", "a", "b", tag="  needs \n review ")
    do(admin, project, "tag", "a", tag="needs review")
    assert page(admin, project).count('<span class="pill acc"><bdi>needs review</bdi></span>') == 2
    do(admin, project, "tag.remove", all="1", tag="needs review")
    assert not ThreadTag.objects.exists()
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == [
        "tagged threads", "tagged threads", "untagged threads",
    ]  # fmt: skip


def test_a_tag_is_cut_and_an_empty_one_is_none(admin: Client, project: Project) -> None:
    do(admin, project, "tag", "a", tag="x" * 100)
    do(admin, project, "tag", "a", tag=" \u200b ")
    assert [tag.tag for tag in ThreadTag.objects.all()] == ["x" * MAX_TAG]


def test_a_tag_goes_with_its_project(workspace: Workspace, project: Project) -> None:
    ThreadTag.objects.create(thread=key("a"), project=project, tag="good")
    delete_project(str(project.pk))
    assert not ThreadTag.objects.exists()


RIGHTS = {
    (Role.VIEWER, "export.csv"): 200,
    (Role.VIEWER, "tag"): 403,
    (Role.VIEWER, "delete"): 403,
    (Role.ANNOTATOR, "tag"): 302,
    (Role.ANNOTATOR, "delete"): 403,
    (Role.EDITOR, "delete"): 302,
}


@pytest.mark.parametrize(("case", "status"), RIGHTS.items())
def test_roles_are_respected(
    client: Client, workspace: Workspace, project: Project, case: tuple[Role, str], status: int
) -> None:
    role, action = case
    client.force_login(MembershipFactory.create(workspace=workspace, role=role).user)
    assert do(client, project, action, "a", tag="x").status_code == status
    assert (f'value="{action}"' in page(client, project)) is (status != 403)


def test_an_outsider_reaches_nothing(outsider: Client, project: Project) -> None:
    assert do(outsider, project, "export.csv", "a").status_code == 404


def test_an_action_that_does_not_exist_is_404(admin: Client, project: Project) -> None:
    assert do(admin, project, "explode", "a").status_code == 404
