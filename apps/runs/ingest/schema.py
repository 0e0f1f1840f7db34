"""The run object of the wire, and lenient readers for each kind of value: they coerce what they can and name what they cannot."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from apps.runs.ingest.decode import clean_text
from apps.runs.models import RunType

RUN_TYPES = frozenset(RunType.values)
MAX_NAME = 2_000
MAX_TAGS = 200
SEGMENT = "%Y%m%dT%H%M%S%fZ"
_STEP = "[0-9]{8}T[0-9]{1,20}Z[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}"
_DOTTED_ORDER = re.compile(rf"{_STEP}(?:\.{_STEP})*+")


class BadRun(ValueError):
    """This run cannot be stored; the rest of its batch can."""


class RunIn(msgspec.Struct):
    """Fields as any SDK sends them; null and absent both mean "not given". What is not listed is ignored.

    The heavy fields stay JSON text: they are stored as they came.
    """

    id: Any = None
    trace_id: Any = None
    parent_run_id: Any = None
    dotted_order: Any = None
    session_id: Any = None
    session_name: Any = None
    name: Any = None
    run_type: Any = None
    start_time: Any = None
    end_time: Any = None
    tags: Any = None
    reference_example_id: Any = None
    error: Raw | UnsetType = UNSET
    inputs: Raw | UnsetType = UNSET
    outputs: Raw | UnsetType = UNSET
    events: Raw | UnsetType = UNSET
    extra: Raw | UnsetType = UNSET
    serialized: Raw | UnsetType = UNSET


class ExactRun(RunIn):
    """As the SDKs send them, ids already read. What does not fit is a RunIn."""

    id: uuid.UUID | None = None
    trace_id: uuid.UUID | None = None
    parent_run_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    reference_example_id: uuid.UUID | None = None


HEAVY = ("error", "inputs", "outputs", "events", "extra", "serialized")


class Batch(msgspec.Struct):
    """POST /runs/batch. Each run stays text, so that one bad run does not spoil the others."""

    post: list[Raw] | None = None
    patch: list[Raw] | None = None


run_decoder = msgspec.json.Decoder(RunIn)
exact_decoder = msgspec.json.Decoder(ExactRun)
batch_decoder = msgspec.json.Decoder(Batch)


def as_uuid(value: Any, field: str) -> uuid.UUID | None:
    if value is None or type(value) is uuid.UUID:
        return value
    if value == "":
        return None
    try:
        return uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        raise BadRun(f"{field} {shown(value)} is not a UUID") from None


def as_time(value: Any, field: str) -> datetime | None:
    """ISO 8601 with an offset, with Z, or naive (UTC); or a number: milliseconds since 1970 above 1e11, else seconds."""
    try:
        match value:
            case None | "":
                return None
            case str():
                moment = datetime.fromisoformat(value)
                if moment.tzinfo is UTC:
                    return moment
                return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
            case bool():
                raise ValueError
            case int() | float():
                return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise BadRun(f"{field} {shown(value)} is not a time (ISO 8601, or milliseconds since 1970)")


def as_text(value: Any, limit: int) -> str | None:
    """Anything that is not text becomes its JSON text; what is too long is cut."""
    if value is None:
        return None
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return clean_text(text[:limit])


def as_run_type(value: Any) -> str | None:
    if value is None:
        return None
    kind = value.lower() if isinstance(value, str) else ""
    if kind not in RUN_TYPES:
        raise BadRun(f"run_type {shown(value)} is not one of {', '.join(sorted(RUN_TYPES))}")
    return kind


def as_tags(value: Any) -> list[str] | None:
    if not value:
        return None
    items = value if isinstance(value, list) else [value]
    return [text for item in items[:MAX_TAGS] if (text := as_text(item, MAX_NAME))]


def shown(value: Any) -> str:
    return repr(value)[:80]


def segment(moment: datetime, run_id: uuid.UUID) -> str:
    """One step of a dotted_order: the start in UTC to the microsecond, then the run's id."""
    return f"{moment.year:04}{moment:%m%dT%H%M%S%f}Z{run_id}"  # %Y has no leading zeros


def as_dotted_order(value: Any, limit: int) -> str | None:
    """What is none, or is too long, counts as not given: the SDKs read the ids in it as UUIDs."""
    return value if isinstance(value, str) and len(value) <= limit and _DOTTED_ORDER.fullmatch(value) else None


def dotted_path(dotted_order: str) -> list[uuid.UUID]:
    """The ids from the root to the run itself; [] where the text is not a dotted_order."""
    try:
        return [uuid.UUID(step.partition("Z")[2]) for step in dotted_order.split(".")]
    except ValueError:
        return []


def dotted_time(dotted_order: str) -> datetime | None:
    """The start time of the run that its own step tells."""
    stamp = dotted_order.rpartition(".")[2].partition("Z")[0]
    try:
        return datetime.strptime(stamp + "Z", SEGMENT).replace(tzinfo=UTC)
    except ValueError:
        return None
