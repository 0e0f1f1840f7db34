"""What a trace was asked and what it answered, where its root does not tell: many instrumentations tell it on the model's spans only.

It becomes the root's own inputs and outputs, so that pages, previews, filters and the API need not know the difference.
"""

from collections.abc import Collection, Iterator
from typing import Any, Final
from uuid import UUID

import msgspec
from django.db.models import Q

from apps.accounts.models import Workspace
from apps.runs import payload, shapes
from apps.runs.ingest.schema import RunIn
from apps.runs.models import Run, RunType

ANSWERERS: Final = ("assistant", "ai", "model")


def told_by_models(workspace: Workspace, run_ids: Collection[UUID]) -> Iterator[RunIn]:
    """What to write of the ended roots above these runs that have no inputs or no outputs."""
    runs = Run.objects.in_workspace(workspace)
    traces = runs.filter(id__in=list(run_ids)).values("trace_id")
    silent = Q(inputs=None) | Q(outputs=None)
    roots = runs.filter(silent, parent_run_id=None, trace_id__in=traces, end_time__isnull=False)
    for root in roots.exclude(run_type=RunType.LLM).only("trace_id", "id", "dotted_order", "inputs", "outputs"):
        found = _of(root)
        if found.inputs is not msgspec.UNSET or found.outputs is not msgspec.UNSET:
            yield found


def _of(root: Run) -> RunIn:
    found = RunIn(id=str(root.id), trace_id=str(root.trace_id), dotted_order=root.dotted_order)
    models = Run.objects.in_traces([root.trace_id]).filter(run_type=RunType.LLM)
    if root.inputs is None:
        first = models.exclude(inputs=None).values_list("inputs", flat=True).first()
        found.inputs = _raw(first and asked(payload.load(first)))
    if root.outputs is None:
        last = (
            models.exclude(outputs=None).order_by("end_time", "dotted_order").values_list("outputs", flat=True).last()
        )
        found.outputs = _raw(last and payload.load(last))
    return found


def asked(inputs: Any) -> Any:
    """Without the system prompt and the history, which stay with the model's run: what came after the last answer."""
    listed = inputs.get("messages") if isinstance(inputs, dict) else None
    messages = (shapes.messages_of(listed) if isinstance(listed, list) else None) or []
    roles = [(shapes.message(item) or ("", None))[0] for item in messages]
    since = max((index + 1 for index, role in enumerate(roles) if role in ANSWERERS), default=0)
    new = [item for item, role in zip(messages[since:], roles[since:], strict=True) if role not in shapes.PROMPT_ROLES]
    return {"messages": new} if new else inputs


def _raw(value: Any) -> msgspec.Raw | msgspec.UnsetType:
    return msgspec.Raw(msgspec.json.encode(value)) if value else msgspec.UNSET
