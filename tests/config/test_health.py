from typing import Never

import pytest
from django.db import OperationalError
from django.test import Client

from config import schema


def test_healthz_needs_no_database(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_readyz_is_200_with_every_migration_applied(client: Client) -> None:
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_is_503_while_a_migration_is_missing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "expected", lambda: frozenset({("accounts", "9999_to_come")}))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"migrations are missing: run manage.py up\n")


def test_readyz_is_503_when_the_database_does_not_answer(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Never:
        raise OperationalError

    monkeypatch.setattr(schema, "applied", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b"the database does not answer\n")
