"""Conversations for the tests of pages, sent through the ingest like anybody's."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.ingest.deliver import deliver
from tests.factories import EPOCH

type Json = Any


def run(
    name: str = "agent",
    *,
    thread_id: str | None = None,
    parent: dict[str, Json] | None = None,
    inputs: Json = None,
    outputs: Json = None,
    start: datetime = EPOCH,
    seconds: float | None = 1.5,
    project: str = "p",
    **fields: Json,
) -> dict[str, Json]:
    """A run as an SDK posts it. seconds=None leaves it pending."""
    run_id = str(fields.pop("id", None) or uuid.uuid4())
    segment = f"{start:%Y%m%dT%H%M%S%fZ}{run_id}"
    metadata = {**fields.pop("metadata", {}), **({"session_id": thread_id} if thread_id is not None else {})}
    return {
        "id": run_id,
        "trace_id": parent["trace_id"] if parent else run_id,
        "parent_run_id": parent["id"] if parent else None,
        "dotted_order": f"{parent['dotted_order']}.{segment}" if parent else segment,
        "session_name": project,
        "name": name,
        "run_type": fields.pop("run_type", "chain"),
        "start_time": start.isoformat(),
        "end_time": None if seconds is None else (start + timedelta(seconds=seconds)).isoformat(),
        "inputs": {"question": "hello"} if inputs is None else inputs,
        "outputs": ({"answer": "hi"} if outputs is None else outputs) if seconds is not None else None,
        "extra": {"metadata": metadata},
        **fields,
    }


def unpriced(thread_id: str, model: str) -> list[dict[str, Json]]:
    """A turn with a call of a model that has no price."""
    usage = {"usage_metadata": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}}
    extra = {"metadata": {"ls_model_name": model, "session_id": thread_id}}
    root = run(thread_id=thread_id)
    return [root, run("llm", parent=root, run_type="llm", outputs={"answer": "x", **usage}) | {"extra": extra}]


def send(workspace: Workspace, *runs: dict[str, Json]) -> Project:
    """The project they are in."""
    outcome = deliver(workspace, runs)
    assert not outcome.rejected, outcome
    return Project.objects.get(workspace=workspace, name=runs[0]["session_name"])


def turns(
    thread_id: str, count: int, *, apart: timedelta = timedelta(seconds=30), **fields: Json
) -> list[dict[str, Json]]:
    """That many turns, one after another, each asking and answering with its number."""
    begin = fields.pop("start", EPOCH)
    return [
        run(
            thread_id=thread_id,
            inputs={"question": f"question {number}"},
            outputs={"answer": f"answer {number}"},
            start=begin + apart * number,
            **fields,
        )
        for number in range(1, count + 1)
    ]
