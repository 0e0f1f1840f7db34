"""The table of calls in docs/compatibility.md against the SDK."""

import inspect
import re
from pathlib import Path

import pytest
from langsmith import Client
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

TOLD = set(re.findall(r"`([a-z_0-9.]+)`", (Path(__file__).parents[2] / "docs" / "compatibility.md").read_text()))
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
IN_SCOPE = re.compile(r"run|thread|project|feedback|annotation_queue")
# Of datasets and of the client's own workings.
LEFT_OUT = {"create_example_from_run", "list_shared_projects", "runs", "threads", "annotation_queues"}


def functions(holder: type) -> list[str]:
    return [name for name, value in vars(holder).items() if inspect.isfunction(value) and not name.startswith("_")]


CALLS = [name for name in functions(Client) if IN_SCOPE.search(name) and name not in LEFT_OUT]
CALLS += [f"{place}.{name}" for place, resource in RESOURCES.items() for name in functions(resource)]


@pytest.mark.parametrize("call", CALLS)
def test_the_call_is_in_the_table(call: str) -> None:
    assert call in TOLD
