"""What search() finds in the texts of runs, before the worker has indexed them and after."""

from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs import payload
from apps.runs.ingest.deliver import deliver
from apps.runs.ingest.store import delete_traces
from apps.runs.models import Run
from apps.runs.query.parse import parse
from apps.runs.search import index
from apps.runs.search.models import SearchPending, SearchText
from apps.runs.search.text import MAX_SIDE
from tests.factories import EPOCH, WorkspaceFactory

pytestmark = pytest.mark.django_db


def send(workspace: Workspace, **fields: Any) -> str:
    """A run of a trace of its own unless told otherwise; its id."""
    run = {"id": str(uuid4()), "name": "agent", "run_type": "chain", "session_name": "p", **fields}
    deliver(workspace, [run])
    return str(run["id"])


def found(workspace: Workspace, text: str) -> set[str]:
    return {str(run.id) for run in Run.objects.in_workspace(workspace).matching(parse(text))}


def settle() -> None:
    """What the worker does a moment later."""
    SearchPending.objects.update(marked_at=EPOCH)
    index.index_settled()


@pytest.fixture
def workspace() -> Workspace:
    return WorkspaceFactory()


def quoted(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


TEXT = (
    "Order 4711-B costs $12.50, see https://docs.example.com/manual/173?lang=de#top. 東京の天気は晴れです。 한국어 검색 "
    'שלום עולם مرحبا ÉCOLE Straße 🎉 100%_sure C:\\temp "quoted" it\'s f(x)=y a1b2c3d4e5'
)


@pytest.mark.parametrize(
    "words",
    [
        "order", "ORDER", "rde", "4711", "4711-b", "711", "$12.50", "https://docs.example.com/manual/173", "example.com/man",
        "manual/173?lang=de#top", "東京", "東", "東京の天気", "気は晴れで", "です。", "한국", "검색", "שלום", "עולם שלום", "مرحبا",
        "école", "STRASSE", "straße", "🎉", "100%", "100%_sure", "%_", "_", "c:\\temp", "\\", '"quoted"', "it's", "f(x)=y", "b2c3",
        "order 東京 🎉 quoted", "b",
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", ["inputs", "outputs"])
@pytest.mark.parametrize("indexed", [False, True], ids=["fresh", "indexed"])
def test_a_text_is_found_fresh_and_indexed(workspace: Workspace, words: str, side: str, indexed: bool) -> None:
    run = send(workspace, **{side: {"question": TEXT}})
    send(workspace, inputs={"question": "zzz"}, outputs={"answer": "zzz"}, name="zzz")
    if indexed:
        settle()
        assert not SearchPending.objects.exists()
    assert found(workspace, f"search({quoted(words)})") >= {run}
    assert found(workspace, f"search({side}, {quoted(words)})") == {run}


@pytest.mark.parametrize(
    "words", ["orders", "4712", "东京", "京東", "天晴", "🎊", "100_", "c:/temp", "order missing", "b3c2"]
)
def test_a_text_that_is_not_there_is_not_found(workspace: Workspace, words: str) -> None:
    send(workspace, inputs={"question": TEXT})
    assert found(workspace, f"search({quoted(words)})") == set()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "ChatOpenAI"}, "chatopen"),
        ({"error": "RateLimitError('429')"}, "ratelimit"),
        ({"tags": ["nightly-build"]}, "nightly"),
        ({"extra": {"metadata": {"customer_plan": "Enterprise"}}}, "enterprise"),
        ({"extra": {"metadata": {"customer_plan": "Enterprise"}}}, "customer_plan"),
        ({"extra": {"metadata": {"deep": {"er": ["still"]}}}}, "still"),
        ({"inputs": {"amount": 98765}}, "98765"),
        ({"inputs": {"nested": [{"deep": ["Pineapple"]}]}}, "pineapple"),
        ({"outputs": {"output": "Mango"}}, "mango"),
    ],
)
def test_every_part_of_a_run_is_searched(workspace: Workspace, fields: dict[str, Any], words: str) -> None:
    run = send(workspace, **fields)
    send(workspace, name="other")
    assert found(workspace, f"search({quoted(words)})") == {run}


def test_all_words_must_stand_in_one_run(workspace: Workspace) -> None:
    root = send(workspace, inputs={"q": "apple"}, outputs={"a": "banana"})
    send(workspace, inputs={"q": "cherry"}, trace_id=root, parent_run_id=root)
    assert found(workspace, 'search("apple banana")') == {root}
    assert found(workspace, 'search("apple cherry")') == set()
    assert found(workspace, 'search(inputs, "banana")') == set()


def test_each_run_that_has_the_text_is_found(workspace: Workspace) -> None:
    root = send(workspace, inputs={"q": "apple"})
    child = send(workspace, inputs={"q": "apple"}, trace_id=root, parent_run_id=root, run_type="llm")
    assert found(workspace, 'search("apple")') == {root, child}
    assert found(workspace, 'and(eq(run_type, "llm"), search("apple"))') == {child}


def test_a_later_run_of_an_indexed_trace_is_found(workspace: Workspace) -> None:
    root = send(workspace, inputs={"q": "apple"})
    assert found(workspace, 'search("apple")') == {root}
    child = send(workspace, inputs={"q": "apple tree"}, trace_id=root, parent_run_id=root)
    assert found(workspace, 'search("apple")') == {root, child}
    assert found(workspace, 'search("tree")') == {child}


def test_a_patch_adds_text(workspace: Workspace) -> None:
    run = send(workspace, inputs={"q": "apple"})
    assert found(workspace, 'search("apple")') == {run}
    deliver(workspace, [], [{"id": run, "trace_id": run, "outputs": {"a": "banana"}}])
    assert found(workspace, 'search("apple banana")') == {run}


def test_a_patch_that_replaces_text_takes_none_from_others(workspace: Workspace) -> None:
    root = send(workspace, inputs={"q": "apple"})
    child = send(workspace, inputs={"q": "apple"}, trace_id=root, parent_run_id=root)
    found(workspace, 'search("apple")')
    deliver(workspace, [], [{"id": root, "trace_id": root, "inputs": {"q": "pear"}}])
    assert found(workspace, 'search("apple")') == {child}


def test_history_is_found_in_the_turn_that_said_it(workspace: Workspace) -> None:
    def turn(*contents: str) -> str:
        roles = ["user", "assistant"] * 5
        messages = [{"role": "system", "content": "Be kind"}]
        messages += [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]
        return send(workspace, inputs={"messages": messages}, run_type="llm", extra={"metadata": {"session_id": "t"}})

    first, second = turn("apple"), turn("apple", "banana", "cherry")
    assert found(workspace, 'search("apple")') == {first}
    assert found(workspace, 'search("cherry")') == {second}
    assert found(workspace, 'search("kind")') == {first, second}


def test_history_outside_of_threads_is_searched(workspace: Workspace) -> None:
    messages = [
        {"role": role, "content": word} for role, word in (("user", "apple"), ("assistant", "banana"), ("user", "x"))
    ]
    run = send(workspace, inputs={"messages": messages})
    assert found(workspace, 'search("apple banana")') == {run}


def test_long_text_is_searched_up_to_the_cap(workspace: Workspace) -> None:
    run = send(workspace, inputs={"a": "some " * (MAX_SIDE // 5 - 1) + "apple", "b": "banana"})
    assert found(workspace, 'search("apple")') == {run}
    assert found(workspace, 'search("banana")') == set()


def test_parts_of_a_very_long_word_are_found(workspace: Workspace) -> None:
    word = "".join(map(str, range(100)))
    run = send(workspace, inputs={"a": word})
    for part in (word, word[7:], word[20:55], word[-90:], word[95:105]):
        assert found(workspace, f"search({quoted(part)})") == {run}


def test_bytes_in_disguise_are_left_out(workspace: Workspace) -> None:
    send(workspace, inputs={"image": "data:image/png;base64," + "apple" * 100})
    assert found(workspace, 'search("apple")') == set()


def test_other_workspaces_are_never_searched(workspace: Workspace) -> None:
    send(WorkspaceFactory(), inputs={"q": "apple"})
    assert found(workspace, 'search("apple")') == set()


def test_a_deleted_trace_leaves_nothing(workspace: Workspace) -> None:
    run = send(workspace, inputs={"q": "apple"})
    found(workspace, 'search("apple")')
    delete_traces(Run.objects.filter(id=run).values_list("trace_id", flat=True))
    assert not SearchText.objects.exists()


def test_a_run_that_moves_to_its_trace_is_found_there(workspace: Workspace) -> None:
    root = str(uuid4())
    child = send(workspace, parent_run_id=root, inputs={"q": "apple"})
    found(workspace, 'search("apple")')
    send(workspace, id=root)
    assert found(workspace, 'search("apple")') == {child}
    assert {str(trace) for trace in SearchText.objects.values_list("trace_id", flat=True)} == {root}


def test_not_and_or_with_a_search(workspace: Workspace) -> None:
    apple, banana = send(workspace, inputs={"q": "apple"}), send(workspace, inputs={"q": "banana"})
    assert found(workspace, 'not(search("apple"))') == {banana}
    assert found(workspace, 'or(search("apple"), search("banana"))') == {apple, banana}
    assert found(workspace, 'not(search("cherry"))') == {apple, banana}


def test_the_newest_waiting_runs_are_indexed_first(workspace: Workspace) -> None:
    runs = [send(workspace, inputs={"q": "apple"}) for _ in range(3)]
    SearchPending.objects.filter(id=runs[0]).update(marked_at=EPOCH)
    assert index.catch_up(limit=2) == 2
    assert {str(run) for run in SearchText.objects.values_list("id", flat=True)} == set(runs[1:])


def test_a_run_is_left_to_settle_before_the_worker_takes_it(workspace: Workspace) -> None:
    send(workspace, inputs={"q": "apple"})
    assert index.index_settled() == 0
    SearchPending.objects.update(marked_at=EPOCH)
    assert index.index_settled() == 1


def test_the_index_is_built_anew(workspace: Workspace) -> None:
    run = send(workspace, inputs={"q": "apple"})
    settle()
    SearchText.objects.update(inputs="", words=None)
    assert found(workspace, 'search("apple")') == set()
    call_command("reindex_search", stdout=StringIO())
    assert found(workspace, 'search("apple")') == {run}


def test_one_project_is_indexed_anew(workspace: Workspace) -> None:
    send(workspace, session_name="one")
    send(workspace, session_name="two")
    settle()
    project = Project.objects.get(name="one")
    call_command("reindex_search", project=str(project.pk), stdout=StringIO())
    assert set(SearchText.objects.values_list("project__name", flat=True)) == {"two"}
    assert SearchPending.objects.count() == 1


def test_a_run_that_cannot_be_read_holds_up_no_other(workspace: Workspace) -> None:
    bad, good = send(workspace, name="apple one"), send(workspace, name="apple two")
    Run.objects.filter(id=bad).update(inputs=payload.pack(b"{"))
    assert found(workspace, 'search("apple")') == {bad, good}
