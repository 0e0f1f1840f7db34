"""Where the SDKs, frameworks and providers put token usage, read into one shape. Counts are tokens, costs US dollars."""

from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

MAX_COUNT = 2_147_483_647
MAX_COST = Decimal(10) ** 11
PLACES = Decimal("1e-12")


class Usage(msgspec.Struct, frozen=True):
    """prompt_tokens holds all of the prompt, cached tokens included, whichever way the provider counts them."""

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


_KEYS = ("usage_metadata", "usageMetadata")


def _in_outputs(outputs: dict[str, Any]) -> dict[str, Any] | None:
    if direct := _first_dict(outputs, _KEYS):
        return direct
    for value in outputs.values():
        if isinstance(value, dict) and (found := _in_message(value)):
            return found
    if generations := _in_generations(outputs.get("generations")):
        return generations
    llm_output = outputs.get("llm_output")
    return _first_dict(llm_output, ("token_usage", "usage")) or _first_dict(outputs, ("usage", "token_usage"))


def _first_dict(holder: Any, keys: tuple[str, ...]) -> dict[str, Any] | None:
    if isinstance(holder, dict):
        for key in keys:
            if (value := holder.get(key)) and isinstance(value, dict):
                return value
    return None


def _in_message(value: dict[str, Any]) -> dict[str, Any] | None:
    """A LangChain message, plain or serialised (lc=1, fields under kwargs)."""
    return _first_dict(value, _KEYS) or _first_dict(value.get("kwargs"), _KEYS)


def _in_generations(generations: Any) -> dict[str, Any] | None:
    """The messages that tell their usage; several prompts are added up."""
    found = []
    for row in generations if isinstance(generations, list) else ():
        for item in row if isinstance(row, list) else (row,):
            message = item.get("message") if isinstance(item, dict) else None
            if isinstance(message, dict) and (usage := _in_message(message)):
                found.append(usage)
    if len(found) < 2:
        return found[0] if found else None
    keys = ("input_tokens", "output_tokens")
    return {key: sum(_count(usage.get(key)) or 0 for usage in found) for key in keys}


# LangSmith and LangChain, OpenAI chat, Bedrock, Gemini in Python and on the wire.
_PROMPT = ("input_tokens", "prompt_tokens", "inputTokens", "prompt_token_count", "promptTokenCount")
_COMPLETION = ("output_tokens", "completion_tokens", "outputTokens", "candidates_token_count", "candidatesTokenCount")
_TOTAL = ("total_tokens", "totalTokens", "total_token_count", "totalTokenCount")
_PROMPT_DETAILS = ("input_token_details", "prompt_tokens_details", "input_tokens_details")
_COMPLETION_DETAILS = ("output_token_details", "completion_tokens_details", "output_tokens_details")
# Kinds that stand outside of a details object, and kinds that have another name there.
_FLAT_PROMPT = {
    "cache_read_input_tokens": "cache_read",
    "cacheReadInputTokens": "cache_read",
    "cached_content_token_count": "cache_read",
    "cachedContentTokenCount": "cache_read",
    "cache_creation_input_tokens": "cache_creation",
    "cacheWriteInputTokens": "cache_creation",
}
_FLAT = frozenset((*_FLAT_PROMPT, "cache_creation"))
_THOUGHTS = ("thoughts_token_count", "thoughtsTokenCount")
_RENAMED = {
    "cached_tokens": "cache_read",
    "reasoning_tokens": "reasoning",
    "audio_tokens": "audio",
    "cache_write": "cache_creation",
    "ephemeral_1hr_input_tokens": "ephemeral_1h_input_tokens",
}
# Anthropic's cache writes by how long they are kept; LangSmith's SDKs call them so too.
_KEPT = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")
_CACHED = ("cache_read", "cache_read_over_200k", "cache_creation", *_KEPT)
# The keys by which Anthropic and Bedrock count cached tokens beside the input.
_BESIDE = ("cache_read_input_tokens", "cache_creation_input_tokens", "cacheReadInputTokens", "cacheWriteInputTokens")


def read_usage(raw: dict[str, Any]) -> Usage | None:
    """None where it holds neither a count nor a cost."""
    prompt, completion, total = _first_count(raw, _PROMPT), _first_count(raw, _COMPLETION), _first_count(raw, _TOTAL)
    prompt_kinds = _told_once(_kinds(raw, _PROMPT_DETAILS) | _flat_kinds(raw))
    completion_kinds = _kinds(raw, _COMPLETION_DETAILS)
    if thoughts := _first_count(raw, _THOUGHTS):
        completion, completion_kinds["reasoning"] = (completion or 0) + thoughts, thoughts
    elif (beside := completion_kinds.get("reasoning", 0)) and total == (prompt or 0) + (completion or 0) + beside:
        completion = (completion or 0) + beside  # Gemini's thoughts as LangSmith's SDKs tell them
    cached = sum([prompt_kinds.get(kind, 0) for kind in _CACHED]) if prompt_kinds else 0
    if prompt is not None and cached and _counted_beside(raw, prompt, completion or 0, total, cached):
        prompt, total = min(prompt + cached, MAX_COUNT), None
    if total is None and (prompt is not None or completion is not None):
        total = min((prompt or 0) + (completion or 0), MAX_COUNT)
    prompt_cost, completion_cost = _cost(raw.get("input_cost")), _cost(raw.get("output_cost"))
    total_cost = _cost(raw.get("total_cost"))
    if total_cost is None and (prompt_cost is not None or completion_cost is not None):
        total_cost = (prompt_cost or Decimal(0)) + (completion_cost or Decimal(0))
    if total is None and total_cost is None:
        return None
    details = {
        "prompt": prompt_kinds,
        "completion": completion_kinds,
        "prompt_cost": _amounts(raw.get("input_cost_details")),
        "completion_cost": _amounts(raw.get("output_cost_details")),
    }
    kept = {name: kinds for name, kinds in details.items() if kinds}
    return Usage(prompt, completion, total, prompt_cost, completion_cost, total_cost, kept or None)


def _counted_beside(raw: dict[str, Any], prompt: int, completion: int, total: int | None, cached: int) -> bool:
    """Whether the cached tokens come on top of the prompt's count: by the provider's own keys, or because the numbers say so."""
    if any(key in raw for key in _BESIDE):
        return total is None or total != prompt + completion or cached > prompt
    return cached > prompt or total == prompt + completion + cached


def _kinds(raw: dict[str, Any], keys: tuple[str, ...]) -> dict[str, int]:
    given = _first_dict(raw, keys) or {}
    return {
        _RENAMED.get(kind, kind[:60]): count for kind, amount in given.items() if amount and (count := _count(amount))
    }


def _flat_kinds(raw: dict[str, Any]) -> dict[str, int]:
    if _FLAT.isdisjoint(raw):
        return {}
    kinds = {kind: count for key, kind in _FLAT_PROMPT.items() if (count := _count(raw.get(key)))}
    creation = raw.get("cache_creation")
    kept = creation if isinstance(creation, dict) else {}
    return kinds | {kind: count for kind in _KEPT if (count := _count(kept.get(kind)))}


def _told_once(kinds: dict[str, int]) -> dict[str, int]:
    """Cache writes by how long they are kept may come with their sum."""
    if "cache_creation" not in kinds:
        return kinds
    kept = sum(kinds.get(kind, 0) for kind in _KEPT)
    rest = max(kinds.pop("cache_creation", 0) - kept, 0)
    return kinds | ({"cache_creation": rest} if rest else {})


def _amounts(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        return {}
    return {str(kind)[:60]: amount for kind, amount in given.items() if isinstance(amount, int | float) and amount}


def _first_count(raw: dict[str, Any], keys: tuple[str, ...]) -> int | None:
    for key in keys:
        if (value := raw.get(key)) is not None and (count := _count(value)) is not None:
            return count
    return None


def _count(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= MAX_COUNT else None


def _cost(value: Any) -> Decimal | None:
    """Decimal by way of the text, so that 0.1 stays 0.1."""
    if value is None or isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        cost = Decimal(str(value))
        return cost.quantize(PLACES) if cost.is_finite() and abs(cost) < MAX_COST else None
    except InvalidOperation:
        return None
