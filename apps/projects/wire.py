"""Values of the v1 API as pydantic checks them. It is large: what runs without the API imports apps.projects.values."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator

from apps.projects.values import MAX_JSON_DEPTH, storable, utc


def _without_nul(text: str) -> str:
    """PostgreSQL neither stores nor looks for NUL."""
    return text.replace("\x00", "")


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    if not storable(value):
        raise ValueError(f"nests deeper than {MAX_JSON_DEPTH}, or holds what cannot be stored")
    return value


type Text = Annotated[str, AfterValidator(_without_nul)]
type Moment = Annotated[datetime, AfterValidator(utc)]
type Json = Annotated[dict[str, Any], AfterValidator(_storable)]
