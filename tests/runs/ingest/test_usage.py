"""Usage as each provider and framework tells it, against values worked out by hand."""

from decimal import Decimal
from typing import Any

import pytest

from apps.runs.ingest.usage import Usage, find_usage

type Shape = dict[str, Any]

OPENAI = {
    "prompt_tokens": 1117,
    "completion_tokens": 46,
    "total_tokens": 1163,
    "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 32, "audio_tokens": 0},
}
RESPONSES = {
    "input_tokens": 328,
    "input_tokens_details": {"cached_tokens": 100},
    "output_tokens": 52,
    "output_tokens_details": {"reasoning_tokens": 12},
    "total_tokens": 380,
}
ANTHROPIC = {
    "input_tokens": 21,
    "cache_creation_input_tokens": 188,
    "cache_read_input_tokens": 1000,
    "output_tokens": 393,
}
ANTHROPIC_HOUR = {
    "input_tokens": 20,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 200, "ephemeral_1h_input_tokens": 100},
    "output_tokens": 5,
}
FIVE_MINUTES, HOUR = "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"
# As wrap_anthropic of Python and wrapAnthropic of TypeScript make it of the provider's numbers, and as langchain-anthropic does.
WRAPPED_ANTHROPIC = {
    "input_tokens": 1309,
    "output_tokens": 393,
    "total_tokens": 1702,
    "input_token_details": {"cache_read": 1000, FIVE_MINUTES: 188, HOUR: 100},
}
WRAPPED_ANTHROPIC_JS = {
    "input_tokens": 309,
    "output_tokens": 1,
    "total_tokens": 310,
    "input_token_details": {"cache_read": 0, FIVE_MINUTES: 188, "ephemeral_1hr_input_tokens": 100},
}
LANGCHAIN_ANTHROPIC = {
    "input_tokens": 309,
    "output_tokens": 1,
    "total_tokens": 310,
    "input_token_details": {"cache_read": 0, "cache_creation": 288, FIVE_MINUTES: 188, HOUR: 100},
}
WRAPPED_GEMINI = {
    "input_tokens": 260_000,
    "output_tokens": 7,
    "total_tokens": 260_020,
    "input_token_details": {"cache_read": 200_000, "cache_read_over_200k": 10_000, "over_200k": 0},
    "output_token_details": {"reasoning": 13, "over_200k": 0},
}
# wrap_openai where the answer's service_tier is flex.
FLEX = {
    "input_tokens": 1117,
    "output_tokens": 46,
    "total_tokens": 1163,
    "input_token_details": {"audio": 0, "flex_cache_read": 1024, "flex": 93},
    "output_token_details": {"audio": 0, "flex_reasoning": 0, "flex": 46},
}
BEDROCK = {
    "inputTokens": 10,
    "outputTokens": 7,
    "totalTokens": 117,
    "cacheReadInputTokens": 100,
    "cacheWriteInputTokens": 0,
}
GEMINI = {"prompt_token_count": 50, "candidates_token_count": 7, "thoughts_token_count": 13, "total_token_count": 70}
GEMINI_WIRE = {"promptTokenCount": 50, "candidatesTokenCount": 7, "totalTokenCount": 57, "cachedContentTokenCount": 40}
LANGCHAIN = {
    "input_tokens": 350,
    "output_tokens": 240,
    "total_tokens": 590,
    "input_token_details": {"audio": 10, "cache_creation": 200, "cache_read": 100},
    "output_token_details": {"audio": 10, "reasoning": 200},
}


def message(usage: Shape) -> Shape:
    return {"lc": 1, "type": "constructor", "kwargs": {"content": "hi", "usage_metadata": usage}}


@pytest.mark.parametrize(
    ("outputs", "prompt", "completion", "total", "details"),
    [
        ({"usage": OPENAI}, 1117, 46, 1163, {"prompt": {"cache_read": 1024}, "completion": {"reasoning": 32}}),
        ({"usage": RESPONSES}, 328, 52, 380, {"prompt": {"cache_read": 100}, "completion": {"reasoning": 12}}),
        ({"usage": ANTHROPIC}, 1209, 393, 1602, {"prompt": {"cache_read": 1000, "cache_creation": 188}}),
        ({"usage": ANTHROPIC_HOUR}, 320, 5, 325, {"prompt": {FIVE_MINUTES: 200, HOUR: 100}}),
        (
            {"usage_metadata": WRAPPED_ANTHROPIC},
            1309,
            393,
            1702,
            {"prompt": {"cache_read": 1000, FIVE_MINUTES: 188, HOUR: 100}},
        ),
        ({"usage_metadata": WRAPPED_ANTHROPIC_JS}, 309, 1, 310, {"prompt": {FIVE_MINUTES: 188, HOUR: 100}}),
        ({"message": {"usage_metadata": LANGCHAIN_ANTHROPIC}}, 309, 1, 310, {"prompt": {FIVE_MINUTES: 188, HOUR: 100}}),
        ({"usage": BEDROCK}, 110, 7, 117, {"prompt": {"cache_read": 100}}),
        ({"usage_metadata": GEMINI}, 50, 20, 70, {"completion": {"reasoning": 13}}),
        (
            {"usage_metadata": WRAPPED_GEMINI},
            260_000,
            20,
            260_020,
            {"prompt": {"cache_read": 200_000, "cache_read_over_200k": 10_000}, "completion": {"reasoning": 13}},
        ),
        (
            {"usage_metadata": FLEX},
            1117,
            46,
            1163,
            {"prompt": {"flex_cache_read": 1024, "flex": 93}, "completion": {"flex": 46}},
        ),
        ({"usage_metadata": {"input_tokens": 8, "total_tokens": 8}}, 8, None, 8, None),
        ({"usageMetadata": GEMINI_WIRE}, 50, 7, 57, {"prompt": {"cache_read": 40}}),
        (
            {"usage_metadata": LANGCHAIN},
            350,
            240,
            590,
            {
                "prompt": {"audio": 10, "cache_creation": 200, "cache_read": 100},
                "completion": {"audio": 10, "reasoning": 200},
            },
        ),
        ({"message": {"usage_metadata": {"input_tokens": 3, "output_tokens": 4}}}, 3, 4, 7, None),
        ({"message": message({"input_tokens": 3, "output_tokens": 4})}, 3, 4, 7, None),
        ({"generations": [[{"message": message({"input_tokens": 3, "output_tokens": 4})}]]}, 3, 4, 7, None),
        ({"generations": [[{"message": message({"input_tokens": 3, "output_tokens": 4})}]] * 2}, 6, 8, 14, None),
        (
            {"llm_output": {"token_usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}}},
            9,
            1,
            10,
            None,
        ),
    ],
)
def test_each_shape_is_read_to_the_last_token(
    outputs: Shape, prompt: int, completion: int, total: int, details: Shape | None
) -> None:
    usage = find_usage({}, outputs)
    assert usage == Usage(prompt, completion, total, details=details)


@pytest.mark.parametrize(
    "outputs", [None, {}, [], {"usage_metadata": None}, {"usage": {}}, {"choices": [{"delta": {}}]}, {"usage": "x"}]
)
def test_no_usage_is_none_and_not_zero(outputs: object) -> None:
    assert find_usage({}, outputs) is None


def test_the_metadata_wins_over_the_outputs() -> None:
    usage = find_usage({"usage_metadata": {"input_tokens": 1, "output_tokens": 1}}, {"usage": OPENAI})
    assert usage == Usage(1, 1, 2)


def test_cached_tokens_past_the_input_are_taken_as_beside_it() -> None:
    usage = find_usage(
        {}, {"usage_metadata": {"input_tokens": 5, "output_tokens": 1, "input_token_details": {"cache_read": 90}}}
    )
    assert usage is not None
    assert (usage.prompt_tokens, usage.total_tokens) == (95, 96)


@pytest.mark.parametrize("cost", [0.1, "0.1"])
def test_costs_that_the_client_sends_are_exact(cost: object) -> None:
    usage = find_usage({}, {"usage_metadata": {"input_cost": cost, "output_cost": 0.2}})
    assert usage is not None
    assert (usage.prompt_cost, usage.total_cost) == (Decimal("0.1"), Decimal("0.3"))


@pytest.mark.parametrize("bad", [-1, True, "12", 1e300, None, [], {"a": 1}])
def test_a_count_that_is_none_is_left_out(bad: object) -> None:
    usage = find_usage({}, {"usage": {"prompt_tokens": bad, "completion_tokens": 4}})
    assert usage == Usage(None, 4, 4)
