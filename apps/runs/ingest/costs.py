"""Costs by the table of prices: of a change that tells model and tokens, and of stored runs that learned the one after the other."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from apps.runs.ingest.change import BIT, RunChange
from apps.runs.pricing import Cost, cost_of, prices_for

_USAGE, _MODEL = BIT["total_tokens"], BIT["model"]

UNPRICED = """
SELECT trace_id, id, model, metadata->>'ls_provider', start_time, prompt_tokens, completion_tokens, usage_details
FROM runs_run WHERE (trace_id, id) IN (SELECT * FROM unnest(%(traces)s::uuid[], %(ids)s::uuid[]))
    AND run_type = 'llm' AND total_tokens IS NOT NULL AND total_cost IS NULL AND model IS NOT NULL
"""
PRICE = """
UPDATE runs_run SET prompt_cost = %s, completion_cost = %s, total_cost = %s, usage_details = %s, cost_source = 'table'
WHERE trace_id = %s AND id = %s
"""


def price(change: RunChange, provider: Any) -> None:
    """A change that has tokens gets its cost where its model has a price; else it stays unpriced, which is not free."""
    if change.model is None or change.total_tokens is None:
        return
    change.looked_up = True
    moment = change.start_time or change.received_at
    assert moment is not None
    cost = _cost(change.model, provider, moment, change.prompt_tokens, change.completion_tokens, change.usage_details)
    if cost is not None:
        change.prompt_cost, change.completion_cost, change.total_cost = cost.prompt, cost.completion, cost.total
        change.usage_details = with_cost_kinds(change.usage_details, cost)
        change.cost_source = "table"


def _cost(
    model: str,
    provider: Any,
    moment: datetime,
    prompt: int | None,
    completion: int | None,
    details: dict[str, Any] | None,
) -> Cost | None:
    prices = prices_for(provider if isinstance(provider, str) else None, model, moment)
    return None if prices is None else cost_of(prices, prompt or 0, completion or 0, details)


def with_cost_kinds(details: dict[str, Any] | None, cost: Cost) -> dict[str, Any] | None:
    found = {
        **(details or {}),
        "prompt_cost": _numbers(cost.prompt_kinds),
        "completion_cost": _numbers(cost.completion_kinds),
    }
    return {name: kinds for name, kinds in found.items() if kinds} or None


def _numbers(kinds: dict[str, str]) -> dict[str, float]:
    return {kind: float(Decimal(amount)) for kind, amount in kinds.items()}


def came_apart(change: RunChange) -> bool:
    """Whether model and tokens were not told together: the one may be in another change of the request, or stored already."""
    told = change.given & (_USAGE | _MODEL)
    return bool(told) and change.total_cost is None and not change.looked_up and change.run_type in (None, "llm")


def price_stored(cursor: "psycopg.Cursor[Any]", changes: Sequence[RunChange]) -> None:
    """Runs inside the writer's transaction, before the rollups."""
    apart = [change for change in changes if came_apart(change)]
    if not apart:
        return
    cursor.execute(
        UNPRICED,
        {"traces": [change.trace_id for change in apart], "ids": [change.id for change in apart]},
        prepare=True,
    )
    for trace_id, run_id, model, provider, moment, prompt, completion, details in cursor.fetchall():
        _price_one(cursor, (trace_id, run_id), _cost(model, provider, moment, prompt, completion, details), details)


def _price_one(
    cursor: "psycopg.Cursor[Any]", key: tuple[UUID, UUID], cost: Cost | None, details: dict[str, Any] | None
) -> None:
    if cost is not None:
        told = with_cost_kinds(details, cost)
        kinds = None if told is None else Jsonb(told, msgspec.json.encode)
        cursor.execute(PRICE, [cost.prompt, cost.completion, cost.total, kinds, *key])
