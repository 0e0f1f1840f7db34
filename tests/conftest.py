import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from config import env
from config.embedded import Embedded
from tests.server import LiveServer


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> Iterator[None]:
    """Where DATABASE_URL is not set, the session gets a throw-away embedded PostgreSQL.

    pytest-django reads the settings before it imports any conftest, so what it has read is corrected here.
    """
    if os.environ.get("DATABASE_URL"):
        yield
        return
    home = Path(tempfile.mkdtemp(prefix="threadline-tests-"))
    # The user that runs PostgreSQL for root must be able to enter.
    home.chmod(0o755)
    server = Embedded(home, forgetful=True)
    server.start()
    found = env.database(server.url)
    settings.DATABASES["default"].update({key: found[key] for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT")})
    yield
    server.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def live() -> Iterator[LiveServer]:
    """One running Threadline for the session: give each test a project name of its own."""
    server = LiveServer()
    yield server
    server.stop()
