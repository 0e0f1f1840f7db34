import uuid

import pytest


@pytest.fixture
def project() -> str:
    """With a space, which the exporters' header must survive."""
    return f"otlp {uuid.uuid4()}"
