import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import AuditEntry, User, Workspace
from apps.projects.models import Project
from apps.threads import configure as configure_module
from apps.threads.configure import configured_texts, preview
from apps.threads.configure_tree import MAX_BUTTONS, pick_tree
from apps.threads.models import Thread
from apps.threads.paths import PathError, parse
from apps.threads.view_paths import Paths, ThreadView
from tests.threads.wire import Json, run, send, turns

CHAT = {
    "messages": [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}],
    "inputs": {"a": 1},
}


def url(project: Project, thread_id: str = "sally") -> str:
    path = reverse("threads:configure", args=[project.workspace_id, project.pk])
    return f"{path}?thread={thread_id}"


def form(*inputs: str, outputs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    rows: dict[str, Any] = {}
    for side, paths in (("inputs", inputs), ("outputs", outputs)):
        rows |= {f"{side}_path": list(paths)} | {
            f"{side}_{name}": [""] * len(paths) for name in ("label", "run", "also")
        }
    return rows | more


def message(project: Project, client: Client) -> list[str]:
    html = client.get(reverse("threads:detail", args=[project.workspace_id, project.pk, "sally"])).content.decode()
    return [
        unescape(re.sub(r"<[^>]+>|\s+", " ", part)).strip() for part in re.findall(r'<div class="md.*?</div>', html)
    ]


@pytest.fixture
def editor(alice: User) -> Client:
    client = Client()
    client.force_login(alice)
    return client


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("messages[-1].content", "hello"),
        ("inputs.messages[-1].content", "hello"),
        ("inputs.a", 1),
        ("messages[*].content", ["be kind", "hello"]),
        ("messages[:1].role", ["system"]),
        ("messages[?role=='user'].content | [0]", "hello"),
        ("missing || messages[0].role", "system"),
        ("messages[9]", None),
        ("missing", None),
    ],
)
def test_a_path_leads_to_its_value(path: str, expected: Json) -> None:
    assert parse(path, "inputs").find(CHAT) == expected


@pytest.mark.parametrize(
    ("path", "position", "words"),
    [
        ("messages[", 9, "missing at the end"),
        ("messages..x", 9, "not expected"),
        ("a b", 2, "not expected"),
        ("length(@)", 0, "Functions"),
        ("[a, b]", 0, "path for each"),
        ("{a: b}", 0, "path for each"),
        ("a[::0]", 0, "step"),
        ("outputs.x", 0, "begins in the outputs"),
        ("x" * 301, 300, "at most 300"),
        ("[" * 41, 0, "at most 40"),
        ("é", 0, "not expected"),
    ],
)
def test_a_bad_path_is_told_with_its_place(path: str, position: int, words: str) -> None:
    with pytest.raises(PathError, match=words) as caught:
        parse(path, "inputs")
    assert caught.value.position == position


def test_what_a_path_may_look_at_is_bounded() -> None:
    assert parse("[*][*][*].a", "inputs").find([[["x"] * 60] * 60] * 60) is None


def test_the_first_choice_that_finds_something_counts() -> None:
    paths = Paths.of([{"path": "missing"}, {"path": "a"}, {"path": "b"}], [])
    assert [found.value for found in paths.find("inputs", "any", {"a": 1, "b": 2})] == [1]


def test_fields_are_shown_together_under_their_labels() -> None:
    paths = Paths.of([{"path": "a", "label": "One"}, {"path": "b", "label": "Two", "also": True}], [])
    assert [(found.label, found.value) for found in paths.find("inputs", "", {"a": 1, "b": 2})] == [
        ("One", 1),
        ("Two", 2),
    ]


def test_a_path_counts_only_for_runs_of_its_name() -> None:
    paths = Paths.of([{"path": "a", "run": "agent"}, {"path": "b"}], [])
    assert [paths.find("inputs", name, {"a": 1, "b": 2})[0].value for name in ("agent", "other")] == [1, 2]


def test_viewer_opens_the_page(viewer: Client, workspace: Workspace) -> None:
    assert viewer.get(url(send(workspace, *turns("sally", 2)))).status_code == 200


def test_the_page_opens_without_any_thread(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run())
    assert viewer.get(url(project, "")).status_code == 200


def test_anonymous_must_sign_in(client: Client, workspace: Workspace) -> None:
    assert client.get(url(send(workspace, *turns("sally", 1)))).status_code == 302


def test_outsider_gets_404(outsider: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    assert outsider.get(url(project)).status_code == 404
    assert outsider.post(url(project), form("a", do="save")).status_code == 404


def test_a_thread_of_another_project_is_404(viewer: Client, workspace: Workspace) -> None:
    send(workspace, *turns("sally", 1))
    other = send(workspace, run(thread_id="bob", project="q"))
    assert viewer.get(url(other)).status_code == 404


def test_what_is_saved_is_what_turns_show(editor: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", inputs={"question": "q", "real": "the words"}))
    editor.post(url(project), form("inputs.real", outputs=("nothing.here",), do="save"))
    assert message(project, editor) == ["the words", "hi"]


def test_messages_found_by_a_path_stay_messages(editor: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", inputs={"deep": {"list": CHAT["messages"]}, "x": 1}))
    ThreadView.objects.create(project=project, inputs=[{"path": "deep.list"}])
    assert message(project, editor) == ["be kind", "hello", "hi"]


def test_a_viewer_may_try_but_not_save(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    assert viewer.post(url(project), form("question")).status_code == 200
    assert viewer.post(url(project), form("question", do="save")).status_code == 403
    assert not ThreadView.objects.exists()


def test_a_path_with_a_mistake_is_not_saved_and_stays_in_the_form(editor: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    response = editor.post(url(project), form("question[", do="save"))
    html = response.content.decode()
    assert 'value="question["' in html
    assert "character 10" in html
    assert not ThreadView.objects.exists()


def test_saving_is_audited_and_leads_back(editor: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    response = editor.post(url(project), form("question", do="save"))
    assert response["Location"] == reverse("threads:detail", args=[workspace.pk, project.pk, "sally"])
    assert AuditEntry.objects.get().action == "configured what turns show"


def test_htmx_is_sent_to_the_page_that_changed(editor: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    response = editor.post(
        url(project), form("question", do="save"), headers={"HX-Request": "true", "HX-Target": "paths"}
    )
    assert response["HX-Redirect"] == reverse("threads:detail", args=[workspace.pk, project.pk, "sally"])


def test_reset_brings_the_heuristics_back(editor: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", inputs={"question": "q", "real": "the words"}))
    ThreadView.objects.create(project=project, inputs=[{"path": "real"}])
    editor.post(url(project), form("real", do="reset"))
    assert message(project, editor) == ["q", "hi"]


def test_a_picked_value_becomes_a_path(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", inputs=CHAT))
    html = unescape(viewer.get(url(project)).content.decode())
    (pick,) = re.findall(r'name="pick" value="(inputs messages\[-1\]\.content)"', html)
    after = viewer.post(url(project), form("", pick=pick)).content.decode()
    assert 'name="inputs_path" value="messages[-1].content"' in after


def test_a_row_is_dropped(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    html = viewer.post(url(project), form("one", "two", drop="inputs-0")).content.decode()
    assert re.findall(r'name="inputs_path" value="(\w*)"', html) == ["two", ""]


def test_the_preview_counts_the_threads_that_match(workspace: Workspace) -> None:
    runs = [run(thread_id=f"t{n}", inputs={"real" if n % 2 else "question": f"words {n}"}) for n in range(5)]
    found = preview(send(workspace, *runs), Paths.of([{"path": "real"}], []))
    assert found.counts == [("2 of 5", "input")]
    assert {shown.text: shown.matched for _, shown, _ in found.threads} == {f"words {n}": n % 2 == 1 for n in range(5)}


def test_only_what_changed_is_sent_while_one_types(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    headers = {"HX-Request": "true", "HX-Target": "preview"}
    html = viewer.post(url(project), form("question[", outputs=("answer",)), headers=headers).content.decode()
    assert "<form" not in html
    assert 'id="inputs-0-problem" class="problem" hx-swap-oob="true"' in html
    assert "1 of 1" in re.sub(r"<[^>]+>", "", html)


def test_the_list_shows_the_configured_texts(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", inputs={"question": "q", "real": "the words"}))
    ThreadView.objects.create(project=project, inputs=[{"path": "real"}])
    html = viewer.get(reverse("threads:list", args=[workspace.pk, project.pk])).content.decode()
    assert "the words" in html


def test_the_configured_texts_of_a_page_take_the_same_queries_at_10_and_at_20(workspace: Workspace) -> None:
    project = send(workspace, *(run(thread_id=f"t{n}") for n in range(20)))
    ThreadView.objects.create(project=project, inputs=[{"path": "question"}])
    counts = []
    for many in (10, 20):
        threads = list(Thread.objects.in_project(project).for_table()[:many])
        with CaptureQueriesContext(connection) as queries:
            assert len(configured_texts(project, threads)) == many
        counts.append(len(queries))
    assert counts[0] == counts[1] == 2


def test_a_large_payload_is_not_read_for_one_line(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configure_module, "MAX_FRAME", 40)
    project = send(
        workspace, run(thread_id="sally", inputs={"question": "short", "real": "".join(map(chr, range(200, 400)))})
    )
    ThreadView.objects.create(project=project, inputs=[{"path": "real"}])
    thread = Thread.objects.get()
    assert configured_texts(project, [thread]) == {"sally": ("short", "hi")}


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a key": 1}, '"a key"'),
        ({'"': {"b": 1}}, '"\\"".b'),
        ([1, [2]], "[1][0]"),
        ("text", "@"),
    ],
)
def test_a_picked_path_leads_back(value: Json, path: str) -> None:
    picks = re.findall(r'value="inputs ([^"]+)"', str(pick_tree(value, "inputs")))
    assert path in [unescape(pick) for pick in picks]
    assert parse(path, "inputs").find(value) is not None


def test_a_hostile_value_is_text_and_the_tree_is_bounded() -> None:
    value = {f"<script>{n}</script>": ["<img onerror=x>" * 100] * 200 for n in range(200)}
    html = str(pick_tree(value, "inputs"))
    assert "<script" not in html
    assert "<img" not in html
    assert html.count('class="pick"') <= MAX_BUTTONS


def test_a_preview_of_hostile_payloads_is_shown_as_text(viewer: Client, workspace: Workspace) -> None:
    deep: Json = "bottom"
    for _ in range(150):
        deep = [deep]
    project = send(workspace, run(thread_id="sally", inputs={"x": "<script>alert(1)</script>", "deep": deep}))
    html = viewer.post(url(project), form("x", "deep")).content.decode()
    assert "<script>alert" not in html


def test_without_a_thread_the_sample_is_of_the_latest(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", inputs={"question": "the latest of all"}))
    assert "the latest of all" in viewer.get(url(project, "")).content.decode()
