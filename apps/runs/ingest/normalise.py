"""One run object of the wire to a RunChange: coerce, pull out what the columns hold, compress the rest."""

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, UnsetType

from apps.runs import payload
from apps.runs.ingest import schema
from apps.runs.ingest.change import RunChange
from apps.runs.ingest.costs import price
from apps.runs.ingest.decode import NotJson, check_depth, parse, parse_part
from apps.runs.ingest.schema import BadRun, RunIn, as_dotted_order, as_run_type, as_tags, as_text, as_time, as_uuid
from apps.runs.ingest.usage import find_usage
from apps.runs.preview import preview_inputs, preview_outputs

MAX_DOTTED_ORDER = 60_000
MAX_PROJECT_NAME = 500
MAX_ERROR = 1_000_000
MAX_KNOWN = 2_000
"""Bytes."""
PACKED = ("inputs", "outputs", "events", "serialized")


def normalise(run: RunIn, *, patch: bool, now: datetime) -> RunChange:
    """Raises BadRun with the reason. trace_id stays None where the run tells neither it nor a dotted_order.

    Its payloads are JSON text until `pack`.
    """
    change = _light(run, now)
    # A run whose trace is not told may stand as a root, for a while or for good.
    is_root = change.trace_id in (None, change.id)
    _payload(change, run, is_root=is_root)
    change.note_given(by_patch=patch)
    return change


def pack(changes: Iterable[RunChange]) -> None:
    """Compress the payloads of a request's changes."""
    places = [(change, name) for change in changes for name in PACKED if getattr(change, name) is not None]
    frames = payload.pack_all([getattr(change, name) for change, name in places])
    for (change, name), frame in zip(places, frames, strict=True):
        setattr(change, name, frame)


def _light(run: RunIn, now: datetime) -> RunChange:
    run_id = as_uuid(run.id, "id")
    if run_id is None:
        raise BadRun("id is missing")
    dotted_order = as_dotted_order(run.dotted_order, MAX_DOTTED_ORDER)
    trace_id, parent_run_id = as_uuid(run.trace_id, "trace_id"), as_uuid(run.parent_run_id, "parent_run_id")
    if dotted_order and (trace_id is None or (parent_run_id is None and trace_id != run_id)):
        path = schema.dotted_path(dotted_order)
        trace_id = trace_id or (path[0] if path else None)
        parent_run_id = parent_run_id or (path[-2] if len(path) > 1 else None)
    return RunChange(
        id=run_id,
        trace_id=trace_id,
        parent_run_id=parent_run_id,
        dotted_order=dotted_order,
        project_id=as_uuid(run.session_id, "session_id"),
        project_name=as_text(run.session_name, MAX_PROJECT_NAME) or None,
        name=as_text(run.name, schema.MAX_NAME),
        run_type=as_run_type(run.run_type),
        start_time=as_time(run.start_time, "start_time"),
        end_time=as_time(run.end_time, "end_time"),
        tags=as_tags(run.tags),
        reference_example_id=as_uuid(run.reference_example_id, "reference_example_id"),
        received_at=now,
    )


def _payload(change: RunChange, run: RunIn, *, is_root: bool) -> None:
    inputs, change.inputs = _heavy(run.inputs, "inputs")
    outputs, change.outputs = _heavy(run.outputs, "outputs")
    if run.error is not UNSET:
        change.error = as_text(_parsed(run.error, "error")[0], MAX_ERROR)
    if run.events is not UNSET:
        events, change.events = _heavy(run.events, "events")
        change.first_token_time = _first_token(events) if events else None
    if run.serialized is not UNSET:
        _, change.serialized = _heavy(run.serialized, "serialized")
    metadata = {} if run.extra is UNSET else _split_extra(change, bytes(run.extra))
    if change.run_type in (None, "llm"):
        _note_usage(change, metadata, inputs, outputs)
    if is_root:
        change.inputs_preview = preview_inputs(inputs) if inputs else None
        change.outputs_preview = preview_outputs(outputs) if outputs else None


def _heavy(field: Raw | UnsetType, name: str) -> tuple[Any, bytes | None]:
    """The value and its text: None for null, {} and [], which the SDKs send for "not yet" and which must never replace what is there."""
    if field is UNSET:
        return None, None
    value, text = _parsed(field, name)
    return value, text if value or value in (0, False) else None


def _parsed(field: Raw | bytes, name: str, read: Callable[[bytes], tuple[Any, bytes]] = parse) -> tuple[Any, bytes]:
    try:
        return read(bytes(field))
    except NotJson as error:
        raise BadRun(f"{name} {error}") from None


def _split_extra(change: RunChange, text: bytes) -> dict[str, Any]:
    """Puts the metadata and the rest where they belong, and returns the metadata."""
    try:
        check_depth(text)
        fields = _extra_decoder.decode(text)
    except (NotJson, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _split_odd_extra(change, text)
    metadata = fields.pop("metadata", None)
    if fields:
        rest = msgspec.json.encode(fields)
        change.extra = _pack_known(rest) if len(rest) <= MAX_KNOWN else _pack_rest(rest)
    return _note_metadata(change, None if metadata is None else _parsed(metadata, "extra", parse_part)[0])


_extra_decoder = msgspec.json.Decoder(dict[str, Raw])


def _split_odd_extra(change: RunChange, text: bytes) -> dict[str, Any]:
    """What is no object is not stored; what is not quite JSON is read as far as it goes."""
    extra, _ = _parsed(text, "extra")
    if not isinstance(extra, dict):
        return {}
    metadata = extra.pop("metadata", None)
    if extra:
        change.extra = payload.pack(msgspec.json.encode(extra))
    return _note_metadata(change, metadata)


def _note_metadata(change: RunChange, metadata: Any) -> dict[str, Any]:
    if not isinstance(metadata, dict) or not metadata:
        return {}
    change.metadata = metadata
    return metadata


def _pack_rest(text: bytes) -> bytes:
    return payload.pack(_parsed(text, "extra")[1])


# Apart from the metadata it tells of the SDK and the machine: the same for all runs of an application.
_pack_known = lru_cache(maxsize=512)(_pack_rest)


def _note_usage(change: RunChange, metadata: dict[str, Any], inputs: Any, outputs: Any) -> None:
    change.model = _model(metadata, inputs)
    usage = find_usage(metadata, outputs)
    if usage is None:
        return
    change.prompt_tokens, change.completion_tokens = usage.prompt_tokens, usage.completion_tokens
    change.prompt_cost, change.completion_cost = usage.prompt_cost, usage.completion_cost
    change.total_tokens, change.total_cost = usage.total_tokens, usage.total_cost
    change.usage_details = usage.details
    if usage.total_cost is not None:
        change.cost_source = "client"
    else:
        price(change, metadata.get("ls_provider"))


def _model(metadata: dict[str, Any], inputs: Any) -> str | None:
    named = metadata.get("ls_model_name")
    if not named and isinstance(inputs, dict):
        named = inputs.get("model") or inputs.get("model_name")
    return named[:300] if isinstance(named, str) and named else None


def _first_token(events: Any) -> datetime | None:
    """The first new_token event's time; an event list that is not one tells nothing."""
    times = []
    for event in events if isinstance(events, list) else ():
        if isinstance(event, dict) and event.get("name") == "new_token":
            try:
                times.append(as_time(event.get("time"), "time"))
            except BadRun:
                continue
            break
    return next((time for time in times if time), None)


def trace_of(change: RunChange) -> UUID:
    """The trace of a change that has been resolved."""
    assert change.trace_id is not None
    return change.trace_id
