import uuid

import pytest


@pytest.fixture
def project() -> str:
    return f"sdk-{uuid.uuid4()}"
