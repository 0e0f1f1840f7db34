"""Token counts and costs of the conventions in the shape of LangSmith's usage_metadata."""

import ast
from typing import Any

from apps.runs.ingest.otlp.attributes import Attributes, decoded

type Fields = dict[str, Any]

COUNTS = {
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens", "llm.token_count.completion"),
    "total_tokens": ("gen_ai.usage.total_tokens", "llm.usage.total_tokens", "llm.token_count.total"),
}
INPUT_DETAILS = {
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
    ),
    "cache_creation": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
    "audio": ("gen_ai.usage.audio.input_tokens", "llm.token_count.prompt_details.audio"),
}
OUTPUT_DETAILS = {
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    "audio": ("gen_ai.usage.audio.output_tokens", "llm.token_count.completion_details.audio"),
}
COSTS = {"input_cost": "llm.cost.prompt", "output_cost": "llm.cost.completion", "total_cost": "llm.cost.total"}
MAX_DETAILS_TEXT = 2_000


def usage_of(told: Attributes) -> Fields | None:
    """None where no convention tells a count or a cost."""
    whole = told.json("langsmith.usage_metadata")
    usage: Fields = {name: count for name, keys in COUNTS.items() if (count := _count(told.take(*keys))) is not None}
    usage |= {name: cost for name, key in COSTS.items() if (cost := told.take(key)) is not None}
    inputs = _details(told, INPUT_DETAILS, "gen_ai.usage.input_token_details")
    outputs = _details(told, OUTPUT_DETAILS, "gen_ai.usage.output_token_details")
    if isinstance(whole, dict):
        return whole
    if not usage:
        return None
    details = {"input_token_details": inputs, "output_token_details": outputs}
    return usage | {name: found for name, found in details.items() if found}


def _details(told: Attributes, kinds: dict[str, tuple[str, ...]], whole: str) -> Fields:
    found = {kind: count for kind, keys in kinds.items() if (count := _count(told.take(*keys)))}
    return {**_literal(told.take(whole)), **found}


def _literal(value: Any) -> Fields:
    """The LangSmith SDK writes the details as Python's repr."""
    found = decoded(value)
    if isinstance(found, str) and len(found) <= MAX_DETAILS_TEXT:
        try:
            found = ast.literal_eval(found)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return {}
    if not isinstance(found, dict):
        return {}
    return {str(kind): count for kind, amount in found.items() if (count := _count(amount)) is not None}


def _count(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        return int(value)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
