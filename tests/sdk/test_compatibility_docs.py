"""The table of calls in docs/compatibility.md against the SDK."""

import inspect
import re
from pathlib import Path

import pytest
from langsmith import AsyncClient, Client
from langsmith.resources import sessions
from langsmith.resources.annotation_queues import annotation_queues, items
from langsmith.resources.annotation_queues import runs as queue_runs
from langsmith.resources.public import runs as public_runs
from langsmith.resources.runs import runs, share
from langsmith.resources.runs import streaming as runs_streaming
from langsmith.resources.threads import share as threads_share
from langsmith.resources.threads import streaming as threads_streaming
from langsmith.resources.threads import threads
from langsmith.resources.traces import streaming as traces_streaming
from langsmith.resources.traces import traces

from tests.sdk.environments import typescript

TOLD = set(re.findall(r"`([a-zA-Z_0-9.]+)`", (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text()))
RESOURCES = {
    "annotation_queues": annotation_queues.AsyncAnnotationQueuesResource,
    "annotation_queues.items": items.AsyncItemsResource,
    "annotation_queues.runs": queue_runs.AsyncRunsResource,
    "runs": runs.AsyncRunsResource,
    "runs.share": share.AsyncShareResource,
    "runs.streaming": runs_streaming.AsyncStreamingResource,
    "traces": traces.AsyncTracesResource,
    "traces.streaming": traces_streaming.AsyncStreamingResource,
    "threads": threads.AsyncThreadsResource,
    "threads.share": threads_share.AsyncShareResource,
    "threads.streaming": threads_streaming.AsyncStreamingResource,
    "public.runs": public_runs.AsyncRunsResource,
    "sessions": sessions.AsyncSessionsResource,
}
# The client's own workings, which ask the server for nothing that a user reads.
LEFT_OUT = {"request_with_retries", "flush", "flush_compressed_traces", "cleanup", "close", "aclose", "info"}
LEFT_OUT |= {"constructor", "to_string", "await_pending_trace_batches"}


def functions(holder: type) -> list[str]:
    return [name for name, value in vars(holder).items() if inspect.isfunction(value) and not name.startswith("_")]


CALLS = sorted({*functions(Client), *functions(AsyncClient)} - LEFT_OUT)
CALLS += [f"{place}.{name}" for place, resource in RESOURCES.items() for name in functions(resource)]


@pytest.mark.parametrize("call", CALLS)
def test_the_call_is_in_the_table(call: str) -> None:
    assert call in TOLD


def snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda found: f"_{found[0].lower()}", name.replace("LLM", "Llm"))


def test_every_call_of_typescript_is_in_the_table(sdk_cache: Path) -> None:
    text = (typescript("0.12.0", sdk_cache) / "node_modules/langsmith/lib/client.d.mts").read_text()
    _, _, body = text.partition("export declare class Client")
    names = set(re.findall(r"^    ([a-z]\w+)(?:<[^>]*>)?\(", body, re.MULTILINE))
    assert len(names) > 80
    assert {name for name in names if not TOLD & {name, snake(name)} and snake(name) not in LEFT_OUT} == set()
