"""Sending runs and asking v2 for them."""

from datetime import UTC, datetime
from typing import Any

from apps.projects.models import Project
from tests.api import Caller
from tests.threads.wire import run, send


def sent(api: Caller, *runs: dict[str, Any]) -> Project:
    return send(api.key.workspace, *runs)


def model_call(parent: dict[str, Any], tokens: int, cost: float | None = None, **fields: Any) -> dict[str, Any]:
    """An llm run below parent that used one token fewer for the answer than for all."""
    usage = {"input_tokens": 1, "output_tokens": tokens - 1, "total_tokens": tokens}
    usage |= {"input_token_details": {"cache_read": 1}, "output_token_details": {"reasoning": 2}}
    if cost is not None:
        usage |= {"total_cost": cost, "input_cost": cost, "input_cost_details": {"cache_read": cost}}
    start = datetime.fromisoformat(parent["start_time"])
    return run(
        "llm", parent=parent, run_type="llm", start=start, outputs={"answer": "hi", "usage_metadata": usage}, **fields
    )


def ids(items: list[dict[str, Any]]) -> list[str]:
    return [item["thread_id"] for item in items]


def zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
