"""What PostgreSQL and Python must both be able to hold."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

MAX_JSON_DEPTH = 50


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


def in_zone(moment: datetime) -> datetime:
    """In the zone of the reader, or in UTC at the ends of the calendar, where a zone may lead past them."""
    try:
        return timezone.localtime(moment)
    except OverflowError:
        return moment.astimezone(UTC)
