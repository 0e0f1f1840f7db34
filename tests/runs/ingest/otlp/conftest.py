from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from apps.accounts.models import ApiKey
from apps.runs.models import Run
from tests.runs.ingest.otlp.wire import PROTOBUF, request, span

type Export = Callable[..., ExportTraceServiceResponse]


@pytest.fixture
def export(client: Client, key: ApiKey) -> Export:
    """export(*spans, resource=, scope=, **headers) in protobuf; asserts 200."""

    def send(*spans: Any, resource: Any = None, scope: str = "test", **headers: str) -> ExportTraceServiceResponse:
        answer = client.post(
            "/v1/traces",
            request(*spans, resource=resource, scope=scope).SerializeToString(),
            PROTOBUF,
            headers={"x-api-key": key.secret, **headers},
        )
        assert answer.status_code == 200, answer.content
        return ExportTraceServiceResponse.FromString(answer.content)

    return send


@pytest.fixture
def stored(export: Export) -> Callable[..., Run]:
    """The run that one span with these attributes becomes."""

    def store(attributes: dict[str, Any] | None = None, **options: Any) -> Run:
        sent = {key: options.pop(key) for key in ("resource", "scope") if key in options}
        answer = export(span(attributes=attributes, **options), **sent)
        assert not answer.partial_success.rejected_spans, answer.partial_success.error_message
        return Run.objects.get()

    return store
