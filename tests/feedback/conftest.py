import pytest

from apps.accounts.models import ApiKey, Scope, Workspace
from tests.api import Caller
from tests.factories import ApiKeyFactory


@pytest.fixture
def key(workspace: Workspace) -> ApiKey:
    return ApiKeyFactory(workspace=workspace)


@pytest.fixture
def api(key: ApiKey) -> Caller:
    return Caller(key)


@pytest.fixture
def ingest_only(workspace: Workspace) -> Caller:
    return Caller(ApiKeyFactory(workspace=workspace, scope=Scope.INGEST))


@pytest.fixture
def stranger(db: None) -> Caller:
    """With a key of another workspace."""
    return Caller(ApiKeyFactory())
