"""What runs cost by the table of prices."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.accounts.models import Workspace
from apps.runs import pricing
from apps.runs.ingest.deliver import deliver
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run
from apps.runs.price_list import load
from apps.runs.prices import ModelPrice
from apps.runs.pricing import Cost, cost_of
from apps.threads.models import Thread
from tests.runs.ingest.wire import START, Wire, llm, patch_of, wire_run

pytestmark = pytest.mark.django_db

GPT = {"input": "0.15", "output": "0.6", "cache_read": "0.075"}
GEMINI = {
    "input": {"base": "1.25", "tiers": [[200_000, "2.5"]]},
    "output": {"base": "10", "tiers": [[200_000, "15"]]},
    "cache_read": {"base": "0.125", "tiers": [[200_000, "0.25"]]},
}
FIVE_MINUTES, HOUR = "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"
CLAUDE = {"input": "3", "output": "15", "cache_read": "0.3", "cache_write": "3.75", "cache_write_1h": "6"}


@pytest.fixture(autouse=True)
def prices() -> None:
    pricing._rules.clear()
    ModelPrice.objects.create(provider="openai", model="mini", pattern="^gpt-4o-mini", prices=GPT, source="list")


def priced(model: str = "gpt-4o-mini-2024-07-18", provider: str = "openai", **fields: Any) -> Wire:
    metadata = {"ls_model_name": model, "ls_provider": provider, "session_id": "t"}
    return llm(**fields) | {"extra": {"metadata": metadata}}


def total() -> Decimal | None:
    return Run.objects.get(run_type="llm").total_cost


@pytest.mark.parametrize(
    ("prices", "tokens", "details", "prompt", "completion"),
    [
        (GPT, (1000, 100), None, "0.00015", "0.00006"),
        (GPT, (1117, 46), {"prompt": {"cache_read": 1024}}, "0.00009075", "0.0000276"),
        (CLAUDE, (1209, 393), {"prompt": {"cache_read": 1000, "cache_creation": 188}}, "0.001068", "0.005895"),
        (CLAUDE, (320, 5), {"prompt": {FIVE_MINUTES: 200, HOUR: 100}}, "0.00141", "0.000075"),
        ({"input": "1", "output": "1", "cache_write": "2"}, (10, 0), {"prompt": {HOUR: 10}}, "0.00002", "0"),
        (
            GEMINI,
            (260_000, 20),
            {"prompt": {"cache_read": 200_000, "cache_read_over_200k": 10_000}},
            "0.1775",
            "0.0003",
        ),
        (GPT, (1117, 46), {"prompt": {"flex_cache_read": 1024, "flex": 93}}, "0.00009075", "0.0000276"),
        ({**GPT, "output_reasoning": "1.2"}, (0, 100), {"completion": {"reasoning": 40}}, "0", "0.000084"),
        ({"input": {"base": "1", "tiers": [[200, "2"]]}, "output": "1"}, (200, 0), None, "0.0002", "0"),
        ({"input": {"base": "1", "tiers": [[200, "2"]]}, "output": "1"}, (201, 0), None, "0.000402", "0"),
        ({"input": "0.02"}, (1000, 0), None, "0.00002", "0"),
        (GPT, (10, 0), {"prompt": {"cache_read": 900}}, "0.00000075", "0"),
    ],
)
def test_costs_are_exact(
    prices: dict, tokens: tuple[int, int], details: dict | None, prompt: str, completion: str
) -> None:
    cost = cost_of(prices, *tokens, details)
    assert isinstance(cost, Cost)
    assert (cost.prompt, cost.completion) == (Decimal(prompt), Decimal(completion))


def test_a_used_kind_without_any_price_leaves_the_run_unpriced() -> None:
    assert cost_of({"input": "1"}, 10, 5, None) is None


def test_a_run_with_a_known_model_is_priced(workspace: Workspace) -> None:
    deliver(workspace, [priced(tokens=(1000, 100))])
    run = Run.objects.get()
    assert (run.total_cost, run.cost_source) == (Decimal("0.00021"), "table")
    assert Thread.objects.get().known_cost == Decimal("0.00021")


def test_the_clients_cost_wins(workspace: Workspace) -> None:
    deliver(workspace, [priced(cost=0.5)])
    assert Run.objects.get().cost_source == "client"
    assert total() == Decimal("0.5")


@pytest.mark.parametrize("model", ["llama-3-local", "gpt-5-unheard-of"])
def test_an_unknown_model_is_unpriced_and_not_free(workspace: Workspace, model: str) -> None:
    deliver(workspace, [priced(model)])
    assert total() is None
    assert Thread.objects.get().known_cost is None


def test_a_provider_that_is_not_in_the_table_is_not_guessed_at(workspace: Workspace) -> None:
    deliver(workspace, [priced(provider="ollama")])
    assert total() is None


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("late_post", [True, False])
def test_model_and_tokens_may_come_apart(workspace: Workspace, together: bool, late_post: bool) -> None:
    whole = priced(tokens=(1000, 100))
    post = {key: value for key, value in whole.items() if key not in ("outputs", "end_time")}
    patch = patch_of(whole, run_type="llm", outputs=whole["outputs"], end_time=whole["end_time"])
    if together:
        deliver(workspace, [post], [patch])
    else:
        for posts, patches in [([], [patch]), ([post], [])] if late_post else [([post], []), ([], [patch])]:
            deliver(workspace, posts, patches)
    assert total() == Decimal("0.00021")
    assert list(reconcile()) == []


def test_the_price_of_the_day_counts(workspace: Workspace) -> None:
    later = START + timedelta(days=1)
    ModelPrice.objects.create(
        provider="openai",
        model="mini",
        pattern="^gpt-4o-mini",
        prices={"input": "1", "output": "1"},
        starts_at=later,
        source="list",
    )
    deliver(workspace, [priced(tokens=(1000, 0)), priced(tokens=(1000, 0), at=2 * 86400)])
    assert sorted(Run.objects.values_list("total_cost", flat=True)) == [Decimal("0.00015"), Decimal("0.001")]


def test_ones_own_price_wins_over_the_list(workspace: Workspace) -> None:
    ModelPrice.objects.create(provider="", model="ours", pattern="mini", prices={"input": "0", "output": "0"})
    deliver(workspace, [priced()])
    assert total() == 0


def test_a_broken_pattern_of_ones_own_is_passed_over(workspace: Workspace) -> None:
    ModelPrice.objects.create(provider="", model="ours", pattern="(", prices={"input": "9"})
    deliver(workspace, [priced(tokens=(1000, 100))])
    assert total() == Decimal("0.00021")


def test_costs_of_kinds_are_told(workspace: Workspace) -> None:
    root = wire_run()
    usage = {"input_tokens": 1000, "output_tokens": 0, "input_token_details": {"cache_read": 400}}
    deliver(workspace, [root, {**priced(parent=root), "outputs": {"usage_metadata": usage}}])
    details = Run.objects.get(run_type="llm").usage_details
    assert details == {"prompt": {"cache_read": 400}, "prompt_cost": {"cache_read": 0.00003}}


def test_the_list_loads_once_and_keeps_ones_own() -> None:
    ModelPrice.objects.create(provider="openai", model="own", pattern="x", prices={})
    assert load() > 1000
    assert load() == 0
    assert ModelPrice.objects.filter(source="").count() == 1
    assert not ModelPrice.objects.filter(source="list").exists()


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-2024-08-06"),
        (None, "claude-sonnet-4-20250514"),
        ("google_genai", "gemini-2.5-pro"),
        ("azure", "gpt-4o"),
        ("amazon_bedrock", "anthropic.claude-3-5-sonnet-20241022-v2:0"),
    ],
)
def test_models_in_use_are_in_the_list(provider: str | None, model: str) -> None:
    load()
    assert pricing.prices_for(provider, model, START) is not None
