"""Which two model calls a reader compares: one of a turn, and one of the turn before it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import FETCH_RAISE

from apps.runs.beside import Beside
from apps.runs.models import Run, RunType, Trace
from apps.threads.context_diff import ContextDiff, given
from apps.threads.trace_view import as_uuid

MAX_CALLS = 100
"""Model calls of a turn among which to choose."""


@dataclass(frozen=True)
class ContextPage:
    trace: Trace
    beside: Beside
    calls: list[Run]
    """Model calls of the turn, without payload."""
    calls_before: list[Run]
    diff: ContextDiff | None
    """None where the turn has no model call."""


def context_page(trace: Trace, asked: Mapping[str, str]) -> ContextPage:
    """?call=<run id> and ?with=<run id> choose the two calls."""
    beside = Beside.of(trace)
    calls, calls_before = _calls(trace.trace_id), _calls(beside.before) if beside.before else []
    after = _chosen(calls, asked.get("call", ""), calls[:1])
    same_name = [call for call in calls_before if after and call.name == after.name]
    before = _chosen([*calls_before, *calls], asked.get("with", ""), (same_name or calls_before)[-1:])
    diff = None
    if after:
        diff = ContextDiff(given(_whole(before)) if before else None, given(_whole(after)))
    return ContextPage(trace, beside, calls, calls_before, diff)


def _calls(trace_id: uuid.UUID) -> list[Run]:
    runs = Run.objects.in_trace(trace_id).filter(run_type=RunType.LLM).fetch_mode(FETCH_RAISE)
    return list(runs.for_tree("prompt_tokens")[:MAX_CALLS])


def _chosen(among: Sequence[Run], run_id: str, otherwise: Sequence[Run]) -> Run | None:
    wanted: uuid.UUID | None = as_uuid(run_id)
    return next((run for run in among if run.id == wanted), None) or next(iter(otherwise), None)


def _whole(run: Run) -> Run:
    return Run.objects.in_trace(run.trace_id).get(id=run.id)
