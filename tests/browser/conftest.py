import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.browser import chromium
from tests.server import LiveServer

# Playwright keeps an event loop in this thread for the rest of the session, and Django refuses queries beside one.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

PATIENCE_MS = 10_000
PASSWORD = "correct horse battery"
AXE = Axe().axe_script
# The test asks the server for what cannot be made in the browser: a workspace of its own.
MAKE_PERSON = """
import json, sys
from apps.accounts.models import Membership, User, Workspace
from apps.runs import demo
email, samples = sys.argv_of_test
workspace = Workspace.objects.create(name=email.split("@")[0].title())
user = User.objects.create_user(email, "correct horse battery", name=workspace.name)
Membership.objects.create(user=user, workspace=workspace, role="admin")
if samples:
    demo.load(workspace)
print(json.dumps(str(workspace.pk)))
"""


@dataclass(frozen=True)
class Person:
    """Admin of a workspace of their own."""

    email: str
    workspace_id: str

    @property
    def home(self) -> str:
        return f"/o/{self.workspace_id}"


@dataclass(frozen=True)
class Look:
    theme: str
    width: int

    def __str__(self) -> str:
        return f"{self.theme}-{self.width}"


LOOKS = [Look("light", 1440), Look("dark", 1440), Look("light", 390), Look("dark", 390)]


@pytest.fixture(scope="module", autouse=True)
def no_loop_of_others() -> None:
    """Here it is needed."""


TWO_LOOKS = [LOOKS[0], LOOKS[3]]
two_looks = pytest.mark.parametrize("look", TWO_LOOKS, ids=str)
"""Each theme and each width once: for a state of a page that is seen in all four looks already."""


@pytest.fixture(params=LOOKS, ids=str)
def look(request: pytest.FixtureRequest) -> Look:
    return request.param


@pytest.fixture(scope="session", autouse=True)
def driver() -> None:
    """Comes before Playwright, which only says that its connection was closed."""
    chromium.driver()


@pytest.fixture(scope="session")
def base_url(live: LiveServer) -> str:
    return live.origin


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], playwright: Playwright) -> dict[str, Any]:
    return browser_type_launch_args | {
        "executable_path": chromium.executable(playwright),
        "args": chromium.arguments(),
    }


@pytest.fixture(scope="session")
def make_person(live: LiveServer) -> Callable[..., Person]:
    def make(email: str, *, samples: bool = False) -> Person:
        code = MAKE_PERSON.replace("sys.argv_of_test", repr((email, samples)))
        return Person(email, json.loads(live.shell(code).splitlines()[-1]))

    return make


@pytest.fixture(scope="session")
def ada(make_person: Callable[..., Person]) -> Person:
    """Has the sample conversations."""
    return make_person("ada@example.org", samples=True)


@pytest.fixture(scope="session")
def signed_in(browser: Browser, base_url: str, ada: Person) -> Any:
    """The cookies of ada: signing in for each test would run into the rate limit."""
    context = browser.new_context(base_url=base_url)
    sign_in(context.new_page(), ada.email)
    state = context.storage_state()
    context.close()
    return state


def sign_in(page: Page, email: str) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/projects")


@pytest.fixture
def context(new_context: Callable[..., BrowserContext], signed_in: Any) -> Iterator[BrowserContext]:
    """A browser in which ada is signed in. A console error or an uncaught exception in any of its pages fails the test."""
    context = new_context(storage_state=signed_in)
    yield from watched(context)


@pytest.fixture
def stranger(new_context: Callable[..., BrowserContext]) -> Iterator[Page]:
    """A page in which nobody is signed in, watched in the same way."""
    for context in watched(new_context()):
        yield context.new_page()


def watched(context: BrowserContext) -> Iterator[BrowserContext]:
    context.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    context.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context
    found = list(errors)
    for number, page in enumerate(context.pages):
        shoot(page, f"{_current_test()}-{number}")
    assert not found


def _current_test() -> str:
    return re.sub(r"[^\w.-]+", "_", os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].partition(" ")[0])


@pytest.fixture
def dressed(page: Page, look: Look, base_url: str) -> Page:
    """The page in one of the looks."""
    return dress(page, look, base_url)


def dress(page: Page, look: Look, base_url: str) -> Page:
    page.context.add_cookies([{"name": "theme", "value": look.theme, "url": base_url}])
    page.set_viewport_size({"width": look.width, "height": 900})
    return page


def in_looks(page: Page, looks: Sequence[Look] = LOOKS) -> Iterator[Look]:
    """The loaded page in one look after the other: the styles go by one attribute, and each load costs more than that."""
    for look in looks:
        page.evaluate("theme => document.documentElement.setAttribute('data-theme', theme)", look.theme)
        page.set_viewport_size({"width": look.width, "height": 900})
        yield look


# What is still fading in has no contrast yet. Some turn for ever.
AT_REST = """() => Promise.allSettled(
    document.getAnimations().filter(each => each.effect.getTiming().iterations < 9).map(each => each.finished))"""


def assert_accessible(page: Page) -> None:
    """No serious violation of WCAG 2.2 AA that axe-core can see."""
    page.evaluate(AT_REST)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    serious = [violation for violation in found if violation["impact"] in ("serious", "critical")]
    assert not [(violation["id"], [node["html"] for node in violation["nodes"]]) for violation in serious]


def assert_fits(page: Page) -> None:
    """Nothing but a table scrolls sideways."""
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def looked_over(page: Page, name: str) -> None:
    """Accessible, no wider than the window, and kept as a picture."""
    assert_accessible(page)
    assert_fits(page)
    shoot(page, name)


def shoot(page: Page, name: str) -> None:
    """Keeps a picture where THREADLINE_SHOTS names a directory."""
    if folder := os.environ.get("THREADLINE_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=Path(folder) / f"{name}.jpg", type="jpeg", quality=60)
