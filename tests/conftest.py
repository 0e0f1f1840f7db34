import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from apps.accounts.models import Role, User, Workspace
from config import env
from config.embedded import Embedded
from tests.api import Caller
from tests.factories import ApiKeyFactory, MembershipFactory, WorkspaceFactory, member
from tests.sdk.openai_standin import OpenAIStandIn
from tests.server import LiveServer

# The real hasher takes a good part of a second on purpose, and most tests make users.
settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Of the files that take longest, each goes to one process as a whole: begun last, it would leave the other one idle.
LONGEST = (
    "browser/test_hostile.py",
    "crash/test_crash.py",
    "config/test_api_fuzz.py",
    "config/test_up.py",
    "browser/",
    "sdk/",
)
# Each waits until it has ended, for ten seconds at most.
END_OTHERS = """
SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first. The sorting is stable, and the processes of xdist must all come to the same order."""
    items.sort(key=rank)


def rank(item: pytest.Item) -> int:
    path = item.path.relative_to(Path(__file__).parent).as_posix()
    return next((at for at, longest in enumerate(LONGEST) if path.startswith(longest)), len(LONGEST))


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
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The test database cannot go while a thread of a test, or what ran beside a browser's loop, holds a connection to it."""
    yield
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(END_OTHERS)
    connection.close()


@pytest.fixture(scope="session", autouse=True)
def attachments_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' attachments go instead of a developer's own home."""
    location = tmp_path_factory.mktemp("attachments")
    settings.STORAGES["attachments"]["OPTIONS"]["location"] = location
    return location


@pytest.fixture(scope="module", autouse=True)
def no_loop_of_others() -> Iterator[None]:
    """Once a browser was here, Playwright's event loop counts as running in this thread: asyncio.run() refuses beside it.

    Of a module, because Django has another connection beside a loop: before the tests' own fixtures, and back before the browser's end.
    """
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)


@pytest.fixture
def workspace(db: None) -> Workspace:
    """The workspace of alice and bob."""
    return WorkspaceFactory.create(name="One")


@pytest.fixture
def alice(workspace: Workspace) -> User:
    """Admin of the workspace."""
    return member("alice", workspace, Role.ADMIN)


@pytest.fixture
def bob(workspace: Workspace) -> User:
    """Viewer of the workspace."""
    return member("bob", workspace, Role.VIEWER)


@pytest.fixture
def charlie(db: None) -> User:
    """An outsider: admin of a workspace of his own."""
    return MembershipFactory.create(user__email="charlie@example.org", workspace__name="Two", role=Role.ADMIN).user


@pytest.fixture
def admin(client: Client, alice: User) -> Client:
    """Signed in as alice."""
    client.force_login(alice)
    return client


@pytest.fixture
def viewer(client: Client, bob: User) -> Client:
    """Signed in as bob."""
    client.force_login(bob)
    return client


@pytest.fixture
def outsider(client: Client, charlie: User) -> Client:
    """Signed in as charlie."""
    client.force_login(charlie)
    return client


@pytest.fixture
def api() -> Caller:
    """With a key of a workspace of its own."""
    return Caller(ApiKeyFactory())


@pytest.fixture
def count_queries(db: None) -> Callable[[Callable[[], object]], int]:
    """How many queries a call makes."""

    def count(call: Callable[[], object]) -> int:
        with CaptureQueriesContext(connection) as queries:
            call()
        return len(queries)

    return count


@pytest.fixture(scope="session")
def model() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        yield server


@pytest.fixture(scope="session")
def sdk_cache(pytestconfig: pytest.Config) -> Path:
    """Where SDKs and exporters are installed, once; `pytest --cache-clear` empties it."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("sdk")


@pytest.fixture(scope="session")
def live() -> Iterator[LiveServer]:
    """One running Threadline for the session: give each test a project name of its own."""
    server = LiveServer()
    yield server
    server.stop()
