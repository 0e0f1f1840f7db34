import pytest
from django.db import connection


@pytest.mark.django_db
def test_database_is_postgresql_18_or_later() -> None:
    assert connection.pg_version >= 180000
