"""RunChange, where every wire format meets: what one request says of one run, and the rules by which two changes of a run become one.

A post and a patch of a run may come in any order, split over requests, and twice. What a patch gave, a post leaves alone. The rules stand
twice: here for the changes of one request, and as SQL (sql.py) for a change that meets a stored run. A property test holds them equal.
"""

from datetime import datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec

# Columns that come and go together, each group with one bit in `given` and `patched`. Bits are stored: only ever append.
GROUPS: tuple[tuple[str, ...], ...] = (
    ("start_time",),
    ("end_time",),
    ("events", "first_token_time"),
    ("parent_run_id",),
    ("dotted_order",),
    ("name",),
    ("run_type",),
    ("error",),
    ("tags",),
    ("inputs", "inputs_preview"),
    ("outputs", "outputs_preview"),
    ("extra",),
    ("serialized",),
    ("reference_example_id",),
    ("project_id",),
    (
        "total_tokens",
        "prompt_tokens",
        "completion_tokens",
        "total_cost",
        "prompt_cost",
        "completion_cost",
        "usage_details",
        "cost_source",
    ),
    ("metadata",),
    ("model",),
)
BIT = {column: 1 << index for index, columns in enumerate(GROUPS) for column in columns}
METADATA = BIT["metadata"]
# The column that tells whether its group was given; usage may also be a cost alone.
_LEADS = attrgetter(*(columns[0] for columns in GROUPS))
_BITS = tuple(1 << index for index in range(len(GROUPS)))


class RunChange(msgspec.Struct, kw_only=True):
    """Columns of Run, unset ones None. `given` has the bits of the groups that this change sets, `patched` those set by a patch."""

    id: UUID
    trace_id: UUID | None = None
    given: int = 0
    patched: int = 0
    provisional: bool = False
    looked_up: bool = False
    project_name: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    first_token_time: datetime | None = None
    received_at: datetime | None = None
    parent_run_id: UUID | None = None
    dotted_order: str | None = None
    name: str | None = None
    run_type: str | None = None
    error: str | None = None
    tags: list[str] | None = None
    metadata: dict[str, Any] | None = None
    project_id: UUID | None = None
    reference_example_id: UUID | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_cost: Decimal | None = None
    completion_cost: Decimal | None = None
    total_cost: Decimal | None = None
    usage_details: dict[str, Any] | None = None
    cost_source: str | None = None
    model: str | None = None
    inputs_preview: str | None = None
    outputs_preview: str | None = None
    inputs: bytes | None = None
    outputs: bytes | None = None
    events: bytes | None = None
    extra: bytes | None = None
    serialized: bytes | None = None

    def note_given(self, *, by_patch: bool) -> None:
        """Set the bits from the columns that hold a value."""
        given = sum([bit for bit, lead in zip(_BITS, _LEADS(self), strict=True) if lead is not None])
        if self.total_cost is not None:
            given |= BIT["total_cost"]
        if self.project_name is not None:  # its id is looked up later
            given |= BIT["project_id"]
        self.given = given
        self.patched = given if by_patch else 0

    def absorb(self, later: "RunChange") -> None:
        """Take over a later change of the same run."""
        wins = later.given & (later.patched | ~self.patched)
        metadata = _layered(self, later, later_on_top=bool(wins & METADATA))
        for index, columns in enumerate(GROUPS):
            if wins >> index & 1:
                for column in columns:
                    setattr(self, column, getattr(later, column))
        self.metadata = metadata
        self.project_name = self.project_name or later.project_name
        self.start_time = self.start_time or later.start_time
        self.dotted_order = self.dotted_order or later.dotted_order
        self.trace_id = self.trace_id or later.trace_id
        self.provisional = self.provisional and later.provisional
        self.looked_up = self.looked_up or later.looked_up
        self.given |= later.given
        self.patched |= later.patched


def _layered(earlier: RunChange, later: RunChange, *, later_on_top: bool) -> dict[str, Any] | None:
    """Metadata is merged key by key, so that neither order of arrival loses a key."""
    below, above = (earlier, later) if later_on_top else (later, earlier)
    return {**(below.metadata or {}), **(above.metadata or {})} or None
