from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from django.test import Client

from apps.accounts.models import ApiKey, Scope, Workspace
from tests.factories import ApiKeyFactory, WorkspaceFactory
from tests.runs.ingest.wire import BOUNDARY

type Send = Callable[..., Any]


@pytest.fixture
def workspace(db: None) -> Workspace:
    return WorkspaceFactory()


@pytest.fixture
def key(workspace: Workspace) -> ApiKey:
    return ApiKeyFactory(workspace=workspace, scope=Scope.INGEST)


@pytest.fixture
def send(client: Client, key: ApiKey) -> Send:
    """send(path, body, method=, content_type=, **headers) with the key; a body that is not bytes goes as JSON."""

    def request(
        path: str, body: Any, *, method: str = "POST", content_type: str = "application/json", **headers: str
    ) -> Any:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return client.generic(method, path, data, content_type, headers={"x-api-key": key.secret, **headers})

    return request


@pytest.fixture
def send_multipart(send: Send) -> Send:
    return lambda body, **headers: send(
        "/api/v1/runs/multipart", body, content_type=f"multipart/form-data; boundary={BOUNDARY}", **headers
    )
