"""The route itself: encodings, answers, refusals, caps."""

import base64
import gzip
import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from apps.accounts.models import ApiKey
from apps.projects.models import Project
from apps.runs import payload
from apps.runs.ingest.otlp import views
from apps.runs.models import Run
from tests.factories import ApiKeyFactory
from tests.runs.ingest.otlp.conftest import Export
from tests.runs.ingest.otlp.wire import PROTOBUF, TRACE, request, run_id, span, span_id

JSON = "application/json"
EVERY_VALUE = {"text": "Tee ☕", "yes": True, "whole": 2**53 + 1, "part": 0.5, "bytes": b"\x00\xff", "list": ["a", 1]}


def post(
    client: Client, key: ApiKey, body: bytes, content_type: str = PROTOBUF, path: str = "/v1/traces", **headers: str
) -> Any:
    return client.post(path, body, content_type, headers={"x-api-key": key.secret, **headers})


def json_of(message: ExportTraceServiceRequest) -> dict[str, Any]:
    """OTLP's JSON: as protobuf's, but with ids in hex."""
    told = MessageToDict(message, use_integers_for_enums=True)
    for group in told["resourceSpans"]:
        for scoped in group["scopeSpans"]:
            for one in scoped["spans"]:
                for name in {"traceId", "spanId", "parentSpanId"} & one.keys():
                    one[name] = base64.b64decode(one[name]).hex()
    return told


def rpc_status(body: bytes) -> tuple[int, str]:
    """A google.rpc.Status: field 1 the code, field 2 the message."""
    assert (body[0], body[2]) == (0x08, 0x12)
    start = 4 if body[3] < 0x80 else 5
    return body[1], body[start:].decode()


@pytest.mark.parametrize("path", ["/v1/traces", "/otel/v1/traces", "/api/otel/v1/traces", "/api/v1/otel/v1/traces"])
def test_spans_are_taken_at_every_mount_point(client: Client, key: ApiKey, path: str) -> None:
    answer = post(client, key, request(span()).SerializeToString(), path=path)
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"", PROTOBUF)
    assert Run.objects.get().id == run_id(1)


def test_json_and_protobuf_store_the_same_run(client: Client, key: ApiKey) -> None:
    told = request(
        span(2, 1, attributes=EVERY_VALUE, events=[("exception", {"exception.message": "no"})], error="no"),
        resource={"service.name": "shop"},
    )
    post(client, key, told.SerializeToString())
    columns = ("id", "parent_run_id", "name", "start_time", "end_time", "error", "metadata", "extra", "dotted_order")
    from_protobuf = Run.objects.values(*columns).get()
    Run.objects.all().delete()
    answer = post(client, key, json.dumps(json_of(told)).encode(), "application/json; charset=utf-8")
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (200, {}, JSON)
    from_json = Run.objects.values(*columns).get()
    assert payload.load(from_json.pop("extra")) == payload.load(from_protobuf.pop("extra"))
    assert from_json == from_protobuf
    assert from_json["metadata"] == {**EVERY_VALUE, "bytes": "AP8="}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": {"code": "STATUS_CODE_ERROR", "message": "no"}, "kind": "SPAN_KIND_CLIENT"},
        {"status": {"code": 2, "message": "no"}, "kind": 3},
        {"status": {"code": "2", "message": "no"}, "kind": "3"},
    ],
)
def test_json_enums_are_names_or_numbers(client: Client, key: ApiKey, changes: dict[str, Any]) -> None:
    told = json_of(request(span()))
    told["resourceSpans"][0]["scopeSpans"][0]["spans"][0] |= changes
    post(client, key, json.dumps(told).encode(), JSON)
    run = Run.objects.get()
    assert (run.error, payload.load(run.extra)["otel"]["kind"]) == ("no", 3)


def test_json_takes_numbers_for_times_upper_case_ids_and_protobuf_names(client: Client, key: ApiKey) -> None:
    one = {
        "trace_id": f"{TRACE:032X}",
        "span_id": f"{0xABC:016X}",
        "name": "n",
        "start_time_unix_nano": 1_772_366_400_000_000_000,
        "attributes": [{"key": "count", "value": {"int_value": 5}}, {"key": "nan", "value": {"doubleValue": "NaN"}}],
    }
    told = {"resource_spans": [{"scope_spans": [{"spans": [one]}]}]}
    assert post(client, key, json.dumps(told).encode(), JSON).json() == {}
    run = Run.objects.get()
    assert (run.id.int, run.start_time.year, run.metadata) == (0xABC, 2026, {"count": 5})


def test_gzip(client: Client, key: ApiKey) -> None:
    body = gzip.compress(request(span()).SerializeToString())
    assert post(client, key, body, **{"content-encoding": "gzip"}).status_code == 200
    assert Run.objects.count() == 1


def test_bearer_token(client: Client, key: ApiKey) -> None:
    headers = {"authorization": f"Bearer {key.secret}"}
    answer = client.post("/v1/traces", request(span()).SerializeToString(), PROTOBUF, headers=headers)
    assert answer.status_code == 200


def test_empty_request_is_fine(client: Client, key: ApiKey) -> None:
    assert post(client, key, request().SerializeToString()).content == b""
    assert post(client, key, b"{}", JSON).json() == {}


def test_retried_request_changes_nothing(export: Export) -> None:
    spans = [span(1, attributes={"session.id": "T"}), span(2, 1)]
    export(*spans)
    before = list(Run.objects.order_by("id").values("id", "trace_id", "dotted_order", "metadata"))
    export(*spans)
    assert list(Run.objects.order_by("id").values("id", "trace_id", "dotted_order", "metadata")) == before


BAD_SPANS = [
    ({"span_id": b""}, "span id"),
    ({"span_id": bytes(8)}, "span id"),
    ({"span_id": b"short"}, "span id"),
    ({"trace_id": b""}, "trace id"),
    ({"trace_id": bytes(16)}, "trace id"),
    ({"attributes": {"langsmith.span.id": "no uuid"}}, "langsmith.span.id"),
    ({"attributes": {"langsmith.span.parent_id": "no uuid"}}, "langsmith.span.parent_id"),
    ({"attributes": {"langsmith.trace.id": "no uuid"}}, "trace_id"),
    ({"attributes": {"langsmith.trace.session_id": "00000000-0000-0000-0000-00000000abcd"}}, "not a project"),
]


@pytest.mark.parametrize(("fields", "reason"), BAD_SPANS)
def test_bad_span_is_counted_and_the_others_are_stored(export: Export, fields: dict[str, Any], reason: str) -> None:
    answer = export(span(1), span(2, **fields), span(3))
    assert answer.partial_success.rejected_spans == 1
    assert reason in answer.partial_success.error_message
    assert set(Run.objects.values_list("id", flat=True)) == {run_id(1), run_id(3)}


def test_partial_success_in_json(client: Client, key: ApiKey) -> None:
    told = json_of(request(span(1), span(2)))
    told["resourceSpans"][0]["scopeSpans"][0]["spans"] += [{"spanId": "xyz"}, "no span", None]
    partial = post(client, key, json.dumps(told).encode(), JSON).json()["partialSuccess"]
    assert partial["rejectedSpans"] == "3"
    assert "span id" in partial["errorMessage"]
    assert Run.objects.count() == 2


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"\xff\xff\xff\xff", PROTOBUF),
        (b"{", JSON),
        (b"[]", JSON),
        (b'"text"', JSON),
        (b"\xff\xfe", JSON),
        (b"[" * 5_000, JSON),
    ],
)
def test_malformed_body_is_400_with_a_status(client: Client, key: ApiKey, body: bytes, content_type: str) -> None:
    answer = post(client, key, body, content_type)
    assert (answer.status_code, answer.headers["content-type"]) == (400, content_type)
    code, message = rpc_status(answer.content) if content_type == PROTOBUF else answer.json().values()
    assert code == 3
    assert message.startswith("The body")


def test_broken_gzip_is_400(client: Client, key: ApiKey) -> None:
    assert post(client, key, b"not gzip", **{"content-encoding": "gzip"}).status_code == 400


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
def test_without_a_key_401(client: Client, content_type: str, db: None) -> None:
    answer = client.post("/v1/traces", b"{}", content_type)
    assert answer.status_code == 401
    code, message = rpc_status(answer.content) if content_type == PROTOBUF else answer.json().values()
    assert code == 16
    assert "x-api-key" in message


def test_foreign_tenant_403(client: Client, key: ApiKey) -> None:
    answer = post(client, key, b"{}", **{"x-tenant-id": "00000000-0000-0000-0000-000000000001"})
    assert (answer.status_code, rpc_status(answer.content)[0]) == (403, 7)


def test_another_content_type_415(client: Client, key: ApiKey) -> None:
    answer = post(client, key, b"{}", "text/plain")
    assert answer.status_code == 415
    assert "application/x-protobuf" in answer.json()["message"]


def test_another_encoding_415(client: Client, key: ApiKey) -> None:
    assert post(client, key, b"{}", **{"content-encoding": "br"}).status_code == 415


def test_get_405(client: Client, key: ApiKey) -> None:
    assert client.get("/v1/traces").status_code == 405


def test_a_database_that_is_away_is_503_which_exporters_send_again(
    client: Client, key: ApiKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*told: Any) -> None:
        raise OperationalError("the database system is shutting down")

    monkeypatch.setattr(views, "receive", away)
    answer = post(client, key, request(span()).SerializeToString())
    assert (answer.status_code, rpc_status(answer.content)[0]) == (503, 14)


def test_too_large_a_body_413(client: Client, key: ApiKey, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 10
    answer = post(client, key, request(span()).SerializeToString())
    assert (answer.status_code, rpc_status(answer.content)[0]) == (413, 8)
    assert "THREADLINE_MAX_BODY_BYTES" in rpc_status(answer.content)[1]


def test_gzip_bomb_413(client: Client, key: ApiKey, settings: Any) -> None:
    settings.MAX_DECOMPRESSED_BYTES = 1_000
    assert post(client, key, gzip.compress(bytes(100_000)), **{"content-encoding": "gzip"}).status_code == 413


def test_too_many_spans_413(client: Client, key: ApiKey, settings: Any) -> None:
    settings.MAX_RUNS_PER_BATCH = 2
    answer = post(client, key, request(span(1), span(2), span(3)).SerializeToString())
    assert answer.status_code == 413
    assert "THREADLINE_MAX_RUNS_PER_BATCH" in rpc_status(answer.content)[1]
    assert not Run.objects.exists()


def test_ids_of_another_workspace_are_not_touched(client: Client, key: ApiKey, export: Export) -> None:
    export(span(1, name="mine"))
    stranger = ApiKeyFactory()
    answer = post(client, stranger, request(span(1, name="theirs"), span(2, 1)).SerializeToString())
    assert ExportTraceServiceResponse.FromString(answer.content).partial_success.rejected_spans == 2
    assert Run.objects.get(id=run_id(1)).name == "mine"


def test_project_of_another_workspace_is_refused(client: Client, key: ApiKey, export: Export) -> None:
    theirs = Project.objects.create(workspace=ApiKeyFactory().workspace, name="theirs")
    answer = export(span(1, attributes={"langsmith.trace.session_id": str(theirs.pk)}))
    assert "not a project" in answer.partial_success.error_message
    assert not Run.objects.exists()


def test_parent_id_of_odd_length_is_none(export: Export) -> None:
    export(span(1, parent_span_id=b"odd"), span(2, parent_span_id=span_id(2)))
    assert not Run.objects.exclude(parent_run_id=None).exists()
