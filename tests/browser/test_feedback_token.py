"""A feedback token in the browser of an end user, on a page of another origin."""

import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page

from tests.browser.attacked import Api
from tests.server import LiveServer

PRESS = """async (url) => {
    const headers = {"content-type": "application/json"};
    const answer = await fetch(url, {method: "POST", headers, body: JSON.stringify({score: 1, comment: "Thanks!"})});
    return answer.status;
}"""


class Shop(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A shop</title><link rel=icon href=data:,><p>Was this answer good?")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_page_of_another_origin_gives_feedback_with_a_token(stranger: Page, live: LiveServer, shop: str) -> None:
    api, run_id = Api(live.origin, live.api_key), str(uuid.uuid4())
    times = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z"}
    api.call("/api/v1/runs", {"id": run_id, "name": "answer", "run_type": "chain", "inputs": {"q": "?"}, **times})
    token = api.call("/api/v1/feedback/tokens", {"run_id": run_id, "feedback_key": "user_score"})
    stranger.goto(shop)
    assert stranger.evaluate(PRESS, token["url"]) == 200
    (given,) = api.call(f"/api/v1/feedback?run={run_id}", method="GET")
    assert (given["key"], given["score"], given["comment"]) == ("user_score", 1, "Thanks!")
