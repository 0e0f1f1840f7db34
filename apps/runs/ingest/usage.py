"""Where the SDKs and frameworks put token usage, read into one shape. Counts are tokens, costs US dollars."""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

MAX_COUNT = 2_147_483_647
MAX_COST = Decimal(10) ** 11
PLACES = Decimal("1e-12")


class Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_cost: Decimal | None = None
    completion_cost: Decimal | None = None
    total_cost: Decimal | None = None
    details: dict[str, Any] | None = None


def find_usage(metadata: dict[str, Any], outputs: Any) -> Usage | None:
    """The usage of a run: what its metadata says, else its outputs. None where neither tells."""
    raw = metadata.get("usage_metadata")
    if not isinstance(raw, dict):
        raw = _in_outputs(outputs) if isinstance(outputs, dict) else None
    return read_usage(raw) if raw else None


def _in_outputs(outputs: dict[str, Any]) -> dict[str, Any] | None:
    direct = outputs.get("usage_metadata")
    if isinstance(direct, dict):
        return direct
    for value in outputs.values():
        if isinstance(value, dict) and (found := _in_message(value)):
            return found
    generations = _in_generations(outputs.get("generations"))
    if generations:
        return generations
    llm_output = outputs.get("llm_output")
    legacy = llm_output.get("token_usage") if isinstance(llm_output, dict) else outputs.get("usage")
    return legacy if isinstance(legacy, dict) else None


def _in_message(value: dict[str, Any]) -> dict[str, Any] | None:
    """A LangChain message, plain or serialised (lc=1, fields under kwargs)."""
    for holder in (value, value.get("kwargs")):
        if isinstance(holder, dict) and isinstance(usage := holder.get("usage_metadata"), dict):
            return usage
    return None


def _in_generations(generations: Any) -> dict[str, Any] | None:
    """The first message of each prompt that tells its usage; several prompts are added up."""
    found = []
    for row in generations if isinstance(generations, list) else ():
        for item in row if isinstance(row, list) else (row,):
            message = item.get("message") if isinstance(item, dict) else None
            if isinstance(message, dict) and (usage := _in_message(message)):
                found.append(usage)
    if len(found) < 2:
        return found[0] if found else None
    keys = ("input_tokens", "output_tokens", "total_tokens")
    return {key: sum(_count(usage.get(key)) or 0 for usage in found) for key in keys}


def read_usage(raw: dict[str, Any]) -> Usage | None:
    """usage_metadata, or the older prompt_tokens/completion_tokens. None where it holds neither a count nor a cost."""
    prompt = _first_count(raw, "input_tokens", "prompt_tokens")
    completion = _first_count(raw, "output_tokens", "completion_tokens")
    total = _count(raw.get("total_tokens"))
    if total is None and (prompt is not None or completion is not None):
        total = min((prompt or 0) + (completion or 0), MAX_COUNT)
    prompt_cost, completion_cost = _cost(raw.get("input_cost")), _cost(raw.get("output_cost"))
    total_cost = _cost(raw.get("total_cost"))
    if total_cost is None and (prompt_cost is not None or completion_cost is not None):
        total_cost = (prompt_cost or Decimal(0)) + (completion_cost or Decimal(0))
    if total is None and total_cost is None:
        return None
    return Usage(prompt, completion, total, prompt_cost, completion_cost, total_cost, _details(raw))


_DETAILS = {
    "prompt": "input_token_details",
    "completion": "output_token_details",
    "prompt_cost": "input_cost_details",
    "completion_cost": "output_cost_details",
}


def _details(raw: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for name, key in _DETAILS.items():
        if isinstance(given := raw.get(key), dict):
            kept = {str(kind): amount for kind, amount in given.items() if isinstance(amount, int | float) and amount}
            if kept:
                found[name] = kept
    return found or None


def _first_count(raw: dict[str, Any], *keys: str) -> int | None:
    return next((count for key in keys if (count := _count(raw.get(key))) is not None), None)


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MAX_COUNT else None


def _cost(value: Any) -> Decimal | None:
    """Decimal by way of the text, so that 0.1 stays 0.1."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        cost = Decimal(str(value))
        return cost.quantize(PLACES) if cost.is_finite() and abs(cost) < MAX_COST else None
    except InvalidOperation:
        return None
