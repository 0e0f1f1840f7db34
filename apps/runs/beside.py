"""The traces before and after one, in its thread."""

import uuid
from dataclasses import dataclass
from typing import Self

from apps.runs.models import Trace


@dataclass(frozen=True)
class Beside:
    number: int = 0
    """Of the turn; 0 outside a thread."""
    before: uuid.UUID | None = None
    after: uuid.UUID | None = None

    @classmethod
    def of(cls, trace: Trace) -> Self:
        if trace.thread_id is None:
            return cls()
        turns = Trace.objects.filter(project_id=trace.project_id).in_thread(trace.thread_id)
        number = turns.number_of(trace.trace_id)
        around = list(turns.values_list("trace_id", flat=True)[max(number - 2, 0) : number + 1])
        at = around.index(trace.trace_id) if trace.trace_id in around else 0
        return cls(number, around[at - 1] if at else None, around[at + 1] if at + 1 < len(around) else None)
