import uuid

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from apps.accounts.models import User, Workspace
from apps.projects.models import Project
from tests.factories import ProjectFactory
from tests.threads.wire import Json, run, send

PANEL = {"HX-Request": "true", "HX-Target": "panel"}
PANE = {"HX-Request": "true", "HX-Target": "run"}


@pytest.fixture
def sent() -> list[dict[str, Json]]:
    root = run(
        "agent",
        thread_id="sally",
        inputs={"question": "Where is it?"},
        outputs={"answer": "On its way."},
        tags=["prod"],
    )
    return [root, run("lookup", parent=root, run_type="tool", inputs={"order": 7}, outputs={"output": "found"})]


@pytest.fixture
def project(workspace: Workspace, sent: list[dict[str, Json]]) -> Project:
    return send(workspace, *sent)


def url(project: Project, run_id: Json, field: str = "") -> str:
    place = [project.workspace_id, project.pk, run_id]
    return reverse("runs:raw", args=[*place, field]) if field else reverse("runs:detail", args=place)


def page(client: Client, project: Project, run_id: Json, **options: Json) -> str:
    response = client.get(url(project, run_id), **options)
    assert response.status_code == 200
    return str(response.content.decode())


def test_viewer_sees_the_run_beside_its_trace(viewer: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    html = page(viewer, project, sent[0]["id"])
    assert "Where is it?" in html
    assert "On its way." in html
    assert "lookup" in html
    assert "prod" in html


def test_anonymous_must_sign_in(client: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    assert client.get(url(project, sent[0]["id"])).status_code == 302


def test_outsider_gets_404(client: Client, charlie: User, project: Project, sent: list[dict[str, Json]]) -> None:
    client.force_login(charlie)
    assert client.get(url(project, sent[0]["id"])).status_code == 404


def test_a_run_of_another_project_is_404(viewer: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    other = ProjectFactory.create(workspace=project.workspace)
    assert viewer.get(url(other, sent[0]["id"])).status_code == 404


def test_an_unknown_run_is_404(viewer: Client, project: Project) -> None:
    assert viewer.get(url(project, uuid.uuid4())).status_code == 404


def test_the_link_that_the_sdk_prints_works(viewer: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    link = f"/o/{project.workspace_id}/projects/p/{project.pk}/r/{sent[1]['id']}"
    response = viewer.get(link, {"poll": "true"})
    assert response.status_code == 200
    assert response.context["shown"].run.name == "lookup"


def test_a_run_leads_back_to_its_turn(viewer: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    assert f"/t/sally?trace={sent[0]['id']}" in page(viewer, project, sent[1]["id"])


def test_the_panel_has_tree_and_run_without_the_page(
    viewer: Client, project: Project, sent: list[dict[str, Json]]
) -> None:
    html = page(viewer, project, sent[0]["id"], headers=PANEL)
    assert "<html" not in html
    assert "data-panel-close" in html
    assert "lookup" in html
    assert "Where is it?" in html


def test_picking_a_run_swaps_only_the_pane(viewer: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    html = page(viewer, project, sent[1]["id"], headers=PANE)
    assert html.strip().startswith('<section id="run"')
    assert 'class="tree"' not in html


def test_what_a_tool_returns_is_shown_as_it_is(viewer: Client, workspace: Workspace) -> None:
    root = run()
    tool = run(parent=root, run_type="tool", outputs={"output": "def f():\n    **pass**"})
    html = page(viewer, send(workspace, root, tool), tool["id"])
    assert '<div class="role">output</div>' in html
    assert "def f():\n    **pass**</pre>" in html


def test_a_pending_run_says_so(viewer: Client, workspace: Workspace) -> None:
    pending = run(seconds=None)
    html = page(viewer, send(workspace, pending), pending["id"])
    assert "running for" in html
    assert "Not there yet." in html


def test_a_field_comes_raw_as_it_was_sent(viewer: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    response = viewer.get(url(project, sent[1]["id"], "inputs"))
    assert (response.content, response["Content-Type"]) == (b'{"order":7}', "application/json")


def test_markup_in_a_raw_field_is_not_sniffed(viewer: Client, workspace: Workspace) -> None:
    hostile = run(inputs={"x": "<script>alert(1)</script>"})
    response = viewer.get(url(send(workspace, hostile), hostile["id"], "inputs"))
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("field", ["metadata", "events", "pk", "project", "password"])
def test_only_payload_fields_that_were_sent_come_raw(
    viewer: Client, project: Project, sent: list[dict[str, Json]], field: str
) -> None:
    assert viewer.get(url(project, sent[0]["id"], field)).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("inputs.words[0]", 200),
        ("inputs.words", 404),
        ("outputs.words[0]", 404),
        ("inputs.words[9]", 404),
        ("no(path", 404),
    ],
)
def test_one_text_of_a_field_comes_as_plain_text(viewer: Client, workspace: Workspace, path: str, status: int) -> None:
    sent = run(inputs={"words": ["<script>alert(1)</script>"]})
    response = viewer.get(url(send(workspace, sent), sent["id"], "inputs"), {"path": path})
    assert response.status_code == status
    if status == 200:
        assert response.content == b"<script>alert(1)</script>"
        assert (response["Content-Type"], response["X-Content-Type-Options"]) == (
            "text/plain; charset=utf-8",
            "nosniff",
        )


def test_anonymous_gets_nothing_raw(client: Client, project: Project, sent: list[dict[str, Json]]) -> None:
    assert client.get(url(project, sent[0]["id"], "inputs")).status_code == 302


def test_outsider_gets_nothing_raw(
    client: Client, charlie: User, project: Project, sent: list[dict[str, Json]]
) -> None:
    client.force_login(charlie)
    assert client.get(url(project, sent[0]["id"], "inputs")).status_code == 404


@pytest.mark.parametrize(
    ("error", "head"),
    [
        ("ValueError: no", "ValueError: no"),
        ('Traceback (most recent call last):\n  File "x"\nKeyError: 1', "KeyError: 1"),
        ("RateLimit('429')\n\nTraceback (most recent call last):\n  File", "RateLimit('429')"),
        ("Error: js\n    at foo (x.js:1)", "Error: js"),
    ],
)
def test_an_error_begins_with_what_went_wrong(viewer: Client, workspace: Workspace, error: str, head: str) -> None:
    failed = run(error=error, outputs={})
    assert f'<p dir="auto">{escape(head)}</p>' in page(viewer, send(workspace, failed), failed["id"])
