"""What search() finds in the texts of runs, before the worker has indexed them and after."""

from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs import payload
from apps.runs.ingest.deliver import deliver
from apps.runs.ingest.store import delete_traces
from apps.runs.models import Run
from apps.runs.query.nodes import And, Pair
from apps.runs.query.parse import parse
from apps.runs.search import index, keys
from apps.runs.search.find import prepared
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


@pytest.mark.django_db(transaction=True)
def test_words_are_learnt_again_when_the_index_is_built_anew(workspace: Workspace) -> None:
    run = send(workspace, inputs={"q": "pineapple"})
    for _ in range(2):
        settle()
        assert found(workspace, 'search("neappl")') == {run}
        call_command("reindex_search", stdout=StringIO())


@pytest.mark.parametrize("word", ["plan", "4711", "école", "東京", "🎉", "x" * 60])
def test_postgresql_has_the_same_numbers_of_words(word: str) -> None:
    """The migration that made numbers of the words relies on it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT (n - (n >> 31 << 32))::int4 FROM crc32(convert_to(%s, 'UTF8')) AS n", [word])
        assert [cursor.fetchone()[0]] == keys.signed(keys.of_words([word.encode()]))


LONG_TEXT = "The quick brown fox jumps over the lazy dog, and then over another one. "
INPUTS: dict[str, Any] = {
    "plan": "Enterprise", "count": 5, "price": 12.5, "stream": False, "text": LONG_TEXT + "Yes", "none": None, "empty": {},
    "documents": [{"source": "https://example.com/1"}, {"source": "https://example.com/2"}], "big": 10**20, "small": "1e-7",
    "role": "user", "nested": [[{"deep": ["x", 7]}]], "a.b": {"c": "dotted"},
}  # fmt: skip


@pytest.mark.parametrize(
    "condition",
    [
        'eq(input_key, "plan"), eq(input_value, "Enterprise")', 'eq(input_key, "count"), eq(input_value, 5)',
        'eq(input_key, "count"), eq(input_value, "5.0")', 'eq(input_key, "price"), in(input_value, ["x", "12.50"])',
        'eq(input_key, "stream"), eq(input_value, false)', 'eq(input_key, "big"), eq(input_value, "100000000000000000000")',
        'eq(input_key, "small"), eq(input_value, "1e-7")', f'eq(input_key, "text"), eq(input_value, "{LONG_TEXT}Yes")',
        'eq(input_key, "documents.source"), eq(input_value, "https://example.com/2")', 'in(input_key, ["nothing", "empty"])',
        'eq(input_key, "documents"), neq(input_value, "x")', 'eq(input_key, "a.b"), neq(input_value, "x")',
        'eq(input_key, "plan"), like(input_value, "Ent%")', 'eq(input_key, "count"), gt(input_value, 4), lt(input_value, 6)',
    ],
)  # fmt: skip
def test_a_pair_is_looked_up(workspace: Workspace, condition: str) -> None:
    run = send(workspace, inputs=INPUTS)
    send(workspace, inputs={"other": "zzz"})
    assert found(workspace, f"and({condition})") == {run}
    settle()
    told = prepared(parse(f"and({condition})"))
    if isinstance(told, And):
        (told,) = told.parts
    assert isinstance(told, Pair)
    assert told.traces == f"{{{run}}}"


@pytest.mark.parametrize(
    "condition",
    [
        'eq(input_key, "plan"), eq(input_value, "enterprise")', 'eq(input_key, "plan"), eq(input_value, "5")',
        f'eq(input_key, "text"), eq(input_value, "{LONG_TEXT}No")', 'eq(input_key, "none")', 'eq(input_key, "price"), eq(input_value, 12)',
        'eq(output_key, "plan"), eq(output_value, "Enterprise")', 'eq(input_key, "pla")',
    ],
)  # fmt: skip
def test_a_pair_that_is_not_there_is_not_found(workspace: Workspace, condition: str) -> None:
    send(workspace, inputs=INPUTS)
    assert found(workspace, f"and({condition})") == set()


def test_what_nobody_looks_for_is_found_without_numbers(workspace: Workspace) -> None:
    run = send(workspace, inputs=INPUTS)
    assert found(workspace, 'and(eq(input_key, "role"), eq(input_value, "user"))') == {run}


def test_runs_that_wait_for_the_numbers_of_their_pairs_are_found(workspace: Workspace) -> None:
    run = send(workspace, inputs=INPUTS)
    settle()
    SearchText.objects.update(words=None)
    SearchPending.objects.create(trace_id=run, id=run, marked_at=EPOCH)
    with connection.cursor() as cursor:  # as the migration does
        cursor.execute("UPDATE runs_searchpending SET marked_at = '-infinity'")
    assert found(workspace, 'and(eq(input_key, "plan"), eq(input_value, "Enterprise"))') == {run}
    assert index.index_settled() == 1
    assert found(workspace, 'and(eq(input_key, "plan"), eq(input_value, "Enterprise"))') == {run}
    assert found(workspace, 'search("enterprise")') == {run}
