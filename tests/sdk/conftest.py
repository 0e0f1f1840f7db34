import uuid
from pathlib import Path

import pytest

from tests.sdk.behaviours import Told, behaviours, told_by
from tests.sdk.openai_standin import OpenAIStandIn
from tests.server import LiveServer


@pytest.fixture
def project() -> str:
    return f"sdk-{uuid.uuid4()}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test of a module with a SCRIPT stands for each behaviour that the script checks, in each version of its SDK."""
    if "behaviour" in metafunc.fixturenames:
        metafunc.parametrize("behaviour", behaviours(metafunc.module.SCRIPT), ids=str)


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, live: LiveServer, model: OpenAIStandIn, sdk_cache: Path) -> Told:
    env = {"LANGSMITH_ENDPOINT": f"{live.origin}/api/v1", "LANGSMITH_API_KEY": live.api_key}
    return told_by(request.module.SCRIPT, sdk_cache, {"model_url": model.url}, **env)
