import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.place import Place
from apps.threads import find as module
from apps.threads.access import thread_or_404
from apps.threads.find import Found, find
from tests.factories import EPOCH
from tests.threads.wire import Json, run, send, turns


def found(project: Project, words: str, **asked: str) -> Found:
    place = Place("/t", {"find": words, **asked}, in_thread=True)
    return find(thread_or_404(project, "sally"), place, "overview")


def places(found: Found) -> list[tuple[int, str, str]]:
    return [(hit.turn, hit.name, hit.side) for hit in found.hits]


def page(client: Client, project: Project, **query: object) -> str:
    response = client.get(reverse("threads:detail", args=[project.workspace_id, project.pk, "sally"]), query)
    assert response.status_code == 200
    return str(response.content.decode())


def with_tool(number: int, **fields: Json) -> list[dict[str, Json]]:
    start = EPOCH + timedelta(minutes=number)
    root = run(thread_id="sally", start=start)
    return [root, run("lookup", parent=root, run_type="tool", start=start, **fields)]


def test_names_errors_inputs_and_outputs_of_all_runs_are_looked_into(workspace: Workspace) -> None:
    project = send(
        workspace,
        *with_tool(1, inputs={"order": "kumquat"}, outputs={"output": "two Kumquats"}),
        *with_tool(2, error="KeyError: kumquat"),
        run("kumquat", thread_id="sally", start=EPOCH + timedelta(minutes=3)),
    )
    assert places(found(project, "kumquat")) == [
        (1, "lookup", "inputs"),
        (1, "lookup", "outputs"),
        (2, "lookup", "error"),
        (3, "kumquat", "name"),
    ]


def test_other_threads_are_not_looked_into(workspace: Workspace) -> None:
    theirs = run(thread_id="bob", inputs={"question": "kumquat"})
    assert places(found(send(workspace, *turns("sally", 1), theirs), "kumquat")) == []


def test_words_stand_one_after_another(workspace: Workspace) -> None:
    project = send(workspace, *with_tool(1, inputs={"a": "red  apple"}), *with_tool(2, inputs={"a": "apple, red"}))
    assert places(found(project, "Red apple")) == [(1, "lookup", "inputs")]


def test_signs_of_a_pattern_are_only_signs(workspace: Workspace) -> None:
    project = send(workspace, *with_tool(1, inputs={"a": "100%_\\"}), *with_tool(2, inputs={"a": "100 percent"}))
    assert places(found(project, "%_\\")) == [(1, "lookup", "inputs")]


def test_metadata_is_not_taken_for_a_place(workspace: Workspace) -> None:
    assert places(found(send(workspace, *turns("sally", 1)), "sally")) == []


def test_history_sent_again_is_found_once(workspace: Workspace) -> None:
    first = {"role": "user", "content": "about kumquats"}
    second = [first, {"role": "assistant", "content": "yes?"}, {"role": "user", "content": "go on"}]
    project = send(
        workspace,
        run(thread_id="sally", inputs={"messages": [first]}),
        run(thread_id="sally", inputs={"messages": second}, start=EPOCH + timedelta(minutes=1)),
    )
    assert [hit.turn for hit in found(project, "kumquats").hits] == [1]


def test_what_lies_past_the_index_is_found_in_the_run(workspace: Workspace) -> None:
    long = "word " * 3_000 + "kumquat"
    project = send(workspace, *with_tool(1, outputs={"output": long}))
    assert places(found(project, "kumquat")) == [(1, "lookup", "outputs")]


def test_long_runs_past_the_cap_are_said_to_be_left_out(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LONG", 1)
    long = {"output": "word " * 3_000 + "kumquat"}
    project = send(workspace, *with_tool(1, outputs=long), *with_tool(2, outputs=long))
    answer = found(project, "kumquat")
    assert len(answer.hits) == 1
    assert "1 long runs may have more places" in answer.limits[0]


def test_it_says_where_it_stopped(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_HITS", 2)
    answer = found(send(workspace, *turns("sally", 4)), "question")
    assert (len(answer.hits), answer.limits) == (2, ["Stopped after 2 places."])


def test_hits_are_counted_by_turn(workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 2), *with_tool(9, inputs={"a": "question"}, outputs={"a": "question"}))
    assert [(turn.number, turn.count, turn.at) for turn in found(project, "question").turns] == [
        (1, 1, 1),
        (2, 1, 2),
        (3, 2, 3),
    ]


@pytest.mark.parametrize(
    ("asked", "at"),
    [({}, 1), ({"turn": "2"}, 2), ({"hit": "3"}, 3), ({"hit": "99"}, 3), ({"hit": "x"}, 1)],
)
def test_the_reader_comes_to_the_place_asked_for(workspace: Workspace, asked: dict[str, str], at: int) -> None:
    assert found(send(workspace, *turns("sally", 3)), "question", **asked).at == at


def test_after_the_last_place_comes_the_first(workspace: Workspace) -> None:
    answer = found(send(workspace, *turns("sally", 3)), "question", hit="3")
    assert "hit=1" in answer.next
    assert "hit=2" in answer.previous


def test_a_hit_leads_to_its_window_and_its_run(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 40))
    html = page(viewer, project, find="question 35", view="trace")
    assert 'id="turn-35"' in html
    assert "<mark>question 35</mark>" in html
    assert unescape(html).count("inputs.question") >= 1


def test_a_place_can_be_linked(viewer: Client, workspace: Workspace) -> None:
    html = unescape(page(viewer, send(workspace, *turns("sally", 40)), find="question", turn=35))
    (link,) = re.findall(r'data-copy-text="http://testserver([^"#]+)', html)
    assert "hit=35" in link
    assert 'data-turn="35"' in unescape(viewer.get(link).content.decode())


def test_the_overview_has_the_same_hits(viewer: Client, workspace: Workspace) -> None:
    html = page(viewer, send(workspace, *turns("sally", 3)), find="question 2")
    assert re.search(r"<b>1</b> of 1 place in 1 turn", html)
    assert "Turn 2 <b>1</b>" in html


def test_nothing_found_is_said_so(viewer: Client, workspace: Workspace) -> None:
    assert "No run of this thread says" in page(viewer, send(workspace, *turns("sally", 1)), find="kumquat")


@pytest.mark.parametrize("words", ["\0", " ", "<script>alert(1)</script>", "%" * 500, "'; drop table"])
def test_hostile_words_do_no_harm(viewer: Client, workspace: Workspace, words: str) -> None:
    assert "<script>alert" not in page(viewer, send(workspace, *turns("sally", 1)), find=words)


def test_a_shared_thread_can_be_looked_into(client: Client, alice: object, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 2))
    client.force_login(alice)  # type: ignore[arg-type]
    share = reverse("threads:share", args=[workspace.pk, project.pk]) + "?thread=sally"
    client.post(share)
    link = re.search(r"/public/[0-9a-f-]+/r", client.get(share).content.decode())
    assert link
    client.logout()
    html = client.get(link[0], {"find": "question 2"}).content.decode()
    assert "Turn 2 <b>1</b>" in html
    assert link[0] in html
