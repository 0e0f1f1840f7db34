"""What a run and the runs below it used, for the runs of a page."""

import uuid
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, Final

from apps.runs.models import Run

_SUMMED: Final = (
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_cost",
    "completion_cost",
    "total_cost",
)


@dataclass
class Usage:
    """Named as on Run. None where no run reports it."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_cost: Decimal | None = None
    completion_cost: Decimal | None = None
    total_cost: Decimal | None = None
    first_token_time: datetime | None = None
    usage_details: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, run: Run) -> None:
        for name in _SUMMED:
            if (amount := getattr(run, name)) is not None:
                setattr(self, name, amount + (getattr(self, name) or 0))
        for side, kinds in (run.usage_details or {}).items():
            mine = self.usage_details.setdefault(side, {})
            for kind, amount in kinds.items():
                mine[kind] = mine.get(kind, 0) + amount
        if run.first_token_time and (self.first_token_time is None or run.first_token_time < self.first_token_time):
            self.first_token_time = run.first_token_time


def subtree_usage(runs: Iterable[Run]) -> dict[uuid.UUID, Usage]:
    """By run id, of those below which another llm run reports usage. Only llm runs count, and of these the lowest."""
    wanted = list(runs)
    models = Run.objects.llm_usage(run.trace_id for run in wanted)
    of_trace = {trace_id: _leaves(list(mine)) for trace_id, mine in groupby(models, lambda run: run.trace_id)}
    found = {}
    for run in wanted:
        below = _below(run, of_trace.get(run.trace_id, []))
        if below:
            found[run.id] = usage = Usage()
            for model in below:
                usage.add(model)
    return found


def _leaves(models: Sequence[Run]) -> list[Run]:
    """In preorder a run comes right before its descendants."""
    following = [model.dotted_order for model in models[1:]] + [""]
    return [
        model for model, after in zip(models, following, strict=True) if not after.startswith(f"{model.dotted_order}.")
    ]


def _below(run: Run, models: Sequence[Run]) -> list[Run]:
    prefix = f"{run.dotted_order}."
    start = bisect_left(models, prefix, key=lambda model: model.dotted_order)
    found = []
    for model in models[start:]:
        if not model.dotted_order.startswith(prefix):
            break
        found.append(model)
    return found
