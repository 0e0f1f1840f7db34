"""Fills the table of prices from genai-prices' offline data, which takes 80 MB: only `manage.py load_prices` imports it, and ends."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, time
from importlib.metadata import version
from typing import Any

from django.db import transaction

from apps.runs.prices import ModelPrice

PACKAGE = "genai-prices"
KINDS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "output_reasoning_mtok": "output_reasoning",
    "input_image_mtok": "input_image",
    "output_image_mtok": "output_image",
}


SOURCE = f"{PACKAGE} {version(PACKAGE)}"


def loaded() -> bool:
    """Whether the built-in prices are those of the installed list."""
    return ModelPrice.objects.from_source(SOURCE).exists()


def load() -> int:
    """Replace the built-in prices where the installed list is another. Returns how many there are now, 0 for no change."""
    if loaded():
        return 0
    rows = [ModelPrice(source=SOURCE, **fields) for fields in _all()]
    with transaction.atomic():
        ModelPrice.objects.built_in().delete()
        ModelPrice.objects.bulk_create(rows, batch_size=1000)
    return len(rows)


def _all() -> Iterator[dict[str, Any]]:
    from genai_prices.data import providers

    for provider in providers:
        for model in provider.models:
            pattern = regex(model.match)
            for starts_at, prices in _by_date(model.prices):
                if told := _prices(prices):
                    yield {
                        "provider": provider.id,
                        "model": model.id[:200],
                        "pattern": pattern,
                        "prices": told,
                        "starts_at": starts_at,
                    }


def regex(clause: Any) -> str:
    """A match clause of the list as a regular expression for re.search."""
    match vars(clause):
        case {"equals": text}:
            return f"^{re.escape(str(text))}$"
        case {"starts_with": text}:
            return f"^{re.escape(str(text))}"
        case {"ends_with": text}:
            return f"{re.escape(text)}$"
        case {"contains": text}:
            return re.escape(str(text))
        case {"regex": pattern}:
            return str(pattern)
        case {"or_": clauses}:
            return "|".join(f"(?:{regex(one)})" for one in clauses)
        case {"and_": clauses}:
            return "^" + "".join(f"(?=.*(?:{regex(one)}))" for one in clauses)
    raise ValueError(f"unknown clause {clause!r}")


def _by_date(prices: Any) -> Iterator[tuple[datetime | None, Any]]:
    """Prices with the day they start; those by the time of day are left out, as a run's tokens are not told by hour."""
    for entry in prices if isinstance(prices, list) else [prices]:
        constraint = getattr(entry, "constraint", None)
        if constraint is None:
            yield None, getattr(entry, "prices", entry)
        elif start := getattr(constraint, "start_date", None):
            yield datetime.combine(start, time(), UTC), entry.prices


def _prices(prices: Any) -> dict[str, Any]:
    found = {KINDS[key]: value for key, value in vars(prices).items() if key in KINDS and value is not None}
    return {kind: _as_json(value) for kind, value in found.items()}


def _as_json(value: Any) -> Any:
    if hasattr(value, "tiers"):
        return {"base": str(value.base), "tiers": [[tier.start, str(tier.price)] for tier in value.tiers]}
    return str(value)
