import csv
import io
import json
import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEntry, Workspace
from apps.projects.models import Project
from apps.threads import export as export_module
from apps.threads.view_paths import ThreadView
from tests.factories import EPOCH
from tests.threads.wire import Json, run, send, turns

HOSTILE = (
    '<script>alert(1)</script><img src="https://evil.example/x.png" onerror="alert(2)">![x](https://evil.example/y.png)'
)


def get(client: Client, project: Project, thread_id: str = "sally", **query: object) -> str:
    path = reverse("threads:export", args=[project.workspace_id, project.pk])
    response = client.get(path, {"thread": thread_id, **query})
    assert response.status_code == 200
    return b"".join(response).decode()  # type: ignore[arg-type]


def agent(question: str = "where is it?", answer: str = "at home", **fields: Json) -> list[dict[str, Json]]:
    root = run(
        thread_id="sally",
        inputs={"messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": question}]},
        outputs={"answer": answer},
        **fields,
    )
    tool = run("lookup", parent=root, run_type="tool", inputs={"id": 7}, outputs={"output": "on the shelf"})
    return [root, tool]


def test_the_page_offers_every_format(viewer: Client, workspace: Workspace) -> None:
    html = get(viewer, send(workspace, *turns("sally", 1)))
    assert re.findall(r'name="format" value="(\w+)"', html) == ["md", "html", "json", "jsonl", "csv"]


@pytest.mark.parametrize("query", [{}, {"format": "md"}])
def test_anonymous_must_sign_in(client: Client, workspace: Workspace, query: dict[str, str]) -> None:
    project = send(workspace, *turns("sally", 1))
    path = reverse("threads:export", args=[project.workspace_id, project.pk])
    assert client.get(path, {"thread": "sally", **query}).status_code == 302


@pytest.mark.parametrize("query", [{}, {"format": "md"}])
def test_outsider_gets_404(outsider: Client, workspace: Workspace, query: dict[str, str]) -> None:
    project = send(workspace, *turns("sally", 1))
    path = reverse("threads:export", args=[project.workspace_id, project.pk])
    assert outsider.get(path, {"thread": "sally", **query}).status_code == 404


def test_markdown_tells_the_conversation_in_order(viewer: Client, workspace: Workspace) -> None:
    text = get(viewer, send(workspace, *turns("sally", 3)), format="md")
    assert re.search(r"# sally.*Turn 1.*question 1.*answer 1.*Turn 2.*question 2.*answer 2.*Turn 3", text, re.DOTALL)


def test_a_thread_longer_than_one_batch_is_whole(
    viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "BATCH", 2)
    rows = list(
        csv.DictReader(io.StringIO(get(viewer, send(workspace, *turns("sally", 5)), format="csv").lstrip("\ufeff")))
    )
    assert [row["turn"] for row in rows] == ["1", "2", "3", "4", "5"]


def test_markdown_fences_what_would_end_a_fence(viewer: Client, workspace: Workspace) -> None:
    root, tool = agent()
    tool["outputs"] = {"output": "```\n# not a heading of ours"}
    assert "````\n```\n# not a heading of ours\n````" in get(viewer, send(workspace, root, tool), format="md")


def test_json_has_the_raw_payloads_and_the_steps(viewer: Client, workspace: Workspace) -> None:
    found = json.loads(get(viewer, send(workspace, *agent()), format="json"))
    (turn,) = found["turns"]
    assert turn["outputs"] == {"answer": "at home"}
    assert turn["steps"][0]["outputs"] == {"output": "on the shelf"}


def test_jsonl_is_a_chat_with_the_calls_between(viewer: Client, workspace: Workspace) -> None:
    (line,) = get(viewer, send(workspace, *agent()), format="jsonl").splitlines()
    messages = json.loads(line)["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "tool", "assistant"]
    assert messages[2]["tool_calls"][0]["function"] == {"name": "lookup", "arguments": '{"id":7}'}
    assert messages[3]["content"] == "on the shelf"


def test_the_system_prompt_is_not_repeated_with_each_turn(viewer: Client, workspace: Workspace) -> None:
    later = agent("and now?", start=EPOCH.replace(hour=13))
    assert get(viewer, send(workspace, *agent(), *later), format="md").count("be kind") == 1


@pytest.mark.parametrize("format_", ["md", "html", "json", "jsonl", "csv"])
def test_what_is_hidden_is_nowhere_in_the_file(viewer: Client, workspace: Workspace, format_: str) -> None:
    text = get(viewer, send(workspace, *agent()), format=format_, hide=["system", "tools"])
    assert "where is it?" in text
    assert "be kind" not in text
    assert "on the shelf" not in text


@pytest.mark.parametrize("format_", ["md", "html", "json", "jsonl", "csv"])
def test_addresses_are_masked_wherever_they_stand(viewer: Client, workspace: Workspace, format_: str) -> None:
    said = "write to sally@example.com"
    root = run(said, thread_id=said, inputs={"question": said}, outputs={"answer": said}, error=f"no {said}")
    tool = run(said, parent=root, run_type="tool", inputs={"to": said}, outputs={"output": said}, error=said)
    text = get(viewer, send(workspace, root, tool), said, format=format_, hide="mask")
    assert "write to •••" in text
    assert "sally@" not in text


@pytest.mark.parametrize("format_", ["md", "html", "json", "jsonl", "csv"])
def test_the_configured_paths_count(viewer: Client, workspace: Workspace, format_: str) -> None:
    root = run(thread_id="sally", inputs={"question": "wrong", "real": "the right words"}, outputs={"answer": "fine"})
    project = send(workspace, root)
    ThreadView.objects.create(project=project, inputs=[{"path": "inputs.real"}])
    text = get(viewer, project, format=format_, hide="system")
    assert "the right words" in text
    assert "wrong" not in text


def test_html_asks_no_server_for_anything(viewer: Client, workspace: Workspace) -> None:
    html = get(viewer, send(workspace, *agent(HOSTILE, HOSTILE)), format="html")
    assert "<script" not in html
    assert not re.search(r"<[a-z]+[^>]*\son\w+=", html)
    assert not re.search(r'<(img|link|iframe|source)[^>]*(src|href)="?(?!data:)', html)
    assert "default-src &#x27;none&#x27;" not in html
    assert "default-src 'none'" in html


def test_a_hostile_thread_id_stays_text(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("<script>alert(1)</script>/../x", 1))
    path = reverse("threads:export", args=[project.workspace_id, project.pk])
    response = viewer.get(path, {"thread": "<script>alert(1)</script>/../x", "format": "html"})
    assert "<script>" not in b"".join(response).decode()  # type: ignore[arg-type]
    assert response["Content-Disposition"] == 'attachment; filename="script-alert-1-script-..-x.html"'


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x"])
def test_csv_holds_no_formulas(viewer: Client, workspace: Workspace, text: str) -> None:
    project = send(workspace, *agent(text))
    (row,) = csv.DictReader(io.StringIO(get(viewer, project, format="csv", hide="system").lstrip("\ufeff")))
    assert row["input"] == f"'{text}"


def test_a_payload_past_the_cap_is_told_by_its_size(
    viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_module, "MAX_PAYLOAD", 50)
    root = run(thread_id="sally", inputs={"question": "short"}, outputs={"answer": "x" * 100})
    (turn,) = json.loads(get(viewer, send(workspace, root), format="json"))["turns"]
    assert turn["outputs"] == "(113 bytes, too large for a file)"


def test_a_turn_without_a_root_is_told(viewer: Client, workspace: Workspace) -> None:
    _, tool = agent()
    tool["extra"] = {"metadata": {"session_id": "sally"}}
    assert "## Turn 1" in get(viewer, send(workspace, tool), format="md")


def test_an_export_is_audited(viewer: Client, workspace: Workspace) -> None:
    get(viewer, send(workspace, *turns("sally", 1)), format="csv")
    entry = AuditEntry.objects.get(workspace=workspace)
    assert (entry.action, entry.target) == ("exported thread as CSV", "sally")
