"""LangChain and LangGraph applications, traced because their environment says so, become one thread of three turns."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.sdk.environments import run_langchain
from tests.sdk.openai_standin import OpenAIStandIn
from tests.server import LiveServer

THREAD = """
SELECT thread_id, turns, prompt_tokens, completion_tokens, total_tokens, errored_turns, first_input, last_output
FROM threads_thread AS thread JOIN projects_project AS project ON project.id = thread.project_id WHERE project.name = %s
"""
RUNS = """
SELECT run.name, run.run_type, run.first_token_time, run.parent_run_id, run.error
FROM runs_run AS run JOIN projects_project AS project ON project.id = run.project_id
WHERE project.name = %s ORDER BY run.dotted_order
"""
REPLIES = [
    "Noted. You have asked 1 times.",
    "Your name is Ada. You have asked 2 times.",
    "The sum is 42. You have asked 3 times.",
]


class Told:
    """What the application printed, and what the server holds of it."""

    def __init__(self, live: LiveServer, project: str, printed: dict[str, Any]) -> None:
        self.printed = printed
        with psycopg.connect(live.database_url, row_factory=psycopg.rows.dict_row) as connection:
            self.threads = connection.execute(THREAD, [project]).fetchall()
            self.runs = connection.execute(RUNS, [project]).fetchall()

    def named(self, run_type: str) -> list[str]:
        return [run["name"] for run in self.runs if run["run_type"] == run_type]


@pytest.fixture
def run_app(live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path) -> Any:
    def run(app: str, **more: Any) -> Told:
        options = {"app": app, "model_url": model.url, "thread": "thread-of-Ada", **more}
        env = {
            "LANGSMITH_ENDPOINT": f"{live.origin}/api/v1",
            "LANGSMITH_API_KEY": live.api_key,
            "LANGSMITH_PROJECT": project,
        }
        return Told(live, project, run_langchain(sdk_cache, options, **env))

    return run


def assert_one_thread(told: Told) -> None:
    assert told.printed["replies"] == REPLIES
    assert "Failed to" not in told.printed["stderr"]
    (thread,) = told.threads
    assert (thread["thread_id"], thread["turns"], thread["errored_turns"]) == ("thread-of-Ada", 3, 0)
    assert (thread["prompt_tokens"], thread["completion_tokens"]) == (told.printed["input"], told.printed["output"])
    assert "My name is Ada" in thread["first_input"]
    assert thread["last_output"] == REPLIES[-1]


def test_an_agent_with_memory_is_one_thread(run_app: Any) -> None:
    told = run_app("agent")
    assert_one_thread(told)
    assert len(told.named("llm")) == 3


def test_a_streamed_graph_is_one_thread_with_times_to_the_first_token(run_app: Any) -> None:
    told = run_app("graph")
    assert_one_thread(told)
    assert all(run["first_token_time"] for run in told.runs if run["run_type"] == "llm")


def test_a_chain_with_a_retriever_is_one_thread(run_app: Any) -> None:
    told = run_app("chain")
    assert_one_thread(told)
    assert told.named("retriever") == ["Handbook"] * 3
    assert told.named("prompt") == ["ChatPromptTemplate"] * 3
    assert told.named("parser") == ["StrOutputParser"] * 3


def test_an_agents_tool_is_a_run_of_its_turn(run_app: Any) -> None:
    told = run_app("agent", questions=["Please look up Ghent."])
    assert told.printed["replies"] == ["The handbook knows nothing about Ghent."]
    assert told.named("tool") == ["look_up"]
    assert len(told.named("llm")) == 2
    assert told.threads[0]["last_output"] == "The handbook knows nothing about Ghent."


def test_a_node_that_fails_is_told_with_its_trace(run_app: Any) -> None:
    told = run_app("broken", questions=["Are you there?"])
    assert told.printed["replies"] == ["the handbook has burnt"]
    assert (told.threads[0]["turns"], told.threads[0]["errored_turns"]) == (1, 1)
    errors = {run["name"]: run["error"] for run in told.runs if run["error"]}
    assert {"LangGraph", "burn"} <= errors.keys()
    assert all("ValueError('the handbook has burnt')" in error and "Traceback" in error for error in errors.values())


def test_the_messages_of_a_model_call_are_found_by_their_path(run_app: Any, live: LiveServer) -> None:
    """LangChain's chat models take a list of lists of messages."""
    run_app("agent", questions=["My name is Zoe and I like 40."])
    text = 'and(eq(run_type, "llm"), eq(input_key, "messages.kwargs.content"), like(input_value, "%name is Zoe%"))'
    asked = urllib.request.Request(
        f"{live.origin}/api/v1/runs/query", json.dumps({"filter": text}).encode(), {"x-api-key": live.api_key}
    )
    with urllib.request.urlopen(asked) as answer:
        assert [run["name"] for run in json.load(answer)["runs"]] == ["ChatOpenAI"]
