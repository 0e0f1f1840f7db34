"""Filters that a team keeps: what goes with them, who may change them, and what a condition offers."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Person, sign_in, watched
from tests.browser.test_filters import ERRORS, builder, open_builder, open_list


@pytest.fixture(scope="module")
def gil(make_person: Callable[..., Person]) -> Person:
    """Has sample conversations of his own, because a default filter changes the list for everybody."""
    return make_person("gil@example.org", samples=True)


@pytest.fixture
def editor(new_context: Callable[..., BrowserContext], gil: Person) -> Iterator[Page]:
    for context in watched(new_context()):
        page = context.new_page()
        sign_in(page, gil.email)
        yield page


@pytest.fixture
def hal(editor: Page, gil: Person, make_person: Callable[..., Person]) -> Person:
    """Viewer of gil's workspace."""
    hal = make_person("hal@example.org")
    editor.goto(gil.home + "/settings/members")
    editor.get_by_label("Email").fill(hal.email)
    editor.get_by_label("Role", exact=True).select_option("viewer")
    editor.get_by_role("button", name="Invite").click()
    expect(editor.get_by_text("Hal is a member")).to_be_visible()
    return hal


def test_a_filter_is_kept_with_its_columns_and_order_for_everybody(
    editor: Page, stranger: Page, gil: Person, hal: Person
) -> None:
    path = open_list(editor, gil, f"filter={ERRORS}&cols=turns,cost,models&sort=-cost")
    editor.get_by_role("link", name="Save filter").click()
    editor.get_by_role("textbox", name="Name").fill("Dear failures")
    editor.get_by_label("Description").fill("What failed, the dearest first")
    for label in ("Show it as a tab", "Open the list with it", "Share it with everybody"):
        editor.get_by_label(label).check()
    editor.get_by_role("button", name="Save filter").click()
    expect(editor.get_by_role("link", name="Dear failures")).to_have_attribute("aria-current", "page")

    # A viewer opens the list: it comes filtered, with the columns and the order, and is not theirs to change.
    sign_in(stranger, hal.email)
    stranger.goto(path)
    tabs = stranger.get_by_role("navigation", name="Saved filters")
    expect(tabs.get_by_role("link", name="Dear failures")).to_have_attribute("aria-current", "page")
    expect(stranger.get_by_role("columnheader")).to_have_text(["Thread", "Turns", "Cost", "Models"])
    expect(stranger.locator("th[aria-sort=descending]")).to_have_text("Cost")
    tabs.get_by_text("More").click()
    expect(tabs.get_by_role("link", name="All saved filters")).to_be_visible()
    expect(tabs.get_by_role("link", name="Rename or edit")).to_have_count(0)
    stranger.keyboard.press("Escape")
    stranger.get_by_role("link", name="Turns").click()
    expect(stranger.get_by_role("button", name="Update")).to_have_count(0)
    stranger.get_by_role("link", name="Save filter").click()
    expect(stranger.get_by_label("Share it with everybody")).to_have_count(0)
    stranger.get_by_role("textbox", name="Name").fill("Long failures")
    stranger.get_by_role("button", name="Save filter").click()
    expect(tabs.get_by_role("link", name="Long failures", exact=True)).to_be_visible()

    # What is private stays so.
    editor.goto(path.removesuffix("/threads") + "/filters/threads/saved")
    expect(editor.get_by_role("link", name="Dear failures", exact=True)).to_be_visible()
    expect(editor.get_by_text("Long failures")).to_have_count(0)


def test_a_condition_offers_only_what_fits_its_field(page: Page, ada: Person) -> None:
    open_list(page, ada)
    open_builder(page)
    operators = page.get_by_label("Operator of condition 1")
    page.get_by_label("Field of condition 1").select_option("latency")
    expect(operators.get_by_role("option")).to_have_text(
        ["is over", "is at least", "is under", "is at most", "is", "is not", "is there", "is absent"]
    )
    page.get_by_label("Field of condition 1").select_option("name")
    expect(operators).to_contain_text("starts with")
    expect(operators).not_to_contain_text("is over")


def test_a_filter_is_copied_in_every_form(page: Page, ada: Person) -> None:
    open_list(page, ada, f"filter={ERRORS}")
    open_builder(page)
    page.get_by_text("Copy as").click()
    for name, words in (
        ("query", ERRORS),
        ("link", "http"),
        ("python", "from langsmith import Client"),
        ("typescript", "await fetch("),
        ("curl", "curl"),
    ):
        expect(builder(page).locator(f"#copy-{name}")).to_contain_text(words)
