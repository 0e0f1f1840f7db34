from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from tests.api import Caller
from tests.factories import ApiKeyFactory


@pytest.fixture
def viewer(client: Client, bob: User) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def outsider(client: Client, charlie: User) -> Client:
    client.force_login(charlie)
    return client


@pytest.fixture
def now() -> datetime:
    return timezone.now() - timedelta(minutes=30)


@pytest.fixture
def api() -> Caller:
    return Caller(ApiKeyFactory())
