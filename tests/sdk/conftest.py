import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sdk.openai_standin import OpenAIStandIn


@pytest.fixture(scope="session")
def model() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        yield server


@pytest.fixture(scope="session")
def sdk_cache(pytestconfig: pytest.Config) -> Path:
    """Where the SDKs are installed, once; `pytest --cache-clear` empties it."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("sdk")


@pytest.fixture
def project() -> str:
    return f"sdk-{uuid.uuid4()}"
