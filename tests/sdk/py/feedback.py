"""What the Python SDK writes and reads of feedback: each check_… is one behaviour."""

import asyncio
import urllib.request
import uuid
import warnings
from datetime import timedelta
from typing import Any

from harness import options, raises, report
from langsmith import Client, traceable
from langsmith.utils import LangSmithError, LangSmithNotFoundError

warnings.simplefilter("ignore", DeprecationWarning)
client = Client()
NEW = hasattr(client, "threads")


def flush() -> None:
    client.tracing_queue.join()
    client.flush()


def turn(thread: str, project: str) -> Any:
    """A run that has ended, as the server has it."""

    @traceable(client=client, name="agent", metadata={"thread_id": thread})
    def agent(text: str) -> str:
        return text.upper()

    run_id = uuid.uuid4()
    agent("hi", langsmith_extra={"run_id": run_id, "project_name": project})
    flush()
    return client.read_run(run_id)


def name() -> str:
    return f"{options['project']}-{uuid.uuid4()}"


def check_feedback_is_created_read_changed_listed_and_deleted() -> None:
    run = turn("t", name())
    made = client.create_feedback(
        run.id, "tone", score=0.123456, value="kind", comment="nice", correction={"a": 1}, source_info={"by": "me"}
    )
    read = client.read_feedback(made.id)
    assert (read.run_id, read.trace_id, read.session_id) == (run.id, run.trace_id, run.session_id)
    assert (read.key, float(read.score), read.value, read.comment) == ("tone", 0.1235, "kind", "nice")
    assert (read.correction, read.feedback_source.type, read.feedback_source.metadata) == (
        {"a": 1},
        "api",
        {"by": "me"},
    )
    client.update_feedback(made.id, score=True, comment="nicer")
    changed = client.read_feedback(made.id)
    assert (changed.score, changed.comment, changed.value) == (1, "nicer", "kind")
    assert [one.id for one in client.list_feedback(run_ids=[run.id], feedback_key=["tone"])] == [made.id]
    assert list(client.list_feedback(run_ids=[run.id], feedback_source_type=["model"])) == []
    client.delete_feedback(made.id)
    raises(LangSmithNotFoundError, lambda: client.read_feedback(made.id))


def check_feedback_of_one_id_is_replaced() -> None:
    run, feedback_id = turn("t", name()), uuid.uuid4()
    for score in (0, 1):
        client.create_feedback(run.id, "again", score=score, feedback_id=feedback_id)
    assert [(one.id, one.score) for one in client.list_feedback(run_ids=[run.id])] == [(feedback_id, 1)]


def check_the_root_of_a_trace_and_the_project_are_given_feedback() -> None:
    run = turn("t", name())
    client.create_feedback(key="by trace", trace_id=run.id, score=1)
    flush()
    client.create_feedback(None, "of the project", score=0.5, project_id=run.session_id)
    found = {one.key: one for one in client.list_feedback(session=[str(run.session_id)])}
    assert (found["by trace"].run_id, found["of the project"].run_id) == (run.id, None)
    project = client.read_project(project_id=run.session_id, include_stats=True)
    assert project.feedback_stats["by trace"]["n"] == 1
    if NEW:
        assert project.session_feedback_stats["of the project"]["avg"] == 0.5


def check_a_model_says_which_run_judged() -> None:
    run, judge = turn("t", name()), uuid.uuid4()
    given = {"feedback_source_type": "model", "source_run_id": judge}
    client.create_feedback(run.id, "judged", score=1, **given)
    (found,) = client.list_feedback(run_ids=[run.id], feedback_source_type=["model"])
    assert found.feedback_source.metadata["__run"]["run_id"] == str(judge)


def check_feedback_with_its_trace_goes_with_the_runs_even_before_them() -> None:
    run_id = uuid.uuid4()
    client.create_feedback(run_id, "early", score=1, trace_id=run_id)
    flush()

    @traceable(client=client)
    def agent() -> str:
        return "x"

    agent(langsmith_extra={"run_id": run_id, "project_name": name()})
    flush()
    stats = client.read_run(run_id).feedback_stats
    assert (stats["early"]["n"], stats["early"]["avg"]) == (1, 1)


def check_more_than_a_page_of_feedback_is_listed() -> None:
    run = turn("t", name())
    for number in range(103):
        client.create_feedback(run.id, f"key {number}", trace_id=run.id, score=number)
    flush()
    assert len({one.key for one in client.list_feedback(run_ids=[run.id])}) == 103


def check_runs_are_found_by_their_feedback() -> None:
    project = name()
    good, bad = turn("t", project), turn("t", project)
    client.create_feedback(good.id, "user_score", score=1)
    client.create_feedback(bad.id, "user_score", score=0)
    condition = 'and(eq(feedback_key, "user_score"), eq(feedback_score, 1))'
    assert [run.id for run in client.list_runs(project_name=project, filter=condition)] == [good.id]
    found = client.list_runs(project_name=project, filter='eq(name, "agent")', trace_filter=condition)
    assert [run.id for run in found] == [good.id]


def check_a_token_takes_feedback_without_a_key() -> None:
    run = turn("t", name())
    token = client.create_presigned_feedback_token(run.id, "thumb", expiration=timedelta(minutes=5))
    client.create_feedback_from_token(token.id, score=1, comment="by the SDK", metadata={"page": "/"})
    client.create_feedback_from_token(token.url, value="fine")
    with urllib.request.urlopen(f"{token.url}?score=0") as answer:
        assert answer.status == 200
    assert {(one.score, one.comment) for one in client.list_feedback(run_ids=[run.id])} == {
        (1, "by the SDK"),
        (None, None),
        (0, None),
    }
    several = client.create_presigned_feedback_tokens(run.id, ["a", "b"])
    assert {one.id for one in client.list_presigned_feedback_tokens(run.id)} == {token.id, *(one.id for one in several)}


def check_keys_are_configured() -> None:
    if not hasattr(client, "create_feedback_config"):
        return
    key = f"stars {uuid.uuid4()}"
    shape = {"type": "continuous", "min": 1.0, "max": 5.0}
    made = client.create_feedback_config(key, feedback_config=shape)
    assert client.create_feedback_config(key, feedback_config=shape).id == made.id
    assert client.update_feedback_config(key, is_lower_score_better=True).is_lower_score_better is True
    (listed,) = client.list_feedback_configs(feedback_key=[key])
    assert (listed.feedback_config["max"], listed.feedback_key) == (5.0, key)
    (found,) = client.list_feedback_configs(name_contains=key[5:])
    assert found.id == made.id
    given = {"score": 6, "stop_after_attempt": 1}
    assert "at most 5" in raises(Exception, lambda: client.create_feedback(uuid.uuid4(), key, **given))
    raises(LangSmithError, lambda: client.create_feedback_config(key, feedback_config={"type": "freeform"}))
    client.delete_feedback_config(key)
    assert list(client.list_feedback_configs(feedback_key=[key])) == []


def check_categories_are_added_and_removed() -> None:
    if not hasattr(client, "add_feedback_categories"):
        return
    key = f"topics {uuid.uuid4()}"
    labels = [{"value": at, "label": label} for at, label in enumerate(["billing", "shipping"])]
    shape = {"type": "categorical", "categories": labels, "allows_multiple_categories": True}
    made = client.create_feedback_config(key, feedback_config=shape)
    more = client.add_feedback_categories(key, [{"value": 2, "label": "returns"}], config_id=made.id)
    assert [item["label"] for item in more.feedback_config["categories"]] == ["billing", "shipping", "returns"]
    assert more.feedback_config["allows_multiple_categories"] is True
    raises(LangSmithError, lambda: client.add_feedback_categories(key, [{"value": 3, "label": "returns"}]))
    fewer = client.remove_feedback_categories(key, [0])
    assert [item["label"] for item in fewer.feedback_config["categories"]] == ["shipping", "returns"]
    assert "at least 2" in raises(LangSmithError, lambda: client.remove_feedback_categories(key, [1]))
    raises(LangSmithNotFoundError, lambda: client.update_feedback_config(key, config_id=uuid.uuid4()))
    client.delete_feedback_config(config_id=made.id)
    assert list(client.list_feedback_configs(feedback_key=[key])) == []


def check_a_judge_reads_idle_threads_and_writes_verdicts() -> None:
    """As docs/feedback.md shows it."""
    if not NEW:
        return
    project = name()
    run = turn("chat-1", project)
    found = asyncio.run(judged(str(run.session_id)))
    assert found == {"solved": (1.0, True)}, found
    kept = [one for one in client.list_feedback(session=str(run.session_id)) if one.key == "solved"]
    assert [one.feedback_source.metadata["judge"] for one in kept] == ["solved-v1"] * 2


async def judged(project_id: str) -> dict[str, Any]:
    threads = client.threads.query(project_id=project_id, thread_filter='gt(last_activity, "2020-01-01")')
    async for thread in threads:
        async for each in client.threads.list_traces(
            thread.thread_id, project_id=project_id, selects=["INPUTS", "OUTPUTS"]
        ):
            assert each.inputs == {"text": "hi"}
        for _ in range(2):
            client.create_feedback(
                None,
                "solved",
                project_id=project_id,
                score=1,
                comment="It answered.",
                feedback_source_type="model",
                source_info={"judge": "solved-v1"},
                extra={"thread_id": thread.thread_id, "turn_range": [1, thread.count]},
            )
    (again,) = [each async for each in client.threads.query(project_id=project_id)]
    return {key: (one.avg, one.contains_thread_feedback) for key, one in again.feedback_stats.items() if one.n == 1}


report(globals())
