"""Prices of one's own are set on the admin site, which refuses what nothing could be computed with."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User, Workspace
from apps.runs.prices import ModelPrice
from apps.runs.pricing import prices_for
from tests.threads.wire import send, unpriced

ADD = {"model": "own-model-7", "provider": "", "pattern": "^own-model", "starts_at_0": "", "starts_at_1": ""}


@pytest.fixture
def root(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("root@example.org", "correct horse", name="Root"))
    return client


def add(root: Client, prices: Any, **fields: str) -> str:
    answer = root.post(reverse("admin:runs_modelprice_add"), {**ADD, "prices": json.dumps(prices), **fields})
    return answer.content.decode()


def test_a_price_of_ones_own_counts(root: Client) -> None:
    tiers = {"base": "1.25", "tiers": [[200_000, "2.5"]]}
    add(root, {"input": tiers, "output": "0.6", "cache_read": 0.1})
    assert prices_for("anybody", "own-model-7", timezone.now()) == {"input": tiers, "output": "0.6", "cache_read": 0.1}


@pytest.mark.parametrize(
    "prices",
    [
        {},
        [],
        3,
        {"words": "1"},
        {"input": "dear"},
        {"input": "-1"},
        {"input": "NaN"},
        {"input": {"base": "1"}},
        {"input": {"base": "1", "tiers": [3]}},
    ],
)
def test_what_is_no_price_is_refused(root: Client, prices: Any) -> None:
    assert "errorlist" in add(root, prices)
    assert not ModelPrice.objects.exists()


def test_what_is_no_pattern_is_refused(root: Client) -> None:
    assert "no regular expression" in add(root, {"input": "1"}, pattern="own(")


def test_a_loaded_price_is_only_looked_at(root: Client) -> None:
    loaded = ModelPrice.objects.create(model="m", pattern="m", prices={"input": "1"}, source="genai-prices")
    url = reverse("admin:runs_modelprice_change", args=[loaded.pk])
    assert "_save" not in root.get(url).content.decode()
    assert root.post(url, {**ADD, "prices": "{}"}).status_code == 403


def test_the_explanation_of_a_cost_leads_there(root: Client, workspace: Workspace) -> None:
    project = send(workspace, *unpriced("sally", "own model/7"))
    member = User.objects.get(email="root@example.org")
    member.memberships.create(workspace=workspace, role="viewer")
    page = f"/o/{workspace.pk}/projects/p/{project.pk}/t/sally?part=unpriced"
    html = root.get(page, headers={"hx-request": "true", "hx-target": "unpriced"}).content.decode()
    assert f"{reverse('admin:runs_modelprice_add')}?model=own%20model%2F7&amp;pattern=own%20model%2F7" in html
