import pytest
from django.test import Client

from apps.accounts.models import User


@pytest.fixture
def viewer(client: Client, bob: User) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def outsider(client: Client, charlie: User) -> Client:
    client.force_login(charlie)
    return client
