"""Every page that shows what came from outside, with the worst of it: nothing runs, nothing leaves, nothing is pushed aside."""

import base64
import csv
import io
import json
import re
import urllib.error
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from django.urls import resolve
from playwright.sync_api import Browser, Page, expect

from tests.browser.attacked import EMAIL, Api, Attacked, attack, thread_of
from tests.browser.conftest import PATIENCE_MS, Look, dress, looked_over, shoot, sign_in, two_looks
from tests.browser.hostile import BY_NAME, KINDS, Kind
from tests.browser.hostile_pages import OF_A_TRACE, OF_ALL, OF_GIANTS, path_of, q, thread_path
from tests.config.test_page_isolation import ROUTES
from tests.runs.ingest.wire import BOUNDARY, closed, part, wire_run
from tests.server import LiveServer

# What a page holds if anything of a trace was taken for markup, and what would act if it were clicked.
INTRUDERS: Final = """
() => {
  const url = link => new URL(link.getAttribute('href'), location.href)
  const links = [...document.querySelectorAll('a[href], area[href]')]
  const away = link => url(link).origin !== location.origin && /^http/.test(url(link).protocol)
  return [
    ...document.querySelectorAll(
      '.pwned, iframe, object, embed, base, math, foreignObject, mglyph, meta[http-equiv="refresh"], [srcset], [ping], [style], '
      + '[onload], [onerror], [onclick], [onfocus], [onmouseover], [ontoggle], [hx-get^="http"], [hx-get^="//"], '
      + 'form[action^="http"], link[href^="http"], img[src^="http"], video[src^="http"], audio[src^="http"]'
    ),
    ...links.filter(link => !/^(https?|mailto|file):$/.test(url(link).protocol)),
    ...links.filter(link => away(link) && !/noopener noreferrer/.test(link.getAttribute('rel'))),
  ].map(found => found.outerHTML.slice(0, 300))
}
"""
# The page never scrolls sideways, and what its main part cuts off is no more than a stack of marks.
FORMULA: Final = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
ROOM: Final = """
() => Math.max(...[document.documentElement, document.querySelector('.main') || document.documentElement]
  .map(box => box.scrollWidth - box.clientWidth))
"""
CULPRITS: Final = """
() => {
  const wide = document.documentElement.clientWidth
  const held = each => {
    for (let box = each.parentElement; box && !box.matches('body, .main'); box = box.parentElement)
      if (getComputedStyle(box).overflowX !== 'visible') return true
    return false
  }
  return [...document.querySelectorAll('body *')]
    .filter(each => each.getBoundingClientRect().right > wide + 1 && each.checkVisibility() && !held(each)).slice(0, 8)
    .map(each => `${each.outerHTML.slice(0, 100)} ${Math.round(each.getBoundingClientRect().right)}`)
}
"""
SIDEWAYS: Final = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
ELSEWHERE: Final = re.compile(r"^https?://(?!127\.0\.0\.1)")
BUSY: Final = ".htmx-request"


class Watch:
    """A page and what went wrong in it."""

    def __init__(self, page: Page, origin: str) -> None:
        self.page, self.origin = page, origin
        self.problems: list[str] = []
        page.on("dialog", self._dialog)
        page.on("console", lambda said: self.problems.append(f"console: {said.text}") if said.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on("popup", lambda other: self.problems.append(f"popup: {other.url}"))
        page.on("request", self._request)
        page.on("response", self._response)

    def _dialog(self, dialog: Any) -> None:
        self.problems.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:image/", "data:audio/", "file:///tmp/")):
            self.problems.append(f"left for {request.url[:200]}")

    def _response(self, response: Any) -> None:
        if response.status >= 400:
            self.problems.append(f"{response.status} from {response.url[:300]}")

    def visit(self, url: str, *, widths: tuple[int, ...] = (1440, 390)) -> list[str]:
        """What is wrong with that page, in each of the widths."""
        self.problems.clear()
        self.page.goto(url)
        for width in widths:
            self.page.set_viewport_size({"width": width, "height": 900})
            expect(self.page.locator(BUSY)).to_have_count(0)
            if (over := self.page.evaluate(ROOM)) > 0:
                self.problems.append(f"{over} pixels too wide at {width}: {self.page.evaluate(CULPRITS)}")
        return self.seen()

    def seen(self) -> list[str]:
        """What has gone wrong so far, and what stands in the page that should not."""
        self.problems += [f"intruder: {found}" for found in self.page.evaluate(INTRUDERS)]
        if self.page.evaluate("window.__pwned") is not None:
            self.problems.append("a script of the trace was run")
        return list(self.problems)


@pytest.fixture(scope="module")
def site(live: LiveServer) -> Attacked:
    return attack(live)


@pytest.fixture(scope="module")
def watch(browser: Browser, site: Attacked, base_url: str) -> Iterator[Watch]:
    """One page in which the attacked admin is signed in, for all tests: a new one each would take longer than they do."""
    context = browser.new_context(base_url=base_url, accept_downloads=True)
    context.set_default_timeout(PATIENCE_MS)
    # Whatever leaves is noted by the watch and gets nowhere.
    context.route(ELSEWHERE, lambda route: route.abort())
    page = context.new_page()
    sign_in(page, EMAIL)
    yield Watch(page, base_url)
    context.close()


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    return request.param


def undressed(problems: list[str], kind: Kind) -> list[str]:
    """A stack of marks is one glyph, which only cutting holds: for that kind no cut counts as too wide."""
    return [each for each in problems if not (kind.name == "unseen" and "pixels too wide" in each)]


@pytest.mark.parametrize("name", OF_A_TRACE)
def test_a_trace_is_shown_harmlessly(watch: Watch, site: Attacked, name: str, kind: Kind) -> None:
    assert undressed(watch.visit(path_of(OF_A_TRACE[name], site, kind)), kind) == []
    assert watch.page.evaluate(SIDEWAYS) <= 0


@pytest.mark.parametrize("name", OF_ALL)
def test_a_project_and_a_workspace_are_shown_harmlessly(watch: Watch, site: Attacked, name: str) -> None:
    assert watch.visit(path_of(OF_ALL[name], site)) == []


@pytest.mark.parametrize("name", OF_GIANTS)
def test_what_is_too_much_is_shown_in_part(watch: Watch, site: Attacked, name: str) -> None:
    assert watch.visit(path_of(OF_GIANTS[name], site), widths=(1440,)) == []


def test_every_page_of_a_workspace_is_walked() -> None:
    fake = dict.fromkeys((kind.name for kind in KINDS), str(uuid.UUID(int=4)))
    site = Attacked(Api("", ""), *(str(uuid.UUID(int=n)) for n in (1, 2, 3)), fake, fake)
    paths = [path_of(page, site) for page in (*OF_ALL.values(), *OF_A_TRACE.values())]
    walked = {resolve(path.partition("?")[0]).route for path in paths}
    assert set(ROUTES) - walked == {route for route in ROUTES if route.endswith(NOT_WALKED)}


# Routes that change something, or answer with what another page loads, and the files, which have tests of their own.
NOT_WALKED: Final = (
    "/revoke", "/role", "/remove", "/link", "/delete", "/restore", "/query", "/verdict", "/done", "/requeue", "/reopen",
    "/samples", "/bulk", "/columns", "/suggest", "/annotate/key", ".json", "/saved/<uuid:saved_id>", "/projects/new", "/queues/new",
)  # fmt: skip


@pytest.mark.parametrize("side", ["Annotate", "Open trace"])
def test_side_panels_show_it_harmlessly(watch: Watch, site: Attacked, side: str) -> None:
    for kind in (BY_NAME["html"], BY_NAME["wide"]):
        watch.visit(thread_path(site, kind), widths=(1440,))
        watch.page.get_by_role("link", name=side).first.click()
        expect(watch.page.locator("#panel > header")).to_be_visible()
        assert watch.seen() == []


def test_an_export_opened_from_disk_is_harmless(watch: Watch, site: Attacked, kind: Kind, tmp_path: Path) -> None:
    answer = watch.page.request.get(f"{site.project}/export?{q(thread=thread_of(kind), format='html')}")
    assert re.fullmatch(
        r"attachment; filename=\"[\w.-]+\"|attachment; filename\*=[\w.%'-]+", answer.headers["content-disposition"]
    )
    file = tmp_path / "export.html"
    file.write_bytes(answer.body())
    assert (
        undressed([each for each in watch.visit(file.as_uri()) if 'meta http-equiv="Content' not in each], kind) == []
    )


def test_no_cell_of_a_csv_file_is_a_formula(watch: Watch, site: Attacked) -> None:
    texts = [
        watch.page.request.get(f"{site.project}/export?{q(thread=thread_of(each), format='csv')}").text()
        for each in KINDS
    ]
    watch.visit(f"{site.project}/threads", widths=(1440,))
    token = watch.page.locator("body").get_attribute("hx-headers") or ""
    form = {"do": "export.csv", "all": "1", "csrfmiddlewaretoken": json.loads(token)["X-CSRFToken"]}
    texts.append(
        watch.page.request.post(f"{site.project}/threads/bulk", form=form, headers={"referer": watch.origin}).text()
    )
    cells = [
        cell
        for text in texts
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
        for cell in row
    ]
    assert len(cells) > 300
    assert [cell for cell in cells if cell.startswith(tuple(FORMULA))] == []


def test_attachments_are_handed_out_as_files_that_cannot_act(watch: Watch, site: Attacked) -> None:
    watch.visit(f"{site.project}/r/{BY_NAME['script'].root_id}", widths=(1440,))
    links = {link.get_attribute("href") for link in watch.page.locator("a[href*='/attachments/']").all()}
    headers = [watch.page.request.get(link or "").headers for link in links]
    assert len(headers) >= 4
    assert {each["content-security-policy"] for each in headers} == {"default-src 'none'; sandbox"}
    assert {each["x-content-type-options"] for each in headers} == {"nosniff"}


def test_json_that_is_too_deep_is_refused_and_its_neighbour_kept(site: Attacked) -> None:
    deep, neighbour = wire_run(name="deep"), wire_run(name="neighbour")
    fields = {"inputs": b"[" * 100_000 + b"]" * 100_000, "outputs": b'{"n": NaN}'}
    light = {run["id"]: {key: run[key] for key in run.keys() - fields.keys()} for run in (deep, neighbour)}
    parts = [part(f"post.{run_id}", run) for run_id, run in light.items()]
    parts += [
        part(f"post.{deep['id']}.inputs", fields["inputs"]),
        part(f"post.{neighbour['id']}.outputs", fields["outputs"]),
    ]
    with pytest.raises(urllib.error.HTTPError, match="422"):
        site.api.send("/api/v1/runs/multipart", closed(parts), f"multipart/form-data; boundary={BOUNDARY}")
    assert site.api.call(f"/api/v1/runs/{neighbour['id']}", method="GET")["outputs"] == {"n": None}


PIXEL: Final = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def asked(watch: Watch) -> Iterator[list[Any]]:
    """The requests that left the origin, each of which is answered with an image."""
    requests: list[Any] = []

    def answer(route: Any) -> None:
        requests.append(route.request)
        route.fulfill(status=200, content_type="image/png", body=PIXEL)

    watch.page.context.route(ELSEWHERE, answer)
    yield requests
    watch.page.context.unroute(ELSEWHERE, answer)


@pytest.mark.parametrize("place", ["overview", "trace view", "shared"])
def test_an_image_from_elsewhere_is_loaded_when_it_is_asked_for(
    watch: Watch, site: Attacked, asked: list[Any], place: str
) -> None:
    watch.visit(path_of(OF_A_TRACE[place].removesuffix("?as=json"), site, BY_NAME["images"]), widths=(1440,))
    assert asked == []
    buttons = watch.page.get_by_role("link", name="Load image from evil.example").filter(visible=True)
    count = buttons.count()
    assert count > 1
    buttons.first.click()
    image = watch.page.frame_locator("iframe.frame").locator("img")
    expect(image).to_have_js_property("naturalWidth", 1)
    assert [request.url.startswith("https://evil.example/") for request in asked] == [True]
    headers = asked[0].all_headers()
    assert {"referer", "cookie"}.isdisjoint(headers)
    expect(buttons).to_have_count(count - 1)
    shoot(watch.page, f"offsite-{place}")
    assert [error for error in watch.problems if not error.startswith("left for https://evil.example/")] == []
    assert watch.page.frames[1].evaluate("document.styleSheets.length") == 1


def test_without_a_script_the_button_opens_the_image_in_a_tab(browser: Browser, site: Attacked, base_url: str) -> None:
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    context.route(ELSEWHERE, lambda route: route.fulfill(status=200, content_type="image/png", body=PIXEL))
    page = context.new_page()
    page.goto(f"/public/{site.tokens['images']}/r")
    with context.expect_page() as opened:
        page.get_by_role("link", name="Load image from evil.example").filter(visible=True).first.click()
    expect(opened.value).to_have_title("Image from evil.example")
    context.close()


@two_looks
def test_an_image_that_waits_is_accessible_and_fits(
    browser: Browser, site: Attacked, look: Look, base_url: str
) -> None:
    context = browser.new_context(base_url=base_url)
    page = dress(context.new_page(), look, base_url)
    page.goto(f"/public/{site.tokens['images']}/r")
    waiting = page.get_by_role("link", name="Load image from evil.example").filter(visible=True).first
    waiting.scroll_into_view_if_needed()
    expect(waiting).to_be_in_viewport()
    looked_over(page, f"offsite-waits-{look}")
    context.close()
