"""Runs, threads and projects read by every parameter of the Python SDK, shared, and what is refused: each check_… is one behaviour."""

import asyncio
import logging
import uuid
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from harness import options, raises, report
from langsmith import AsyncClient, Client, traceable, utils
from langsmith.evaluation import EvaluationResult, run_evaluator

warnings.simplefilter("ignore", DeprecationWarning)
logging.getLogger("langsmith").setLevel(logging.ERROR)
client = Client()
NEW = hasattr(client, "threads")
USAGE = {"input_tokens": 3, "output_tokens": 4, "input_cost": 0.1, "output_cost": 0.2}


def project() -> str:
    return f"{options['project']}-{uuid.uuid4()}"


def flush() -> None:
    client.tracing_queue.join()
    client.flush()


@traceable(run_type="llm", client=client)
def model(question: str) -> dict[str, Any]:
    return {"text": question.upper(), "usage_metadata": USAGE}


@traceable(run_type="tool", client=client)
def look_up(question: str) -> str:
    if "fail" in question:
        raise ValueError("no such thing")
    return "found"


@traceable(client=client)
def agent(question: str) -> str:
    try:
        look_up(question)
    except ValueError:
        return "sorry"
    return model(question)["text"]


def conversation(name: str, *questions: str, thread: str = "t 1") -> list[uuid.UUID]:
    """The ids of the turns."""
    ids = [uuid.uuid4() for _ in questions]
    for run_id, question in zip(ids, questions, strict=True):
        extra = {"run_id": run_id, "project_name": name, "metadata": {"thread_id": thread}}
        agent(question, langsmith_extra=extra)
    flush()
    return ids


def check_stats_add_up() -> None:
    name = project()
    first, _ = conversation(name, "why?", "how?")
    of_turns = client.get_run_stats(project_names=[name], is_root=True)
    assert (of_turns["run_count"], of_turns["total_tokens"], of_turns["error_rate"]) == (2, 14, 0)
    assert round(of_turns["total_cost"], 7) == 0.6
    assert of_turns["latency_p50"] > 0
    assert client.get_run_stats(project_names=[name], run_type="llm")["prompt_tokens"] == 6
    assert client.get_run_stats(project_names=[name], trace=str(first))["run_count"] == 3
    assert client.get_run_stats(project_names=[name], filter='eq(name, "look_up")')["run_count"] == 2
    assert client.get_run_stats(project_names=[name], error=True)["run_count"] == 0
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    assert client.get_run_stats(project_names=[name], start_time=later)["run_count"] == 0


def check_runs_are_listed_by_every_parameter() -> None:
    name, example = project(), uuid.uuid4()
    good, bad = conversation(name, "why is the sky blue?", "fail, please")
    client.create_run("by hand", {}, "chain", project_name=name, reference_example_id=example)
    flush()

    def named(**asked: Any) -> list[str]:
        return sorted(run.name for run in client.list_runs(project_name=name, **asked))

    assert named(error=True) == ["look_up"]
    assert named(error=False, run_type="tool") == ["look_up"]
    assert named(query="sky blue", is_root=True) == ["agent"]
    assert named(run_type="llm", tree_filter='eq(name, "look_up")') == ["model"]
    assert named(run_type="tool", tree_filter='eq(name, "model")') == ["look_up"]
    assert named(run_type="tool", trace_filter='search("sorry")') == ["look_up"]
    assert named(parent_run_id=good) == ["look_up", "model"]
    assert named(trace_id=bad) == ["agent", "look_up"]
    assert named(reference_example_id=example) == ["by hand"]
    assert named(run_ids=[good]) == ["agent"]
    assert named(filter="and(eq(is_root, true), gt(total_tokens, 6))") == ["agent"]
    assert named(start_time=datetime.now(UTC) + timedelta(hours=1)) == []
    (light,) = client.list_runs(project_name=name, run_ids=[good], select=["name", "run_type"])
    assert (light.name, light.inputs) == ("agent", {})
    other = project()
    conversation(other, "why?")
    assert len(list(client.list_runs(project_name=[name, other], run_type="llm"))) == 2


def check_threads_are_listed_and_read() -> None:
    if not hasattr(client, "list_threads"):
        return
    name = project()
    first, second = conversation(name, "why?", "how?", thread='a "quoted"/one')
    conversation(name, "who?", thread="another")
    found = {thread["thread_id"]: thread for thread in client.list_threads(project_name=name)}
    assert {thread_id: thread["count"] for thread_id, thread in found.items()} == {'a "quoted"/one': 2, "another": 1}
    assert [run.id for run in found['a "quoted"/one']["runs"]] == [first, second]
    assert len(client.list_threads(project_name=name, limit=1)) == 1
    asked = {"thread_id": 'a "quoted"/one', "project_name": name, "is_root": True}
    assert [run.id for run in client.read_thread(**asked)] == [first, second]
    assert [run.id for run in client.read_thread(**asked, order="desc", limit=1)] == [second]
    assert list(client.read_thread(**asked, filter='eq(status, "error")')) == []


def check_batches_are_ingested_by_hand() -> None:
    name, run_id, start = project(), uuid.uuid4(), datetime.now(UTC)
    order = f"{start:%Y%m%dT%H%M%S%f}Z{run_id}"
    where = {"id": run_id, "trace_id": run_id, "dotted_order": order, "session_name": name}
    made = {**where, "name": "by batch", "run_type": "chain", "inputs": {"a": 1}, "start_time": start}
    client.batch_ingest_runs(create=[made], update=[{**where, "outputs": {"b": 2}}])
    if hasattr(client, "multipart_ingest"):
        client.multipart_ingest(update=[{**where, "end_time": start + timedelta(seconds=1)}])
    run = client.read_run(run_id)
    assert (run.name, run.inputs, run.outputs) == ("by batch", {"a": 1}, {"b": 2})


def check_a_run_that_is_updated_twice_keeps_both() -> None:
    """Both updates leave in one request."""
    name, run_id, start = project(), uuid.uuid4(), datetime.now(UTC)
    order = f"{start:%Y%m%dT%H%M%S%f}Z{run_id}"
    where = {"trace_id": run_id, "dotted_order": order}
    client.create_run("twice", {"a": 1}, "chain", id=run_id, project_name=name, start_time=start, **where)
    client.update_run(run_id, outputs={"b": 2}, **where)
    client.update_run(run_id, end_time=start + timedelta(seconds=1), tags=["late"], **where)
    flush()
    run = client.read_run(run_id)
    assert (run.inputs, run.outputs, run.tags, run.status) == ({"a": 1}, {"b": 2}, ["late"], "success")


def check_projects_are_read_with_their_stats() -> None:
    name = project()
    conversation(name, "why?", "how?")
    found = client.read_project(project_name=name, include_stats=True)
    assert (found.run_count, found.total_tokens, found.error_rate) == (6, 14, 0)
    assert found.total_cost is not None
    assert round(float(found.total_cost), 7) == 0.6
    assert found.latency_p50 is not None
    assert client.read_project(project_id=found.id).name == name
    (listed,) = client.list_projects(name=name, include_stats=True)
    assert (listed.id, listed.run_count) == (found.id, 6)


def check_projects_are_found_by_every_parameter() -> None:
    name, dataset = project(), uuid.uuid4()
    made = client.create_project(name, metadata={"team": name}, project_extra={"other": 1})
    experiment = client.create_project(f"{name} experiment", reference_dataset_id=dataset)
    assert [found.id for found in client.list_projects(metadata={"team": name})] == [made.id]
    assert [found.id for found in client.list_projects(project_ids=[made.id])] == [made.id]
    assert [found.id for found in client.list_projects(reference_dataset_id=dataset)] == [experiment.id]
    assert [found.id for found in client.list_projects(name_contains=name, reference_free=True)] == [made.id]
    end = datetime(2026, 3, 1, tzinfo=UTC)
    changed = client.update_project(made.id, name=f"{name} 2", metadata={"team": "b"}, end_time=end)
    assert (changed.name, changed.metadata["team"]) == (f"{name} 2", "b")
    client.delete_project(project_id=made.id)
    raises(utils.LangSmithNotFoundError, lambda: client.read_project(project_id=made.id))


def check_a_project_is_read_asynchronously() -> None:
    if not hasattr(client, "aread_project"):
        return
    name = project()
    made = client.create_project(name)
    assert asyncio.run(client.aread_project(project_name=name)).id == made.id


def check_the_asynchronous_client_writes_and_reads() -> None:
    name, run_id = project(), uuid.uuid4()

    async def use() -> None:
        async with AsyncClient() as other:
            await other.create_project(name)
            await other.create_run("async", {"a": 1}, "chain", id=run_id, project_name=name)
            await other.update_run(run_id, outputs={"b": 2}, end_time=datetime.now(UTC))
            run = await other.read_run(run_id)
            assert (run.name, run.outputs, run.status) == ("async", {"b": 2}, "success")
            assert [found.id async for found in other.list_runs(project_name=name)] == [run_id]
            assert (await other.read_project(project_name=name)).name == name
            link = await other.share_run(run_id)
            assert await other.run_is_shared(run_id)
            assert await other.read_run_shared_link(run_id) == link
            await other.delete_project(project_name=name)

    asyncio.run(use())


def check_a_run_is_shared_and_taken_back() -> None:
    name = project()
    (run_id,) = conversation(name, "why?")
    assert not client.run_is_shared(run_id)
    token = str(uuid.uuid4())
    url = client.share_run(run_id, share_id=token)
    assert url.endswith(f"/public/{token}/r")
    assert client.read_run_shared_link(run_id) == url
    assert client.run_is_shared(run_id)
    assert client.read_shared_run(token).name == "agent"
    assert sorted(run.name for run in client.list_shared_runs(token)) == ["agent", "look_up", "model"]
    assert [run.id for run in client.list_shared_runs(token, run_ids=[str(run_id)])] == [run_id]
    client.unshare_run(run_id)
    assert client.read_run_shared_link(run_id) is None
    raises(utils.LangSmithNotFoundError, lambda: client.read_shared_run(token))


def check_a_run_is_evaluated_by_a_function() -> None:
    (run_id,) = conversation(project(), "why?")

    @run_evaluator
    def short(run: Any, example: Any) -> EvaluationResult:
        return EvaluationResult(key="short", score=len(run.outputs["output"]) < 9)

    client.evaluate_run(run_id, short)
    flush()
    (found,) = client.list_feedback(run_ids=[run_id])
    assert (found.key, found.score, found.feedback_source.type) == ("short", 1, "model")
    assert client.read_run(run_id).feedback_stats["short"]["n"] == 1


def check_a_run_for_an_unknown_project_is_not_found() -> None:
    by_hand = Client(auto_batch_tracing=False)
    made = {"name": "lost", "inputs": {}, "run_type": "chain", "session_id": str(uuid.uuid4())}
    said = raises(utils.LangSmithNotFoundError, lambda: by_hand.create_run(**made))
    assert "is not a project of this workspace" in said, said


def check_what_is_not_served_is_told() -> None:
    calls: list[tuple[str, str, Callable[..., Any], tuple[Any, ...]]] = [
        ("list_datasets", "datasets", list, ()),
        ("create_dataset", "datasets", str, ("d",)),
        ("pull_prompt_commit", "prompts", str, ("name",)),
        ("list_prompts", "prompts", str, ()),
        ("list_project_issues", "insights", str, ("default",)),
    ]
    for name, lacking, take, arguments in calls:
        if hasattr(client, name):
            said = raises(Exception, lambda name=name, take=take, given=arguments: take(getattr(client, name)(*given)))
            assert f"Threadline has no {lacking}" in said, (name, said)


def check_sessions_are_served_to_the_generated_client() -> None:
    if not hasattr(client, "sessions"):
        return
    name, dataset = project(), str(uuid.uuid4())
    conversation(name, "why?")

    async def use() -> None:
        sessions = client.sessions
        old = await sessions.create(name=f"{name} 1", description="d")
        assert (await sessions.update(old.id, description="e")).description == "e"
        assert (await sessions.retrieve(old.id, include_stats=True)).run_count == 0
        await sessions.delete(old.id)
        new = await sessions.create_v2(name=f"{name} 2", type="EXPERIMENT", reference_dataset_id=dataset)
        assert (await sessions.resolve(kind="EXPERIMENT", id=new.id)).session_id == new.id
        assert (await sessions.update_v2(new.id, name=f"{name} 3")).name == f"{name} 3"
        assert (await sessions.retrieve_v2(new.id)).type == "EXPERIMENT"
        listed = [found async for found in sessions.list_v2(name=name, include_stats=True)]
        assert [(found.name, found.run_count) for found in listed] == [(name, 3)]
        charts = await sessions.dashboard(listed[0].id)
        assert "Traces" in [chart.title for chart in charts.charts]

    asyncio.run(use())


report(globals())
