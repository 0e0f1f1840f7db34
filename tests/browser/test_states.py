"""What a page says when there is nothing, or not this, or not for you: in each look, and never without a way on."""

import uuid
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import TWO_LOOKS, Person, in_looks, looked_over, sign_in
from tests.browser.test_threads import SUPPORT, open_project

NOBODY: Final = uuid.UUID(int=7)
BAD: Final = quote('eq(nam, "x"')


def look_over(page: Page, name: str) -> None:
    """Every rule of the style sheets is in one of the two looks, and each look costs a walk with axe-core."""
    for look in in_looks(page, TWO_LOOKS):
        looked_over(page, f"{name}-{look}")


@pytest.fixture(scope="module")
def newcomer(make_person: Callable[..., Person]) -> Person:
    """Has a workspace with nothing in it."""
    return make_person("stella@example.org")


@pytest.fixture(scope="module")
def fresh(browser: Browser, base_url: str, newcomer: Person) -> Iterator[BrowserContext]:
    """The newcomer's browser. An answer of 403 or 404 is an error in its console, so that is not watched here."""
    context = browser.new_context(base_url=base_url)
    sign_in(context.new_page(), newcomer.email)
    yield context
    context.close()


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("not-found", "{home}/projects/p/" + str(NOBODY), "Nothing here"),
        ("unknown", "/no/such/page", "Nothing here"),
        ("of-others", f"/o/{NOBODY}/projects", "Nothing here"),
        ("no-projects", "{home}/projects", "project"),
        ("no-queues", "{home}/queues", "queue"),
        ("no-links", "{home}/settings/shared", "shared"),
        ("no-feedback-keys", "{home}/settings/feedback", "key"),
        ("no-audit", "{home}/settings/audit", "Audit"),
        ("unknown-link", f"/public/{NOBODY}/r", "Nothing here"),
        ("bad-attachment", "/attachments/forged", "no such attachment"),
    ],
)
def test_a_state_says_what_it_is(fresh: BrowserContext, newcomer: Person, name: str, path: str, words: str) -> None:
    page = fresh.new_page()
    page.goto(path.format(home=newcomer.home))
    expect(page.locator("body")).to_contain_text(words)
    if name != "bad-attachment":
        look_over(page, f"state-{name}")
    page.close()


@pytest.mark.parametrize("list_name", ["threads", "runs"])
def test_a_bad_filter_keeps_the_text_and_marks_the_place(page: Page, ada: Person, list_name: str) -> None:
    open_project(page, ada, SUPPORT)
    project = page.url.partition("/threads")[0]
    page.goto(f"{project}/{list_name}?filter={BAD}")
    expect(page.get_by_role("alert")).to_contain_text("cannot be read")
    expect(page.get_by_role("link", name="Leave it out")).to_be_visible()
    look_over(page, f"state-bad-filter-{list_name}")


@pytest.mark.parametrize("list_name", ["threads", "runs"])
def test_a_filter_that_finds_nothing_says_how_to_go_on(page: Page, ada: Person, list_name: str) -> None:
    open_project(page, ada, SUPPORT)
    project = page.url.partition("/threads")[0]
    page.goto(f"{project}/{list_name}?q=nosuchwordanywhere")
    expect(page.locator("main .note, main .empty").first).to_be_visible()
    look_over(page, f"state-nothing-found-{list_name}")
