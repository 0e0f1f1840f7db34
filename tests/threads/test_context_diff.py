from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.words import MAX_WORDS, words
from apps.threads.context_diff import Said, compare
from tests.factories import EPOCH
from tests.threads.wire import Json, run, send

SAID = st.builds(
    Said, st.sampled_from(["user", "assistant", "tool"]), st.sampled_from(["a", "b", "ab cd", "ab ce", ""])
)
HOSTILE = "<script>alert(1)</script>"


@given(st.lists(SAID, max_size=12), st.lists(SAID, max_size=12))
def test_the_changes_put_together_are_both_lists_again(before: list[Said], after: list[Said]) -> None:
    changes = compare(before, after)
    assert [change.before for change in changes if change.before] == before
    assert [change.after for change in changes if change.after] == after


@given(st.lists(SAID, max_size=12), st.lists(SAID, max_size=12))
def test_what_is_the_same_says_the_same(before: list[Said], after: list[Said]) -> None:
    for change in compare(before, after):
        assert (change.kind == "same") == (change.before == change.after)


@settings(deadline=None)
@given(st.text(max_size=200), st.text(max_size=200))
def test_the_pieces_put_together_are_both_texts_again(before: str, after: str) -> None:
    pieces = words(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "added") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "dropped") == after


def test_long_texts_are_not_compared_word_by_word() -> None:
    before = "word " * MAX_WORDS
    assert [piece.kind for piece in words(before, before + "more")] == ["dropped", "added"]


def test_a_rewritten_message_is_changed_and_not_dropped() -> None:
    old, new = Said("system", "Answer briefly and in English."), Said("system", "Answer briefly and in German.")
    assert [change.kind for change in compare([old], [new])] == ["changed"]


def test_what_was_dropped_stands_before_what_came_in_its_place() -> None:
    old = [Said("assistant", "xyz"), Said("tool", "12345")]
    new = [Said("assistant", "the answer"), Said("user", "thanks")]
    assert [change.kind for change in compare(old, new)] == ["dropped", "dropped", "added", "added"]


def say(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def turn(number: int, *messages: dict[str, str], **inputs: Json) -> list[dict[str, Json]]:
    start = EPOCH + timedelta(minutes=number)
    root = run(thread_id="sally", start=start)
    usage = {"prompt_tokens": 100 * number, "completion_tokens": 5, "total_tokens": 100 * number + 5}
    call = run("ChatOpenAI", parent=root, run_type="llm", start=start, inputs={"messages": list(messages), **inputs},
               outputs={"choices": [], "usage": usage})  # fmt: skip
    return [root, call]


def saw(client: Client, project: Project, trace_id: Json, **options: Json) -> str:
    response = client.get(reverse("threads:saw", args=[project.workspace_id, project.pk, trace_id]), **options)
    assert response.status_code == 200
    return str(response.content.decode())


SYSTEM = say("system", "Be brief.")
FIRST = [say("user", "I am Sally"), say("assistant", "Hello Sally")]


def test_dropped_history_is_said_plainly(viewer: Client, workspace: Workspace) -> None:
    second = turn(2, SYSTEM, say("user", "Who am I?"))
    html = saw(viewer, send(workspace, *turn(1, SYSTEM, *FIRST), *second), second[0]["id"])
    assert "2 messages that the model was given before are gone" in html
    assert "It is the beginning of the conversation" in html
    assert "100 → 200" in html


def test_nothing_dropped_is_said_plainly(viewer: Client, workspace: Workspace) -> None:
    second = turn(2, SYSTEM, *FIRST, say("user", "Who am I?"))
    html = saw(viewer, send(workspace, *turn(1, SYSTEM, *FIRST), *second), second[0]["id"])
    assert "Nothing was dropped" in html
    assert "1 new message" in html
    assert "2 messages the same" in html


def test_a_changed_system_prompt_shows_its_words(viewer: Client, workspace: Workspace) -> None:
    second = turn(2, say("system", "Be thorough."), *FIRST)
    html = saw(viewer, send(workspace, *turn(1, SYSTEM, *FIRST), *second), second[0]["id"])
    assert "<del>brief.</del><ins>thorough.</ins>" in html


def test_tools_that_came_and_went_are_named(viewer: Client, workspace: Workspace) -> None:
    def tools(*names: str) -> list[Json]:
        return [{"type": "function", "function": {"name": name}} for name in names]

    second = turn(2, SYSTEM, *FIRST, tools=tools("refund", "search"))
    project = send(workspace, *turn(1, SYSTEM, *FIRST, tools=tools("search", "cancel")), *second)
    html = saw(viewer, project, second[0]["id"])
    assert '<del class="pill bad"><bdi>cancel</bdi></del>' in html
    assert '<ins class="pill ok">+ <bdi>refund</bdi></ins>' in html


def test_the_first_turn_has_nothing_to_compare_with(viewer: Client, workspace: Workspace) -> None:
    first = turn(1, SYSTEM, *FIRST)
    assert "everything in it is new" in saw(viewer, send(workspace, *first), first[0]["id"])


def test_a_turn_without_a_model_call_says_so(viewer: Client, workspace: Workspace) -> None:
    lone = run(thread_id="sally")
    assert "no model call" in saw(viewer, send(workspace, lone), lone["id"])


def test_two_calls_of_a_turn_can_be_compared(viewer: Client, workspace: Workspace) -> None:
    sent = turn(1, SYSTEM, *FIRST)
    again = run("ChatOpenAI", parent=sent[0], run_type="llm", start=EPOCH + timedelta(minutes=2),
                inputs={"messages": [SYSTEM, *FIRST, say("tool", "found it")]}, outputs={})  # fmt: skip
    project = send(workspace, *sent, again)
    html = saw(viewer, project, sent[0]["id"], query_params={"call": again["id"], "with": sent[1]["id"]})
    assert "1 new message" in html


def test_the_panel_has_the_diff_without_the_page(viewer: Client, workspace: Workspace) -> None:
    first = turn(1, SYSTEM, *FIRST)
    headers = {"HX-Request": "true", "HX-Target": "panel"}
    html = saw(viewer, send(workspace, *first), first[0]["id"], headers=headers)
    assert "<html" not in html
    assert "data-panel-close" in html


def test_hostile_messages_are_only_text(viewer: Client, workspace: Workspace) -> None:
    second = turn(2, say("system", HOSTILE), say("user", HOSTILE), tools=[{"name": HOSTILE}])
    html = saw(viewer, send(workspace, *turn(1, SYSTEM, *FIRST), *second), second[0]["id"])
    assert "<script>alert" not in html


def test_inputs_too_large_to_compare_are_measured(viewer: Client, workspace: Workspace) -> None:
    first = turn(1, say("user", "x" * 5_000_000))
    assert "too large to be compared" in saw(viewer, send(workspace, *first), first[0]["id"])


def test_anonymous_must_sign_in(client: Client, workspace: Workspace) -> None:
    first = turn(1, SYSTEM)
    project = send(workspace, *first)
    assert client.get(reverse("threads:saw", args=[workspace.pk, project.pk, first[0]["id"]])).status_code == 302


@pytest.mark.usefixtures("outsider")
def test_outsider_gets_404(client: Client, workspace: Workspace) -> None:
    first = turn(1, SYSTEM)
    project = send(workspace, *first)
    assert client.get(reverse("threads:saw", args=[workspace.pk, project.pk, first[0]["id"]])).status_code == 404
