"""JSON nested so deep that a parser runs over the end of its thread's stack must not end the web server, which all clients share."""

import json
import urllib.request
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote

import pytest

from tests.runs.ingest.wire import wire_run
from tests.server import LiveServer

DEEP = "[" * 50_000 + "]" * 50_000
CALL = {"id": "c", "type": "function", "function": {"name": "find", "arguments": DEEP}}


def status(live: LiveServer, path: str, body: str | None = None) -> int:
    data = None if body is None else body.encode()
    request = urllib.request.Request(f"{live.origin}/api/v1{path}", data, {"x-api-key": live.api_key})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        ("/runs/query", DEEP, 400),
        ("/runs/query", json.dumps({"filter": f"has(metadata, '{DEEP[:9_000]}')"}), 400),
        ("/feedback", f'{{"value": {DEEP}}}', 400),
        ("/public/0195a6c1-7d1f-7000-8000-000000000000/runs/query", "[" * 30_000, 400),
        (f"/sessions?metadata={quote(DEEP[:9_000])}", None, 422),
        ("/runs", json.dumps(wire_run(outputs={"messages": [{"role": "assistant", "tool_calls": [CALL]}]})), 202),
    ],
    ids=["query", "filter", "feedback", "without a key", "metadata", "arguments of a tool"],
)
def test_deep_json_leaves_the_server_running(live: LiveServer, path: str, body: Any, wanted: int) -> None:
    before = live.pids("config.up.web")
    assert status(live, path, body) == wanted
    assert live.pids("config.up.web") == before


def test_its_threads_have_room_for_the_depth_that_python_allows(live: LiveServer) -> None:
    """Behind the checks of each route: what one of them forgot is then an error of that request."""
    (pid,) = live.pids("config.up.web")
    with open(f"/proc/{pid}/environ", "rb") as environment:
        assert b"RUST_MIN_STACK=16777216" in environment.read().split(b"\0")
