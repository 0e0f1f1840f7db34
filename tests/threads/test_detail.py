import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.threads import thread_page
from apps.threads import turns as turns_module
from tests.factories import EPOCH, ProjectFactory
from tests.threads.test_converters import HOSTILE as HOSTILE_IDS
from tests.threads.wire import Json, run, send, turns

HOSTILE = '<script>alert(1)</script><svg onload="alert(2)">[x](javascript:alert(3))'


def url(project: Project, thread_id: str) -> str:
    return reverse("threads:detail", args=[project.workspace_id, project.pk, thread_id])


def page(client: Client, project: Project, thread_id: str = "sally", **query: object) -> str:
    response = client.get(url(project, thread_id), query)
    assert response.status_code == 200
    return str(response.content.decode())


def numbers(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<article class="turn[^"]*" id="turn-(\d+)"', html)]


def agent(thread_id: str = "sally", **fields: Json) -> list[dict[str, Json]]:
    """A turn with a retriever, a tool and a model call."""
    root = run(thread_id=thread_id, **fields)
    begin = fields.get("start", EPOCH)

    def child(at: int, name: str, **fields: Json) -> dict[str, Json]:
        return run(name, parent=root, start=begin + timedelta(milliseconds=at), **fields)

    return [
        root,
        child(1, "search_orders", run_type="tool", inputs={"customer": "sally"}, outputs={"output": "2 rows"}),
        child(2, "docs", run_type="retriever", outputs={"documents": [{"page_content": "A page", "metadata": {}}]}),
        child(3, "ChatOpenAI", run_type="llm", outputs={"choices": []}),
    ]


def test_viewer_reads_the_conversation(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 3))
    html = page(viewer, project)
    assert numbers(html) == [1, 2, 3]
    assert re.search(r"question 1.*answer 1.*question 2.*answer 2", html, re.DOTALL)


def test_anonymous_must_sign_in(client: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    assert client.get(url(project, "sally")).status_code == 302


def test_outsider_gets_404(outsider: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    assert outsider.get(url(project, "sally")).status_code == 404


def test_a_thread_of_another_project_is_404(viewer: Client, workspace: Workspace) -> None:
    send(workspace, *turns("sally", 1))
    assert viewer.get(url(ProjectFactory.create(workspace=workspace), "sally")).status_code == 404


@pytest.mark.parametrize("thread_id", [one for one in HOSTILE_IDS if len(one) < 512])
def test_a_thread_with_any_id_opens(viewer: Client, workspace: Workspace, thread_id: str) -> None:
    project = send(workspace, *turns(thread_id, 1))
    assert escape(thread_id) in page(viewer, project, thread_id)


def test_history_sent_again_is_hidden_and_can_be_shown(viewer: Client, workspace: Workspace) -> None:
    history = [{"role": "user", "content": "first words"}, {"role": "assistant", "content": "reply"}]
    last = run(thread_id="sally", inputs={"messages": [*history, {"role": "user", "content": "new words"}]})
    project = send(workspace, last)
    html = page(viewer, project)
    assert "new words" in html
    assert "first words" not in html
    assert "2 earlier messages hidden" in html
    shown = viewer.get(reverse("runs:detail", args=[workspace.pk, project.pk, last["id"]]), {"part": "history"})
    assert "first words" in shown.content.decode()
    assert "new words" not in shown.content.decode()


def test_tools_and_retrievers_are_cards_between_question_and_answer(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *agent())
    html = page(viewer, project)
    assert "customer=&quot;sally&quot;" in html
    assert html.index("hello") < html.index("search_orders") < html.index(">docs<") < html.index(">hi<")


def opened(client: Client, project: Project, run_id: str) -> str:
    """What a step's card loads."""
    response = client.get(reverse("runs:detail", args=[project.workspace_id, project.pk, run_id]), {"part": "step"})
    return str(response.content.decode())


def test_a_card_opens_to_arguments_and_result(viewer: Client, workspace: Workspace) -> None:
    sent = agent()
    project = send(workspace, *sent)
    html = opened(viewer, project, sent[1]["id"])
    assert '<span class="key">customer</span>' in html
    assert "2 rows" in html
    assert "<html" not in html


def test_a_retriever_opens_to_its_documents(viewer: Client, workspace: Workspace) -> None:
    sent = agent()
    project = send(workspace, *sent)
    assert "A page" in opened(viewer, project, sent[2]["id"])


def test_a_failed_tool_opens_to_its_error(viewer: Client, workspace: Workspace) -> None:
    sent = agent()
    sent[1]["error"] = "TimeoutError: 10 s"
    project = send(workspace, *sent)
    assert "TimeoutError: 10 s" in opened(viewer, project, sent[1]["id"])


def test_the_answer_names_the_models_behind_it(viewer: Client, workspace: Workspace) -> None:
    sent = agent()
    sent[3]["extra"]["metadata"]["ls_model_name"] = "gpt-4o-mini"
    project = send(workspace, *sent)
    assert re.search(r'class="role">assistant <bdi class="faint">gpt-4o-mini</bdi>', page(viewer, project))


def test_steps_that_were_not_read_are_said_to_be_missing(
    viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (thread_page, turns_module):
        monkeypatch.setattr(module, "MOST_STEPS", 2)
    project = send(workspace, *agent(), *agent(start=EPOCH + timedelta(minutes=1)))
    html = page(viewer, project)
    assert html.count("Its steps are not listed here") == 1
    assert html.count("search_orders") == 1


def test_calls_are_not_told_twice_where_their_runs_are_shown(viewer: Client, workspace: Workspace) -> None:
    calls = [{"id": "1", "function": {"name": "search_orders", "arguments": "{}"}}]
    outputs = {
        "messages": [
            {"role": "assistant", "content": "", "tool_calls": calls},
            {"role": "assistant", "content": "done"},
        ]
    }
    project = send(workspace, *agent(outputs=outputs))
    html = page(viewer, project)
    assert html.count("search_orders") == 1
    assert "done" in html


def test_an_error_is_said_plainly_with_its_stack_folded(viewer: Client, workspace: Workspace) -> None:
    error = 'Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no such order'
    project = send(workspace, run(thread_id="sally", error=error, outputs={}))
    html = page(viewer, project)
    assert '<p dir="auto">ValueError: no such order</p>' in html
    assert "<summary>Stack trace</summary>" in html


def test_a_turn_that_runs_says_for_how_long(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, run(thread_id="sally", seconds=None))
    assert "running for" in page(viewer, project)


def test_a_turn_whose_root_is_missing_says_so(viewer: Client, workspace: Workspace) -> None:
    _, child, *_ = agent()
    child["extra"]["metadata"]["session_id"] = "sally"
    project = send(workspace, child)
    assert "root run of this trace has not arrived" in page(viewer, project)


def test_a_pause_between_turns_is_told(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 2, apart=timedelta(hours=3)))
    assert "2 h 59 min later" in page(viewer, project)


def test_coverage_is_explained_when_not_all_runs_carry_the_id(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *agent())
    assert "1 of 4 runs" in page(viewer, project)


def test_full_coverage_needs_no_words(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 2))
    assert "Thread id carried by" not in page(viewer, project)


def test_a_long_thread_opens_at_its_first_turns(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 65))
    html = page(viewer, project)
    assert numbers(html) == list(range(1, 11))
    assert "?turn=11" in html


@pytest.mark.parametrize(
    ("turn", "first", "last"),
    [("21", 21, 30), ("35", 31, 40), ("65", 61, 65), ("900", 61, 65), ("x", 1, 10), ("-4", 1, 10)],
)
def test_the_window_with_a_turn_is_shown(
    viewer: Client, workspace: Workspace, turn: str, first: int, last: int
) -> None:
    project = send(workspace, *turns("sally", 65))
    assert numbers(page(viewer, project, turn=turn)) == list(range(first, last + 1))


def test_a_trace_leads_to_its_turn(viewer: Client, workspace: Workspace) -> None:
    sent = turns("sally", 35)
    project = send(workspace, *sent)
    assert numbers(page(viewer, project, trace=sent[32]["id"]))[0] == 31


def test_later_turns_are_appended_by_htmx(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 65))
    headers = {"HX-Request": "true", "HX-Target": "later"}
    html = viewer.get(url(project, "sally"), {"turn": 21}, headers=headers).content.decode()
    assert numbers(html) == list(range(21, 31))
    assert "<html" not in html
    assert 'id="later"' in html
    assert 'id="earlier"' not in html


def test_earlier_turns_are_prepended_by_htmx(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 65))
    headers = {"HX-Request": "true", "HX-Target": "earlier"}
    html = viewer.get(url(project, "sally"), {"turn": 21}, headers=headers).content.decode()
    assert html.index('id="earlier"') < html.index('id="turn-21"')
    assert 'id="later"' not in html


@pytest.mark.parametrize("view", ["overview", "trace"])
def test_the_page_costs_the_same_queries_at_5_and_10_turns(
    viewer: Client, workspace: Workspace, count_queries: Callable[[Callable[[], object]], int], view: str
) -> None:
    def fill(first: int) -> None:
        for number in range(first, first + 5):
            send(workspace, *agent(start=EPOCH + timedelta(minutes=number)))

    fill(0)
    project = Project.objects.get(name="p")
    page(viewer, project, view=view)
    five = count_queries(lambda: page(viewer, project, view=view))
    fill(5)
    assert count_queries(lambda: page(viewer, project, view=view)) == five


def test_the_trace_view_shows_all_turns_as_one_tree(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *agent(), *agent(start=EPOCH + timedelta(minutes=1)))
    html = page(viewer, project, view="trace")
    assert html.count('class="branch"') == 2
    assert html.count('class="d1"') == 6


def test_the_turn_asked_for_is_the_one_picked(viewer: Client, workspace: Workspace) -> None:
    second = agent(start=EPOCH + timedelta(minutes=1))
    project = send(workspace, *agent(), *second)
    assert f'<code id="run-id">{second[0]["id"]}</code>' in page(viewer, project, view="trace", turn=2)


def test_both_views_lead_to_the_same_turn_in_the_other(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 3))
    assert "?view=trace&amp;turn=2#turn-2" in page(viewer, project, turn=2)
    assert "?turn=2#turn-2" in page(viewer, project, view="trace", turn=2)


def test_a_run_is_picked_by_its_url(viewer: Client, workspace: Workspace) -> None:
    sent = agent()
    project = send(workspace, *sent)
    html = page(viewer, project, view="trace", run=sent[1]["id"])
    assert f'<code id="run-id">{sent[1]["id"]}</code>' in html


def test_htmx_gets_only_the_run(viewer: Client, workspace: Workspace) -> None:
    sent = agent()
    project = send(workspace, *sent)
    headers = {"HX-Request": "true", "HX-Target": "run"}
    html = viewer.get(url(project, "sally"), {"view": "trace", "run": sent[1]["id"]}, headers=headers).content.decode()
    assert html.strip().startswith('<section id="run"')
    assert "search_orders" in html


@pytest.mark.parametrize("picked", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_a_run_that_is_not_there_is_said_so(viewer: Client, workspace: Workspace, picked: str) -> None:
    project = send(workspace, *agent())
    assert "No such run" in page(viewer, project, view="trace", run=picked)


def test_a_run_of_another_workspace_cannot_be_picked(viewer: Client, workspace: Workspace, outsider: Client) -> None:
    theirs = run("secret", thread_id="theirs")
    send(ProjectFactory.create().workspace, theirs)
    project = send(workspace, *agent())
    viewer.force_login(workspace.memberships.get().user)
    assert "No such run" in page(viewer, project, view="trace", run=theirs["id"])


def test_hostile_content_is_only_text(viewer: Client, workspace: Workspace) -> None:
    root = run(
        HOSTILE,
        thread_id="sally",
        inputs={"question": HOSTILE, HOSTILE: 1},
        outputs={"answer": HOSTILE},
        tags=[HOSTILE],
    )
    root["extra"]["metadata"][HOSTILE] = HOSTILE
    tool = run(HOSTILE, parent=root, run_type="tool", inputs={HOSTILE: HOSTILE}, outputs={"output": HOSTILE})
    failed = run(HOSTILE, parent=root, run_type="tool", error=HOSTILE)
    project = send(workspace, root, tool, failed)
    for view in ("overview", "trace"):
        html = page(viewer, project, view=view)
        assert "&lt;script&gt;alert(1)" in html
        for mark in ("<script>alert", "<svg onload", 'href="javascript'):
            assert mark not in html
    for sent in (tool, failed):
        html = opened(viewer, project, sent["id"])
        assert "&lt;script&gt;alert(1)" in html
        assert "<script>alert" not in html


def polled(client: Client, html: str) -> str:
    found = re.search(r'hx-get="([^"]*part=newer[^"]*)"', html)
    assert found is not None
    return str(client.get(unescape(found[1])).content.decode())


def test_the_page_learns_of_a_new_turn(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 2))
    html = page(viewer, project)
    assert "New activity" not in polled(viewer, html)
    send(workspace, run(thread_id="sally", start=EPOCH + timedelta(hours=1)))
    assert "?turn=3" in polled(viewer, html)


def test_the_page_learns_that_a_turn_has_ended(viewer: Client, workspace: Workspace) -> None:
    pending = run(thread_id="sally", seconds=None)
    html = page(viewer, send(workspace, pending))
    send(workspace, pending | {"end_time": (EPOCH + timedelta(seconds=9)).isoformat(), "outputs": {"answer": "done"}})
    assert "New activity" in polled(viewer, html)


def test_a_poll_that_found_something_goes_on_from_what_the_page_shows(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *turns("sally", 1))
    html = page(viewer, project)
    send(workspace, run(thread_id="sally", start=EPOCH + timedelta(hours=1)))
    assert "New activity" in polled(viewer, polled(viewer, html))


def test_neighbours_are_those_of_the_table(viewer: Client, workspace: Workspace) -> None:
    project = send(
        workspace, *(run(thread_id=name, start=EPOCH + timedelta(minutes=n)) for n, name in enumerate("abc"))
    )
    beside = viewer.get(url(project, "b")).context["beside"]
    assert (beside.above, beside.below) == ("c", "a")


def test_the_first_and_the_last_thread_have_one_neighbour(viewer: Client, workspace: Workspace) -> None:
    project = send(workspace, *(run(thread_id=name, start=EPOCH) for name in "ab"))
    found = [viewer.get(url(project, name)).context["beside"] for name in "ab"]
    assert [(beside.above is None) + (beside.below is None) for beside in found] == [1, 1]


def test_an_oversize_answer_is_offered_not_shown(viewer: Client, workspace: Workspace) -> None:
    sent = run(thread_id="sally", outputs={"answer": "y" * 600_000})
    project = send(workspace, sent)
    html = page(viewer, project)
    assert "too large for this page" in html
    assert f"{sent['id']}/outputs.json" in html
    assert len(html) < 100_000
