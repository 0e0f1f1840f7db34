"""Three turns by each instrumentation over OpenTelemetry's own exporter to a live server: one thread, three turns, the model's tokens."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.otlp.environment import converse, converse_in_typescript
from tests.sdk.openai_standin import OpenAIStandIn
from tests.server import LiveServer

THREAD = """
SELECT thread_id, turns, prompt_tokens, completion_tokens, total_tokens, errored_turns, run_count, first_input, last_output
FROM threads_thread AS thread JOIN projects_project AS project ON project.id = thread.project_id WHERE project.name = %s
"""
CALLS = """
SELECT run_type, count(*), count(first_token_time) FROM runs_run AS run JOIN projects_project AS project ON project.id = run.project_id
WHERE project.name = %s AND run_type <> 'chain' GROUP BY run_type, first_token_time IS NULL ORDER BY run_type, first_token_time IS NULL DESC
"""
REPLIES = [
    "Noted. You have asked 1 times.",
    "Your name is Ada. You have asked 2 times.",
    "The sum is 42. You have asked 3 times.",
]


def environment(live: LiveServer, project: str, mount: str = "", **more: str) -> dict[str, str]:
    """As the exporters' documentation has it: header values percent-encoded."""
    headers = f"x-api-key={live.api_key},Langsmith-Project={quote(project)}"
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": live.origin + mount,
        "OTEL_EXPORTER_OTLP_HEADERS": headers,
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "span_only",
    } | more


def threads(live: LiveServer, project: str) -> list[dict[str, Any]]:
    with psycopg.connect(live.database_url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(THREAD, [project]).fetchall()


def assert_one_thread(
    live: LiveServer, project: str, told: dict[str, Any], *, runs: int, replies: list[str] = REPLIES
) -> None:
    assert told["replies"] == replies
    (thread,) = threads(live, project)
    assert (thread["turns"], thread["errored_turns"], thread["run_count"]) == (3, 0, runs)
    assert (thread["prompt_tokens"], thread["completion_tokens"]) == (told["prompt"], told["completion"])
    assert thread["total_tokens"] == told["prompt"] + told["completion"]
    assert (thread["thread_id"], thread["last_output"]) == ("thread-of-Ada", replies[-1])
    assert "My name is Ada" in thread["first_input"]


@pytest.mark.parametrize(
    ("app", "runs", "mount", "more"),
    [
        ("handmade", 9, "", {}),
        ("openinference", 3, "/api/v1/otel", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
        ("genai", 6, "/otel", {}),
        ("openllmetry", 6, "/api/otel", {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}),
    ],
)
def test_a_conversation_becomes_one_thread(
    app: str,
    runs: int,
    mount: str,
    more: dict[str, str],
    live: LiveServer,
    model: OpenAIStandIn,
    project: str,
    sdk_cache: Path,
) -> None:
    options = {"app": app, "model_url": model.url, "thread": "thread-of-Ada"}
    told = converse(sdk_cache, options, **environment(live, project, mount, **more))
    assert_one_thread(live, project, told, runs=runs)


def test_the_langsmith_sdk_in_otel_mode_makes_the_same_thread(
    live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    env = {
        "LANGSMITH_TRACING": "true",
        "LANGSMITH_TRACING_MODE": "otel",
        "LANGSMITH_ENDPOINT": f"{live.origin}/api/v1",
        "LANGSMITH_API_KEY": live.api_key,
        "LANGSMITH_PROJECT": project,
    }
    options = {"app": "langsmith", "model_url": model.url, "thread": "thread-of-Ada"}
    told = converse(sdk_cache, options, **env)
    assert_one_thread(live, project, told, runs=6)


@pytest.mark.parametrize(("version", "runs"), [("6", 8), ("7", 12)])
def test_vercels_ai_sdk_makes_one_thread_with_its_tool_and_its_stream(
    version: str, runs: int, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    options = {"model_url": model.url, "thread": "thread-of-Ada"}
    told = converse_in_typescript(version, sdk_cache, options, **environment(live, project))
    replies = [REPLIES[0], "tea is a drink", REPLIES[2]]
    assert_one_thread(live, project, told, runs=runs, replies=replies)
    with psycopg.connect(live.database_url) as connection:
        found = connection.execute(CALLS, [project]).fetchall()
    # The model of each turn, twice where it called the tool; only a stream has a first token.
    assert found == [("llm", 3, 0), ("llm", 1, 1), ("tool", 1, 0)]
