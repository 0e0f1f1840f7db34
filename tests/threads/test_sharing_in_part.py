"""Threads shared in part: what was left out is nowhere, and no run can be opened."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Role, Workspace
from apps.projects.models import Project
from apps.threads.shared import SharedLink
from tests.factories import MembershipFactory
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

type Wire = dict[str, Any]

PROMPT, ANSWERED, ADDRESS = "be kind and give no refunds", "the tool's secret", "sally@example.com"


@pytest.fixture
def anonymous() -> Client:
    return Client()


@pytest.fixture
def editor(workspace: Workspace) -> Client:
    client = Client()
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.EDITOR).user)
    return client


def share_url(project: Project) -> str:
    return f"/o/{project.workspace_id}/projects/p/{project.pk}/share?thread=talk"


@pytest.fixture
def told(workspace: Workspace) -> tuple[Project, Wire]:
    """A conversation with a system prompt and an address, and its tool, which answered."""
    messages = [{"role": "system", "content": PROMPT}, {"role": "user", "content": f"I am {ADDRESS}"}]
    said = [
        {"role": "tool", "tool_call_id": "1", "content": ANSWERED},
        {"role": "assistant", "content": "Hello there"},
    ]
    top = run("agent", thread_id="talk", inputs={"messages": messages}, outputs={"messages": [*messages, *said]})
    tool = run("look up", parent=top, run_type="tool", inputs={"of": ADDRESS}, outputs={"output": ANSWERED})
    return send(workspace, top, tool), tool


def shared_in_part(editor: Client, project: Project, *hide: str) -> str:
    editor.post(share_url(project), {"hide": hide})
    return SharedLink.objects.get().path


def test_what_was_left_out_of_a_shared_thread_is_nowhere(
    editor: Client, anonymous: Client, told: tuple[Project, Wire]
) -> None:
    project, tool = told
    place = shared_in_part(editor, project, "system", "tools", "mask")
    html = anonymous.get(place).content.decode()
    assert "Hello there" in html
    assert "look up" in html
    assert "I am •••" in html
    for query in ("", "?view=trace", "?find=secret", f"?view=trace&run={tool['id']}", "?order=newest"):
        for headers in ({}, *({"hx-request": "true", "hx-target": name} for name in ("run", "panel", "later"))):
            html = anonymous.get(place + query, headers=headers).content.decode()
            assert not any(secret in html for secret in (PROMPT, ANSWERED, ADDRESS))
            assert f"{place}/" not in html


def test_a_thread_shared_in_part_opens_no_run(editor: Client, anonymous: Client, told: tuple[Project, Wire]) -> None:
    project, tool = told
    place = shared_in_part(editor, project, "system")
    token = SharedLink.objects.get().token
    for path in (f"{place}/{tool['id']}", f"{place}/{tool['id']}/outputs.json", f"/public/{token}/run"):
        assert anonymous.get(path).status_code == 404
    assert anonymous.get(f"/api/v2/public/{token}/run/{tool['id']}").status_code == 404
    listed = anonymous.post(f"/public/{token}/runs/query", {}, "application/json")
    assert listed.json()["runs"] == []


@pytest.mark.parametrize(("hide", "shown"), [("system", ADDRESS), ("mask", "Hello there")])
def test_only_what_was_chosen_is_left_out(
    editor: Client, anonymous: Client, told: tuple[Project, Wire], hide: str, shown: str
) -> None:
    assert shown in anonymous.get(shared_in_part(editor, told[0], hide)).content.decode()


def test_it_is_told_what_a_link_leaves_out(editor: Client, anonymous: Client, told: tuple[Project, Wire]) -> None:
    project, _ = told
    place = shared_in_part(editor, project, "system", "nonsense")
    assert "Left out: system prompts." in editor.get(share_url(project)).content.decode()
    assert "left out system prompts" in anonymous.get(place).content.decode()
    assert "in part" in editor.get(f"/o/{project.workspace_id}/settings/shared").content.decode()
