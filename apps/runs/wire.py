"""A run as the v1 API shows it. The payload goes out as the text it came in: nothing of it is decoded."""

import uuid
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from msgspec import Raw

from apps.projects.ports import Stats
from apps.runs import payload
from apps.runs.models import Run, RunType, Trace

# Selected by name, because they are most of a run. Every other field is always sent: SDKs fail on a missing one, not on more.
SELECTABLE: Final = frozenset({"inputs", "outputs", "events", "extra"})

_encoder = msgspec.json.Encoder(decimal_format="number")


def payload_columns(select: Collection[str] | None) -> frozenset[str]:
    """The payload columns to read for what a client selects; None selects all.

    No SDK selects serialized, yet each compares a listed run with the same run read alone: it comes with any payload.
    """
    wanted = SELECTABLE if select is None else SELECTABLE & frozenset(select)
    return wanted | {"serialized"} if wanted else wanted


def encode(value: Any) -> bytes:
    return _encoder.encode(value)


def run_json(
    run: Run,
    workspace_id: uuid.UUID,
    traces: Mapping[uuid.UUID, Trace],
    columns: frozenset[str],
    feedback: Stats | None = None,
) -> Any:
    """The v1 object of a run read with RunQuerySet.for_wire(columns); traces has the trace of each root.

    A root shows the thread and the usage of its whole trace.
    """
    trace = traces.get(run.trace_id) if run.is_root else None
    return {
        "id": run.id,
        "name": run.name,
        "run_type": run.run_type,
        "start_time": wire_time(run.start_time),
        "end_time": wire_time(run.end_time),
        "first_token_time": wire_time(run.first_token_time) if run.run_type == RunType.LLM else None,
        "status": run.status,
        "error": run.error,
        "trace_id": run.trace_id,
        "dotted_order": run.dotted_order,
        "parent_run_id": run.parent_run_id,
        "parent_run_ids": ancestors(run.dotted_order),
        "session_id": run.project_id,
        "thread_id": trace.thread_id if trace else run.thread_id,
        "tags": run.tags,
        "reference_example_id": run.reference_example_id,
        "app_path": f"/o/{workspace_id}/projects/p/{run.project_id}/r/{run.id}?trace_id={run.trace_id}",
        "feedback_stats": feedback,
        **_usage(run),
        **(_totals(trace) if trace and trace.llm_count and run.run_type != RunType.LLM else {}),
        **{name: payload_json(run, name) for name in columns},
    }


def ancestors(dotted_order: str) -> list[str]:
    """Ids of the runs above, root first."""
    return [step.partition("Z")[2] for step in dotted_order.split(".")[:-1]]


def wire_time(moment: datetime | None) -> str | None:
    """UTC without an offset and always with six digits: JS compares it with dotted_order, Python wants it naive."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") if moment else None


def money(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else Decimal(f"{amount.normalize():f}")


def _usage(run: Run) -> dict[str, Any]:
    details = run.usage_details or {}
    return {
        "prompt_tokens": run.prompt_tokens,
        "completion_tokens": run.completion_tokens,
        "total_tokens": run.total_tokens,
        "prompt_cost": money(run.prompt_cost),
        "completion_cost": money(run.completion_cost),
        "total_cost": money(run.total_cost),
        "prompt_token_details": details.get("prompt"),
        "completion_token_details": details.get("completion"),
        "prompt_cost_details": details.get("prompt_cost"),
        "completion_cost_details": details.get("completion_cost"),
    }


def _totals(trace: Trace) -> dict[str, Any]:
    priced = trace.known_cost is not None
    return {
        **{name: getattr(trace, name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")},
        **{
            name: money(getattr(trace, name)) if priced else None
            for name in ("prompt_cost", "completion_cost", "total_cost")
        },
    }


def payload_json(run: Run, name: str) -> Raw | None:
    frame = getattr(run, name)
    text = payload.unpack(frame) if frame is not None else b""
    match name:
        case "inputs":
            return Raw(_object(text, b"input") or b"{}")
        case "outputs" | "serialized":
            return Raw(_object(text, b"output")) if text else None
        case "extra":
            return _extra(text, run)
    return Raw(text) if text else None


def _object(text: bytes, key: bytes) -> bytes:
    """SDKs send objects and parse nothing else; what other clients sent goes under the key that @traceable would use."""
    return text if text.lstrip()[:1] in (b"{", b"") else b'{"%s":%s}' % (key, text)


def _extra(text: bytes, run: Run) -> Raw | None:
    """extra with its metadata back in. A stored extra is a JSON object without outer space and without metadata."""
    metadata: str | None = run.metadata_json  # type: ignore[attr-defined]
    if metadata is None:
        return Raw(text) if text else None
    separator = b"," if len(text) > 2 else b""
    return Raw((text[:-1] or b"{") + separator + b'"metadata":' + metadata.encode() + b"}")
