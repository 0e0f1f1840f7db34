"""What the SDKs raise or warn of where the server says no."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from apps.accounts.models import Scope, key_digest
from tests.sdk.behaviours import Behaviour, Told, told_by
from tests.server import LiveServer

SCRIPT = "refusals"
SENDING_KEY = "tl_key_that_may_only_send"
MAKE_KEY = """
INSERT INTO accounts_apikey (id, workspace_id, name, hint, digest, scope, created_at)
SELECT gen_random_uuid(), id, 'sends', 'tl_key', %s, %s, now() FROM accounts_workspace
"""


@pytest.fixture(scope="module")
def told(sdk_cache: Path) -> Iterator[Told]:
    """By a server that takes little."""
    live = LiveServer(THREADLINE_MAX_BODY_BYTES="100000", THREADLINE_MAX_DECOMPRESSED_BYTES="100000")
    with psycopg.connect(live.database_url) as connection:
        connection.execute(MAKE_KEY, [key_digest(SENDING_KEY), Scope.INGEST])
    yield told_by(SCRIPT, sdk_cache, {"origin": live.origin, "key": live.api_key, "sending_key": SENDING_KEY})
    live.stop()


def test_the_sdk_is_told_why(behaviour: Behaviour, told: Told) -> None:
    assert told(behaviour) is None
