"""The HTTP side: encodings, caps, keys, prefixes, and what the SDKs really sent."""

import base64
import gzip
import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from django.test import Client, RequestFactory

from apps.accounts.models import ApiKey, Scope
from apps.runs import payload
from apps.runs.ingest import decode
from apps.runs.ingest.decode import NotJson, Refused
from apps.runs.models import Run
from apps.threads.models import Thread
from tests.factories import ApiKeyFactory
from tests.runs.ingest.wire import BOUNDARY, closed, llm, multipart, part, parts_of, patch_of, wire_run

pytestmark = pytest.mark.django_db
RECORDED = sorted(Path(__file__).parents[2].joinpath("sdk", "recorded").glob("*.json"))

type Send = Callable[..., Any]


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
def test_info_answers_whatever_the_key(client: Client, prefix: str) -> None:
    answer = client.get(f"{prefix}/info", headers={"x-api-key": "made up"})
    assert answer.status_code == 200
    assert answer.json()["instance_flags"]["zstd_compression_enabled"] is True
    assert set(answer.json()["batch_ingest_config"]) >= {
        "size_limit",
        "scale_up_nthreads_limit",
        "scale_up_qsize_trigger",
        "scale_down_nempty_trigger",
    }


@pytest.mark.parametrize("prefix", ["", "/api", "/api/v1"])
def test_every_prefix_takes_runs(send: Send, prefix: str) -> None:
    assert send(f"{prefix}/runs", wire_run()).status_code == 202
    assert Run.objects.count() == 1


@pytest.mark.parametrize(
    ("encoding", "compress"), [("", bytes), ("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
def test_multipart_in_every_encoding(send_multipart: Send, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    root = wire_run(thread="t", seconds=None)
    body = multipart([root, llm(root)], [patch_of(root, outputs={"answer": "ok"}, end_time="2026-03-01T12:00:03Z")])
    headers = {"content-encoding": encoding} if encoding else {}
    answer = send_multipart(compress(body), **headers)
    assert (answer.status_code, answer.json()) == (202, {})
    assert Thread.objects.get().run_count == 2
    assert Run.objects.get(id=root["id"]).status == "success"


def test_zstd_frames_without_a_content_size_are_read(send_multipart: Send) -> None:
    writer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    body = writer.compress(multipart([wire_run()])) + writer.flush()
    assert send_multipart(body, **{"content-encoding": "zstd"}).status_code == 202


def test_a_chunked_body_without_length_is_read_to_its_end(key: ApiKey, rf: RequestFactory) -> None:
    body = multipart([wire_run()])
    request = rf.generic("POST", "/runs/multipart", b"", f"multipart/form-data; boundary={BOUNDARY}")
    request.environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(body)}
    request.environ.pop("CONTENT_LENGTH", None)
    assert decode.read_body(request) == body


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_each_sdk_sent_is_stored_whole(send: Send, path: Path) -> None:
    for request in json.loads(path.read_text())["requests"]:
        if request["method"] not in ("POST", "PATCH"):
            continue
        body = base64.b64decode(request["body_base64"]) if "body_base64" in request else request["body"].encode()
        answer = send(request["path"], body, method=request["method"], content_type=request["headers"]["content-type"])
        assert answer.status_code == 202, answer.content
    assert Thread.objects.get(thread_id="recorded-thread").turns >= 1
    assert set(Run.objects.values_list("status", flat=True)) <= {"success", "error"}
    assert not Run.objects.filter(name="").exists()


def test_a_batch_names_its_bad_runs_and_keeps_the_others(send: Send) -> None:
    good, bad = wire_run(), wire_run(run_type="banana")
    answer = send("/runs/batch", {"post": [good, bad], "patch": []})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"id": bad["id"], "reason": answer.json()["errors"][0]["reason"]}]
    assert "run_type 'banana'" in answer.json()["detail"]
    assert [str(run.id) for run in Run.objects.all()] == [good["id"]]


def test_a_field_part_that_is_not_json_costs_only_its_run(send_multipart: Send) -> None:
    good, bad = wire_run(), wire_run()
    pieces = [part(f"post.{run['id']}", {k: v for k, v in run.items() if k != "inputs"}) for run in (good, bad)]
    answer = send_multipart(closed([*pieces, part(f"post.{bad['id']}.inputs", b"{not json")]))
    assert answer.status_code == 422
    assert "inputs is not valid JSON" in answer.json()["detail"]
    assert Run.objects.get().id == uuid.UUID(good["id"])


def test_post_and_patch_of_one_run(send: Send) -> None:
    run = wire_run(seconds=None)
    assert send("/api/v1/runs", run).status_code == 202
    assert send(f"/api/v1/runs/{run['id']}", {"end_time": 1772366402000}, method="PATCH").status_code == 202
    assert Run.objects.get().status == "success"


def test_a_run_without_an_id_gets_one(send: Send) -> None:
    run = wire_run()
    for name in ("id", "trace_id", "dotted_order"):
        run.pop(name)
    assert send("/runs", run).status_code == 202
    assert Run.objects.get().name == "chat"


def test_a_run_that_one_request_changes_twice_keeps_both_changes(send_multipart: Send) -> None:
    """As the Python SDK sends update_run(…, outputs) and update_run(…, end_time) before its queue was emptied."""
    run = wire_run(seconds=None)
    first, second = patch_of(run, outputs={"answer": "ok"}, tags=["a"]), patch_of(run, end_time="2026-03-01T12:00:03Z")
    answer = send_multipart(multipart([run], [first, second]))
    assert answer.status_code == 202, answer.content
    stored = Run.objects.get()
    assert (stored.status, stored.tags, payload.load(stored.outputs)) == ("success", ["a"], {"answer": "ok"})


def test_unknown_parts_and_fields_are_ignored(send_multipart: Send) -> None:
    run = wire_run(child_runs=[], replicas=[], brand_new={"a": 1})
    body = closed([*parts_of([run]), part("something.else", {})])
    assert send_multipart(body).status_code == 202


def test_numbers_come_back_to_the_last_digit(send: Send) -> None:
    text = b'{"big": 123456789012345678901234567890, "small": 0.1000, "order": {"z": 1, "a": 2}}'
    body = msgspec.json.encode(wire_run() | {"inputs": msgspec.Raw(text)})
    send("/runs", body)
    assert payload.unpack(Run.objects.get().inputs) == text


@pytest.mark.parametrize("bad", [b"NaN", b"Infinity", b'"\\ud800"', b'"\\u0000"', b'"\xff"'])
def test_what_json_clients_should_not_send_is_mended(send: Send, bad: bytes) -> None:
    body = msgspec.json.encode(wire_run()).replace(b'"What is a thread?"', bad)
    assert send("/runs", body).status_code == 202
    assert payload.load(Run.objects.get().inputs)["question"] in (None, "\ufffd")


@pytest.mark.parametrize("bad", [b"NaN", b"Infinity", b'"\\ud800"', b'"\\u0000"', b'"\xff"'])
@pytest.mark.parametrize("place", ["runtime", "metadata"])
def test_what_is_mended_in_extra_costs_neither_metadata_nor_the_rest(send: Send, bad: bytes, place: str) -> None:
    extra = {"runtime": {"sdk": "py"}, "metadata": {"user_id": "ada"}}
    extra[place]["odd"] = "marked"
    body = msgspec.json.encode(wire_run() | {"extra": extra}).replace(b'"marked"', bad)
    assert send("/runs", body).status_code == 202
    run = Run.objects.get()
    kept = {"runtime": payload.load(run.extra)["runtime"], "metadata": run.metadata}
    assert kept[place].pop("odd") in (None, "\ufffd")
    assert kept == {"runtime": {"sdk": "py"}, "metadata": {"user_id": "ada"}}


def test_runs_of_one_batch_keep_each_its_own_extra(send_multipart: Send) -> None:
    runs = [wire_run() | {"extra": {"runtime": {"sdk": sdk}}} for sdk in ("py", "js", "py")]
    assert send_multipart(multipart(runs)).status_code == 202
    stored = {str(run.id): payload.load(run.extra) for run in Run.objects.all()}
    assert stored == {run["id"]: run["extra"] for run in runs}


@pytest.mark.parametrize("write", ["{{{}}}", "urn:uuid:{}", "{}"])
def test_an_id_is_read_however_it_is_written(send: Send, write: str) -> None:
    run = wire_run()
    assert send("/runs", run | {"id": write.format(run["id"])}).status_code == 202
    assert str(Run.objects.get().id) == run["id"]


# Keys


def test_no_key_is_401_with_what_to_do(client: Client) -> None:
    answer = client.post("/runs", wire_run(), content_type="application/json")
    assert answer.status_code == 401
    assert "LANGSMITH_API_KEY" in answer.json()["detail"]


def test_a_revoked_key_is_401(send: Send, key: ApiKey) -> None:
    key.revoked_at = key.created_at
    key.save()
    assert send("/runs", wire_run()).status_code == 401


def test_a_key_sent_twice_in_one_header_counts_once(client: Client, key: ApiKey) -> None:
    headers = {"x-api-key": f"{key.secret},{key.secret}"}
    assert client.post("/runs", wire_run(), content_type="application/json", headers=headers).status_code == 202


@pytest.mark.parametrize("scope", list(Scope))
def test_both_scopes_may_send(client: Client, key: ApiKey, scope: Scope) -> None:
    sender = ApiKeyFactory(workspace=key.workspace, scope=scope)
    answer = client.post("/runs", wire_run(), content_type="application/json", headers={"x-api-key": sender.secret})
    assert answer.status_code == 202


# Caps: each names its setting.


def test_a_body_past_the_cap_is_413(send: Send, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000
    answer = send("/runs", wire_run(inputs={"x": "y" * 1000}))
    assert answer.status_code == 413
    assert "THREADLINE_MAX_BODY_BYTES" in answer.json()["detail"]


def test_a_chunked_body_past_the_cap_is_refused(rf: RequestFactory, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1000
    request = rf.generic("POST", "/runs")
    request.environ |= {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": io.BytesIO(b"x" * 1001)}
    request.environ.pop("CONTENT_LENGTH", None)
    with pytest.raises(Refused, match="THREADLINE_MAX_BODY_BYTES"):
        decode.read_body(request)


@pytest.mark.parametrize(
    ("encoding", "compress"), [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)]
)
def test_a_bomb_is_413_before_it_unfolds(
    send_multipart: Send, settings: Any, encoding: str, compress: Callable[[bytes], bytes]
) -> None:
    settings.MAX_DECOMPRESSED_BYTES = 1_000_000
    answer = send_multipart(compress(b"\0" * 50_000_000), **{"content-encoding": encoding})
    assert answer.status_code == 413
    assert "THREADLINE_MAX_DECOMPRESSED_BYTES" in answer.json()["detail"]


def test_too_many_parts_are_413(send_multipart: Send, settings: Any) -> None:
    settings.MAX_PARTS = 10
    answer = send_multipart(closed(part(f"post.{index}", {}) for index in range(11)))
    assert answer.status_code == 413
    assert "THREADLINE_MAX_PARTS" in answer.json()["detail"]


def test_too_many_runs_are_413(send: Send, settings: Any) -> None:
    settings.MAX_RUNS_PER_BATCH = 3
    answer = send("/runs/batch", {"post": [wire_run() for _ in range(4)]})
    assert answer.status_code == 413
    assert "THREADLINE_MAX_RUNS_PER_BATCH" in answer.json()["detail"]


@pytest.mark.parametrize("depth", [300, 100_000])
def test_json_nested_too_deep_costs_only_its_run(send_multipart: Send, depth: int) -> None:
    good, bad = wire_run(), wire_run()
    pieces = [part(f"post.{run['id']}", {k: v for k, v in run.items() if k != "inputs"}) for run in (good, bad)]
    pieces.append(part(f"post.{bad['id']}.inputs", b'{"a":' * depth + b"1" + b"}" * depth))
    answer = send_multipart(closed(pieces))
    assert answer.status_code == 422
    assert "THREADLINE_MAX_JSON_DEPTH" in answer.json()["detail"]
    assert Run.objects.get().id == uuid.UUID(good["id"])


def test_many_brackets_side_by_side_or_in_text_are_not_deep() -> None:
    text = json.dumps([[["[[[["] for _ in range(50)] for _ in range(50)]).encode()
    assert decode.parse(text) == (json.loads(text), text)


def test_depth_is_counted_past_escaped_quotes() -> None:
    with pytest.raises(NotJson):
        decode.check_depth(b'["\\"[",' * 201 + b"1" + b"]" * 201)


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "multipart/form-data", 422),
        (b"nonsense", f"multipart/form-data; boundary={BOUNDARY}", 422),
        (multipart([wire_run()])[:-20], f"multipart/form-data; boundary={BOUNDARY}", 422),
        (
            f"--{BOUNDARY}\r\nX: y\r\n\r\n{{}}\r\n--{BOUNDARY}--".encode(),
            f"multipart/form-data; boundary={BOUNDARY}",
            422,
        ),
    ],
)
def test_a_broken_multipart_body_is_422(send: Send, body: bytes, content_type: str, status: int) -> None:
    answer = send("/runs/multipart", body, content_type=content_type)
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"post": 3}', b'{"post": [1]}', b"[" * 100_000])
def test_a_broken_batch_is_422(send: Send, body: bytes) -> None:
    assert send("/runs/batch", body).status_code == 422


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_a_body_that_is_not_what_its_encoding_says_is_422(send: Send, encoding: str) -> None:
    assert send("/runs/batch", b"plain text", **{"content-encoding": encoding}).status_code == 422


def test_gzip_in_several_members_is_read_whole(send: Send) -> None:
    first, second = gzip.compress(b'{"post": ['), gzip.compress(msgspec.json.encode(wire_run()) + b"]}")
    assert send("/runs/batch", first + second, **{"content-encoding": "gzip"}).status_code == 202
    assert Run.objects.count() == 1


def test_gzip_that_is_cut_short_is_422(send: Send) -> None:
    """Its checksum is missing, not its content: nothing else would tell."""
    answer = send("/runs/batch", gzip.compress(b"{}")[:-4], **{"content-encoding": "gzip"})
    assert (answer.status_code, "cut short" in answer.json()["detail"]) == (422, True)


def test_an_unknown_encoding_is_415(send: Send) -> None:
    assert send("/runs/batch", b"x", **{"content-encoding": "br"}).status_code == 415


def test_a_truncated_zstd_body_stores_nothing(send_multipart: Send) -> None:
    whole = zstandard.ZstdCompressor().compress(
        multipart([wire_run(inputs={"x": uuid.uuid4().hex * 99}) for _ in range(9)])
    )
    assert send_multipart(whole[:-40], **{"content-encoding": "zstd"}).status_code == 422
    assert Run.objects.count() == 0
