"""Values of the v1 API that PostgreSQL and Python must both be able to hold."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator

MAX_JSON_DEPTH = 50


def _without_nul(text: str) -> str:
    """PostgreSQL neither stores nor looks for NUL."""
    return text.replace("\x00", "")


def utc(moment: datetime) -> datetime:
    """Without an offset it is UTC. Raises ValueError where UTC leaves the years that Python can read back."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("the year is out of range") from None


def storable(value: Any, depth: int = MAX_JSON_DEPTH) -> bool:
    """Whether a JSON value nests at most so deep and holds nothing that jsonb refuses."""
    match value:
        case dict():
            return depth > 0 and all("\x00" not in key and storable(item, depth - 1) for key, item in value.items())
        case list():
            return depth > 0 and all(storable(item, depth - 1) for item in value)
        case str():
            return "\x00" not in value
        case float():
            return abs(value) < 1e300
    return True


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    if not storable(value):
        raise ValueError(f"nests deeper than {MAX_JSON_DEPTH}, or holds what cannot be stored")
    return value


type Text = Annotated[str, AfterValidator(_without_nul)]
type Moment = Annotated[datetime, AfterValidator(utc)]
type Json = Annotated[dict[str, Any], AfterValidator(_storable)]
