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
def exporter_cache(pytestconfig: pytest.Config) -> Path:
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("otlp")


@pytest.fixture
def project() -> str:
    return f"otlp {uuid.uuid4()}"
