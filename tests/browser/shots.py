"""Takes the pictures that README and docs show anew: `uv run python -m tests.browser.shots [name …]`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import chromium
from tests.browser.conftest import sign_in
from tests.server import BASE_DIR, LiveServer

FOLDER: Final = BASE_DIR / "docs" / "screenshots"
PROJECT, THREAD = "sample-support-agent", "chat-51d7e8"
QUEUED = ("chat-8f31c2", THREAD, "chat-77aa09")
QUEUE: Final = {
    "name": "Refunds",
    "description": "Was the customer helped?",
    "rubric_instructions": "Read the whole thread first. A refund that was promised must follow from the order.",
    "rubric_items": [
        {"feedback_key": "user_score", "description": "Would this answer please the customer?", "is_required": True},
        {"feedback_key": "resolved", "description": "Is anything left to do?"},
    ],
}


class Walk:
    """Signed in, at the sample conversations."""

    def __init__(self, page: Page, queue: str) -> None:
        self.page, self.queue = page, queue
        sign_in(page, LiveServer.admin_email)
        self.home = page.url.removesuffix("/projects")
        page.get_by_role("link", name=PROJECT).click()
        page.wait_for_url("**/threads*")
        self.project = page.url.partition("/threads")[0]

    def at(self, path: str, *keys: str) -> None:
        self.page.goto(path)
        for key in keys:
            settle(self.page)
            self.page.keyboard.press(key)

    def compare(self) -> None:
        self.at(f"{self.project}/runs", *"jjjjxjx")
        self.page.get_by_role("button", name="Compare").click()


FILTERED = "filter=eq(status,%20%22error%22)&thread_filter=gt(turn_count,%202)"
SHOTS: Final[dict[str, Callable[[Walk], object]]] = {
    "projects": lambda walk: walk.at(f"{walk.home}/projects"),
    "threads": lambda walk: walk.at(f"{walk.project}/threads"),
    "filters": lambda walk: walk.at(f"{walk.project}/threads?{FILTERED}", "f"),
    "thread": lambda walk: walk.at(f"{walk.project}/t/{THREAD}"),
    "annotate": lambda walk: walk.at(f"{walk.project}/t/{THREAD}", "j", "a"),
    "trace": lambda walk: walk.at(f"{walk.project}/t/{THREAD}?view=trace", "j"),
    "runs": lambda walk: walk.at(f"{walk.project}/runs"),
    "compare": Walk.compare,
    "review": lambda walk: walk.at(f"{walk.home}/queues/{walk.queue}/review"),
    "keys": lambda walk: walk.at(f"{walk.home}/settings/keys"),
}


def main(names: list[str]) -> None:
    chromium.driver()
    server = LiveServer("--demo")
    try:
        with sync_playwright() as playwright:
            executable = chromium.executable(playwright)
            browser = playwright.chromium.launch(executable_path=executable, args=chromium.arguments())
            queue = make_queue(browser, server)
            for theme in ("light", "dark"):
                with opened(browser, server, theme) as page:
                    take(page, theme, queue, names)
    finally:
        server.stop()


def take(page: Page, theme: str, queue: str, names: list[str]) -> None:
    if not names or "login" in names:
        page.goto("/accounts/login/")
        keep(page, f"login-{theme}")
    walk = Walk(page, queue)
    for name, go in SHOTS.items():
        if not names or name in names:
            go(walk)
            keep(page, f"{name}-{theme}")


@contextmanager
def opened(browser: Browser, server: LiveServer, theme: Any) -> Iterator[Page]:
    size: Any = {"width": 1440, "height": 900}
    context = browser.new_context(base_url=server.origin, viewport=size, color_scheme=theme, reduced_motion="reduce")
    yield context.new_page()
    context.close()


def make_queue(browser: Browser, server: LiveServer) -> str:
    context = browser.new_context(base_url=server.origin, extra_http_headers={"x-api-key": server.api_key})
    api = context.request
    queue: str = api.post("/api/v1/annotation-queues", data=QUEUE).json()["id"]
    (project,) = [each["id"] for each in api.get("/api/v1/sessions").json() if each["name"] == PROJECT]
    items = [{"item_type": "THREAD", "project_id": project, "thread_id": thread} for thread in QUEUED]
    answer = api.post(f"/api/v1/platform/annotation-queues/{queue}/items", data=json.dumps({"items": items}))
    assert answer.ok, answer.text()
    context.close()
    return queue


def settle(page: Page) -> None:
    """Until what the page loads by itself is there."""
    page.wait_for_load_state("networkidle")
    expect(page.locator(".htmx-request")).to_have_count(0)


def keep(page: Page, name: str) -> None:
    settle(page)
    page.screenshot(path=Path(FOLDER) / f"{name}.png")
    print(f"{name}.png", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
