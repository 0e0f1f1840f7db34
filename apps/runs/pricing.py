"""What tokens cost, by the table of prices: the most specific kinds first, the rest at the base price. Decimals throughout."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from time import monotonic
from typing import Any, Final, NamedTuple

from apps.runs.prices import ModelPrice

NOTHING, MILLION = Decimal(0), Decimal(1_000_000)
PLACES = Decimal("1e-12")
FRESH_FOR = 30
"""Seconds."""
MOST_MODELS = 2_000

# The kinds that usage details name -> the price that is theirs, the next one where the table has none.
PROMPT_KINDS = {
    "ephemeral_1h_input_tokens": ("cache_write_1h", "cache_write"),
    "ephemeral_5m_input_tokens": ("cache_write",),
    "cache_creation": ("cache_write",),
    "cache_read": ("cache_read",),
    "cache_read_over_200k": ("cache_read",),
    "flex_cache_read": ("cache_read",),
    "priority_cache_read": ("cache_read",),
    "audio": ("input_audio",),
    "image": ("input_image",),
}
COMPLETION_KINDS = {"reasoning": ("output_reasoning",), "audio": ("output_audio",), "image": ("output_image",)}
PRICED: Final = (
    "input",
    "output",
    *sorted({n for kinds in (PROMPT_KINDS, COMPLETION_KINDS) for names in kinds.values() for n in names}),
)
"""What a table of prices may name."""


class Cost(NamedTuple):
    """US dollars. `prompt_kinds` and `completion_kinds` tell the part of each kind that has a price of its own."""

    prompt: Decimal
    completion: Decimal
    prompt_kinds: dict[str, str]
    completion_kinds: dict[str, str]

    @property
    def total(self) -> Decimal:
        return self.prompt + self.completion


class Rule(NamedTuple):
    matches: re.Pattern[str]
    starts_at: datetime | None
    prices: dict[str, Any]


_NONE: Mapping[str, int] = {}


def cost_of(
    prices: Mapping[str, Any], prompt_tokens: int, completion_tokens: int, details: Mapping[str, Any] | None
) -> Cost | None:
    """None where the table has no price for something that was used."""
    details = details or {}
    prompt = _side(prices, "input", PROMPT_KINDS, prompt_tokens, details.get("prompt", _NONE), prompt_tokens)
    completion = _side(
        prices, "output", COMPLETION_KINDS, completion_tokens, details.get("completion", _NONE), prompt_tokens
    )
    if prompt is None or completion is None:
        return None
    return Cost(prompt[0], completion[0], prompt[1], completion[1])


def _side(
    prices: Mapping[str, Any],
    base: str,
    kinds: Mapping[str, tuple[str, ...]],
    tokens: int,
    counts: Mapping[str, int],
    prompt_tokens: int,
) -> tuple[Decimal, dict[str, str]] | None:
    left, total, told = tokens, NOTHING, {}
    for kind, names in kinds.items() if counts else ():
        count = min(counts.get(kind, 0), left)
        if count <= 0 or (price_name := next((name for name in names if name in prices), None)) is None:
            continue
        amount = _amount(prices[price_name], count, prompt_tokens)
        told[kind] = str(amount)
        total, left = total + amount, left - count
    if left and base not in prices:
        return None
    return (total + _amount(prices[base], left, prompt_tokens) if left else total), told


def _amount(price: Any, count: int, prompt_tokens: int) -> Decimal:
    if isinstance(price, dict):
        reached = [tier for start, tier in price["tiers"] if prompt_tokens > start]
        price = reached[-1] if reached else price["base"]
    return (_decimal(str(price)) * count / MILLION).quantize(PLACES)


_decimal = lru_cache(maxsize=4096)(Decimal)


def check(prices: Any) -> None:
    """Raises ValueError with a sentence where cost_of() could not compute with these."""
    if not isinstance(prices, dict) or not prices:
        raise ValueError('Write an object, such as {"input": "0.15", "output": "0.60"}.')
    for kind, price in prices.items():
        if kind not in PRICED:
            raise ValueError(f"{kind} is none of {', '.join(PRICED)}.")
        try:
            amounts = [_amount(price, 1, prompt) for prompt in (0, 10**9)]
            fits = all(amount.is_finite() and amount >= 0 for amount in amounts)
        except (InvalidOperation, KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise ValueError(
                f'The price of {kind} is an amount such as "0.15", or {{"base": "1.25", "tiers": [[200000, "2.5"]]}}.'
            )


_rules: dict[tuple[str | None, str], tuple[float, list[Rule]]] = {}


def prices_for(provider: str | None, model: str, at: datetime) -> dict[str, Any] | None:
    """The prices of a model at a moment. Looked up at most every half minute, so that a change of the table holds at once for a person."""
    key = (provider, model)
    read_at, rules = _rules.get(key, (None, []))
    now = monotonic()
    if read_at is None or now - read_at > FRESH_FOR:
        if len(_rules) > MOST_MODELS:
            _rules.clear()
        rules = _matching(provider, model)
        _rules[key] = (now, rules)
    return next((rule.prices for rule in rules if rule.starts_at is None or rule.starts_at <= at), None)


# The names that ls_provider and gen_ai.system use -> those of the table, where they differ.
PROVIDERS = {
    "amazon_bedrock": "aws",
    "aws_bedrock": "aws",
    "aws.bedrock": "aws",
    "bedrock": "aws",
    "azure_openai": "azure",
    "azure.ai.openai": "azure",
    "google_genai": "google",
    "google_vertexai": "google",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gemini": "google",
    "vertexai": "google",
    "mistralai": "mistral",
    "mistral_ai": "mistral",
    "xai": "x-ai",
}


# A provider that serves the models of others at their makers' prices.
RESOLD = {"azure": ("openai", "anthropic", "deepseek", "x-ai", "moonshotai"), "google": ("anthropic",)}
# Where no provider is told, the model's name must do. No resellers here: the same name costs differently with each.
MAKERS = ("openai", "anthropic", "google", "mistral", "deepseek", "cohere", "x-ai", "moonshotai", "perplexity")


def _matching(provider: str | None, model: str) -> list[Rule]:
    """A provider that is told but not in the table, such as a local server, is not guessed at: its runs stay unpriced."""
    name = (provider or "").lower()
    name = PROVIDERS.get(name, name)
    names = ("", name, *RESOLD.get(name, ())) if name else ("", *MAKERS)
    rules = [
        (row.provider, rule)
        for row in ModelPrice.objects.of_providers(names)
        if (rule := _rule(row)) and rule.matches.search(model)
    ]
    return [rule for owner, rule in rules if owner == rules[0][0]]


def _rule(row: ModelPrice) -> Rule | None:
    try:
        return Rule(re.compile(row.pattern, re.IGNORECASE), row.starts_at, row.prices)
    except re.error:
        return None
