"""What the Python SDK writes, read back with the SDK: each check_… is one behaviour."""

import logging
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import openai
from harness import options, raises, report
from langsmith import Client, __version__, get_current_run_tree, traceable, utils
from langsmith.wrappers import wrap_openai

warnings.simplefilter("ignore", DeprecationWarning)
client = Client()
warned: list[str] = []
ANSWER = {"answer": 42, "text": "Grüße 你好 مرحبا 🏕️", "nested": {"list": [1, 2.5, None, True]}}


class Warned(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        warned.append(record.getMessage())


logging.getLogger("langsmith").addHandler(Warned(logging.WARNING))


def project() -> str:
    return f"{options['project']}-{uuid.uuid4()}"


def flush() -> None:
    client.tracing_queue.join()
    client.flush()


def naive(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def three_runs(name: str) -> dict[str, Any]:
    """A chain with a tool and a retriever below it; the run trees as the SDK sent them, by name."""
    sent: dict[str, Any] = {}

    @traceable(run_type="retriever", client=client)
    def find(query: str) -> list[dict[str, Any]]:
        sent["find"] = get_current_run_tree()
        return [{"page_content": query, "type": "Document", "metadata": {"source": "a"}}]

    @traceable(run_type="tool", tags=["inner"], client=client)
    def look_up(key: str, limit: int = 3) -> dict[str, Any]:
        sent["look_up"] = get_current_run_tree()
        find(key)
        return ANSWER

    @traceable(client=client, metadata={"plan": "plus", "depth": {"a": [1]}})
    def chain(question: str) -> dict[str, Any]:
        sent["chain"] = get_current_run_tree()
        return look_up(question, limit=5)

    chain("why?", langsmith_extra={"project_name": name, "tags": ["outer"], "metadata": {"thread_id": "t-1"}})
    flush()
    return sent


def check_runs_read_back_as_they_were_sent() -> None:
    for tree in three_runs(project()).values():
        run = client.read_run(tree.id)
        assert (run.id, run.trace_id, run.parent_run_id) == (tree.id, tree.trace_id, tree.parent_run_id)
        assert (run.name, run.run_type, run.dotted_order) == (tree.name, tree.run_type, tree.dotted_order)
        assert (run.inputs, run.outputs) == (tree.inputs, tree.outputs)
        assert (naive(run.start_time), naive(run.end_time)) == (naive(tree.start_time), naive(tree.end_time))
        assert (run.tags or []) == (tree.tags or [])
        assert run.extra["metadata"].items() >= tree.extra["metadata"].items()
        assert (run.status, run.error) == ("success", None)


def check_list_runs_agrees_with_read_run() -> None:
    name = project()
    sent = three_runs(name)
    listed = {run.id: run for run in client.list_runs(project_name=name)}
    assert listed.keys() == {tree.id for tree in sent.values()}
    for run_id, run in listed.items():
        read = client.read_run(run_id)
        for field in ("inputs", "outputs", "extra", "tags", "start_time", "end_time", "dotted_order", "session_id"):
            assert getattr(run, field) == getattr(read, field), field


def check_child_runs_load_as_a_tree() -> None:
    sent = three_runs(project())
    root = client.read_run(sent["chain"].id, load_child_runs=True)
    assert [child.name for child in root.child_runs] == ["look_up"]
    assert [child.name for child in root.child_runs[0].child_runs] == ["find"]


def check_runs_are_listed_newest_first_by_every_scope() -> None:
    name = project()
    first, second = three_runs(name), three_runs(name)
    roots = [run.id for run in client.list_runs(project_name=name, is_root=True)]
    assert roots == [second["chain"].id, first["chain"].id]
    assert [run.id for run in client.list_runs(project_name=name, is_root=True, limit=1)] == roots[:1]
    assert {run.name for run in client.list_runs(trace_id=roots[0])} == {"chain", "look_up", "find"}
    assert len(list(client.list_runs(project_name=name, run_type="tool"))) == 2
    assert [run.id for run in client.list_runs(run_ids=[first["find"].id])] == [first["find"].id]
    assert [run.id for run in client.list_runs(project_name=name, parent_run_id=roots[1])] == [first["look_up"].id]
    assert list(client.list_runs(project_name=name, start_time=datetime.now(UTC) + timedelta(hours=1))) == []
    assert list(client.list_runs(project_name=name, error=True)) == []


def check_filters_select_by_metadata_tag_and_name() -> None:
    name = project()
    sent = three_runs(name)

    def named(filter: str) -> set[str]:
        return {run.name for run in client.list_runs(project_name=name, filter=filter)}

    assert named('has(tags, "inner")') == {"look_up", "find"}
    assert named('eq(name, "find")') == {"find"}
    assert named('and(eq(metadata_key, "plan"), eq(metadata_value, "plus"))') == {"chain", "look_up", "find"}
    assert named('and(eq(metadata_key, "plan"), eq(metadata_value, "t-1"))') == set()
    assert named('or(eq(run_type, "tool"), eq(run_type, "retriever"))') == {"look_up", "find"}
    assert named(f'eq(trace_id, "{sent["chain"].trace_id}")') == {"chain", "look_up", "find"}
    assert named("neq(error, null)") == set()


def check_a_bad_filter_is_an_error_not_an_empty_list() -> None:
    name = project()
    three_runs(name)
    raises(utils.LangSmithError, lambda: list(client.list_runs(project_name=name, filter="eq(name")))


def check_an_error_is_kept_with_its_stack_trace() -> None:
    name = project()

    @traceable(client=client)
    def broken() -> None:
        raise ValueError("the model said no")

    raises(ValueError, lambda: broken(langsmith_extra={"project_name": name}))
    flush()
    (run,) = client.list_runs(project_name=name, error=True)
    assert run.status == "error"
    assert run.error.startswith("ValueError('the model said no')")
    assert "Traceback (most recent call last)" in run.error


def check_tokens_of_a_model_call_are_counted() -> None:
    name = project()
    model = wrap_openai(openai.OpenAI(base_url=options["model_url"], api_key="none"), tracing_extra={"client": client})
    model.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "one two three"}],
        langsmith_extra={"project_name": name},
    )
    flush()
    (run,) = client.list_runs(project_name=name)
    assert (run.run_type, run.prompt_tokens, run.completion_tokens, run.total_tokens) == ("llm", 3, 6, 9)


def check_a_stream_has_a_first_token_time() -> None:
    name = project()

    @traceable(run_type="llm", client=client)
    def talk() -> Any:
        yield from ("Hello", " ", "there")

    assert "".join(talk(langsmith_extra={"project_name": name})) == "Hello there"
    flush()
    (run,) = client.list_runs(project_name=name)
    assert naive(run.start_time) <= naive(run.first_token_time) <= naive(run.end_time)


def check_many_threads_may_trace_at_once() -> None:
    name = project()

    @traceable(client=client)
    def outer(number: int) -> int:
        return inner(number)

    @traceable(client=client)
    def inner(number: int) -> int:
        return number * number

    def work(number: int) -> int:
        return outer(number, langsmith_extra={"project_name": name, "metadata": {"session_id": f"s-{number % 3}"}})

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(120))) == [number * number for number in range(120)]
    flush()
    roots = list(client.list_runs(project_name=name, is_root=True))
    assert sorted(run.outputs["output"] for run in roots) == [number * number for number in range(120)]
    assert len(list(client.list_runs(project_name=name))) == 240


def check_runs_are_created_and_updated_by_hand() -> None:
    """Without batching: POST /runs raises what the server says, and PATCH /runs/{id} completes the run."""
    by_hand = Client(auto_batch_tracing=False)
    name, run_id, child_id = project(), uuid.uuid4(), uuid.uuid4()
    start = datetime.now(UTC)
    by_hand.create_run("by hand", {"a": 1}, "chain", id=run_id, project_name=name, start_time=start)
    pending = by_hand.read_run(run_id)
    assert (pending.status, pending.inputs, pending.outputs) == ("pending", {"a": 1}, None)
    by_hand.create_run("child", {}, "tool", id=child_id, parent_run_id=run_id, project_name=name)
    by_hand.update_run(run_id, outputs={"b": 2}, end_time=start + timedelta(seconds=3))
    ended = by_hand.read_run(run_id)
    assert (ended.status, ended.inputs, ended.outputs) == ("success", {"a": 1}, {"b": 2})
    assert naive(ended.end_time) - naive(ended.start_time) == timedelta(seconds=3)
    child = by_hand.read_run(child_id)
    assert (child.trace_id, child.parent_run_id) == (run_id, run_id)


def check_projects_are_created_listed_changed_and_deleted() -> None:
    name = project()
    assert not client.has_project(name)
    created = client.create_project(name, description="for a check", metadata={"a": 1})
    raises(utils.LangSmithConflictError, lambda: client.create_project(name))
    if __version__ != "0.4.31":  # which leaves the parameter out of its request
        assert client.create_project(name, upsert=True).id == created.id
    assert client.has_project(name)
    assert [found.id for found in client.list_projects(name_contains=name)] == [created.id]
    client.update_project(created.id, description="changed")
    found = client.read_project(project_name=name)
    assert (found.id, found.description, found.metadata) == (created.id, "changed", {"a": 1})
    client.delete_project(project_name=name)
    assert not client.has_project(name)
    raises(utils.LangSmithNotFoundError, lambda: client.read_project(project_name=name))


def check_a_project_knows_its_runs() -> None:
    name = project()
    three_runs(name)
    found = client.read_project(project_name=name, include_stats=True)
    assert found.run_count == 3
    assert found.last_run_start_time is not None


def check_runs_of_a_deleted_project_are_gone() -> None:
    name = project()
    sent = three_runs(name)
    client.delete_project(project_name=name)
    raises(utils.LangSmithNotFoundError, lambda: client.read_run(sent["chain"].id))


def check_an_unknown_run_is_not_found() -> None:
    raises(utils.LangSmithNotFoundError, lambda: client.read_run(uuid.uuid4()))


def check_a_large_run_with_odd_characters_survives() -> None:
    name = project()
    text = "".join(chr(code) for code in [*range(1, 0xD800), *range(0xE000, 0x10000)])

    @traceable(client=client)
    def echo(text: str, much: list[str]) -> str:
        return text

    echo(text + "\x00", ["x" * 1000] * 3000, langsmith_extra={"project_name": name})
    flush()
    (run,) = client.list_runs(project_name=name)
    assert run.outputs["output"].startswith(text)
    assert run.inputs["much"] == ["x" * 1000] * 3000


def check_the_url_of_a_run_leads_to_this_server() -> None:
    name = project()
    run = client.read_run(three_runs(name)["chain"].id)
    found = client.read_project(project_name=name)
    path = f"/o/{found.tenant_id}/projects/p/{found.id}/r/{run.id}"
    assert run.url is not None
    assert path in run.url
    assert path in client.get_run_url(run=run, project_name=name)


report(globals(), warned)
