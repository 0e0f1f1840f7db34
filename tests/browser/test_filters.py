"""Finding the conversations one is after: by rows, by query text, by a saved filter, with and without a mouse."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.browser.conftest import Look, Person, assert_accessible, assert_fits, dress, shoot, sign_in, two_looks

SUPPORT = "sample-support-agent"
ERRORS = 'eq(status, "error")'


@pytest.fixture(scope="module")
def fay(make_person: Callable[..., Person]) -> Person:
    """Saves filters of her own, with the sample conversations."""
    return make_person("fay@example.org", samples=True)


def open_list(page: Page, person: Person, query: str = "") -> str:
    """The URL of the Threads tab."""
    page.goto(person.home + "/projects")
    page.get_by_role("link", name=SUPPORT).click()
    expect(page.get_by_role("heading", name=SUPPORT)).to_be_visible()
    page.wait_for_load_state("domcontentloaded")  # or a key comes before the script that hears it
    path = page.url.split("?")[0]
    if query:
        page.goto(f"{path}?{query}")
    return path


def builder(page: Page) -> Locator:
    return page.get_by_role("form", name="Filters")


def open_builder(page: Page) -> Locator:
    page.locator("#open-filters").click()
    expect(builder(page)).to_be_visible()
    return builder(page)


def test_the_builder_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person) -> None:
    open_list(
        dressed,
        ada,
        f'filter=and({ERRORS}, or(eq(run_type, "llm"), has(tags, "prod")))&thread_filter=gt(turn_count, 0)',
    )
    open_builder(dressed)
    expect(dressed.locator(".f-said b")).not_to_be_empty()
    assert_fits(dressed)
    shoot(dressed, f"filters-{look}")
    assert_accessible(dressed)


@two_looks
def test_the_query_text_with_a_mistake_is_accessible_and_fits(dressed: Page, look: Look, ada: Person) -> None:
    open_list(dressed, ada, "filter=eq(nme, 1)")
    expect(dressed.get_by_role("alert")).to_contain_text("did you mean name?")
    dressed.get_by_role("link", name="Correct it").click()
    expect(builder(dressed).get_by_label("Any run")).to_be_focused()
    assert_fits(dressed)
    shoot(dressed, f"filters-text-{look}")
    assert_accessible(dressed)


def test_a_condition_is_built_by_keyboard_from_what_the_project_has(page: Page, ada: Person) -> None:
    open_list(page, ada)
    page.keyboard.press("f")
    expect(builder(page).get_by_label("What condition 1 is about")).to_be_focused()
    page.get_by_label("Field of condition 1").select_option("metadata")
    key = page.get_by_label("Key of condition 1")
    key.press_sequentially("pl")
    menu = page.get_by_role("listbox", name="Often used").get_by_role("option")
    expect(menu).to_have_text([re.compile("^plan")])
    key.press("ArrowDown")
    key.press("Enter")
    expect(key).to_have_value("plan")
    value = page.get_by_label("Value of condition 1")
    value.focus()
    menu.first.wait_for()
    value.press("ArrowDown")
    value.press("Enter")
    expect(page.locator("#r0-count")).to_have_text(re.compile(r"\d+"))
    expect(page.locator(".f-said")).to_contain_text("metadata plan is")
    value.press("Enter")
    expect(page.get_by_role("list", name="Filters in use")).to_contain_text("metadata plan is")
    page.get_by_role("link", name=re.compile("^Remove: any run metadata plan")).click()
    expect(page.get_by_role("list", name="Filters in use")).to_have_count(0)


def test_a_value_typed_on_a_slow_line_survives_the_row_that_comes_for_it(page: Page, ada: Person) -> None:
    open_list(page, ada, 'filter=eq(name, "chat")')
    form = open_builder(page)
    value = form.get_by_label("Value of condition 1")
    held: list[Route] = []
    page.route(re.compile(r"/filters/threads\?"), lambda route: held.append(route))
    operator = form.get_by_label("Operator of condition 1")
    with page.expect_request(re.compile(r"/filters/threads\?")):
        operator.select_option(label="is not")
    value.fill("answer")
    held.pop().continue_()
    expect(page.locator(".f-said")).to_contain_text("name is not answer")
    expect(value).to_have_value("answer")


def test_conditions_and_groups_come_and_go_with_the_focus(page: Page, ada: Person) -> None:
    open_list(page, ada, f"filter={ERRORS}")
    form = open_builder(page)
    form.get_by_role("button", name="Condition", exact=True).click()
    expect(page.get_by_label("Field of condition 2")).to_be_focused()
    form.get_by_role("button", name="Group", exact=True).click()
    expect(page.get_by_label("Field of condition 4")).to_be_focused()
    form.get_by_role("button", name="Remove group 3").click()
    expect(page.get_by_label("Field of condition 4")).to_have_count(0)
    expect(page.get_by_label("Value of condition 1")).to_have_value("error")
    page.keyboard.press("Escape")
    expect(builder(page)).to_have_count(0)
    expect(page.locator("#open-filters")).to_be_focused()


def test_rows_and_query_text_are_the_same_filter(page: Page, ada: Person) -> None:
    open_list(page, ada, f"filter={ERRORS}")
    form = open_builder(page)
    form.get_by_role("button", name="Query text").click()
    text = form.get_by_label("Any run")
    expect(text).to_have_value(ERRORS)
    text.fill('or(eq(status, "error"), gt(latency, 5))')
    form.get_by_role("button", name="Rows").click()
    expect(page.get_by_label("Value of condition 3")).to_have_value("5s")
    form.get_by_role("button", name="Show threads").click()
    expect(page.get_by_role("list", name="Filters in use")).to_contain_text("status is error or latency over 5 s")


def test_the_filter_is_copied_as_a_program_as_the_form_stands(page: Page, ada: Person) -> None:
    open_list(page, ada, f"filter={ERRORS}")
    open_builder(page)
    page.get_by_label("Value of condition 1").fill("pending")
    page.get_by_text("Copy as").click()
    expect(page.locator("#copy-python")).to_contain_text('tree_filter="eq(status, \\"pending\\")"')
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_role("button", name="Copy as curl")).to_contain_text("Copied")


def test_a_filter_is_saved_changed_deleted_and_restored(stranger: Page, fay: Person) -> None:
    page = stranger
    sign_in(page, fay.email)
    open_list(page, fay, f"filter={ERRORS}")
    page.get_by_role("link", name="Save filter").click()
    page.get_by_role("textbox", name="Name").fill("Failing turns")
    shoot(page, "filters-save")
    page.get_by_role("button", name="Save filter").click()
    tabs = page.get_by_role("navigation", name="Saved filters")
    expect(tabs.get_by_role("link", name="Failing turns")).to_have_attribute("aria-current", "page")
    page.get_by_label("Search conversations").fill("order")
    page.get_by_label("Search conversations").press("Enter")
    expect(tabs.get_by_role("link", name=re.compile(r"Failing turns \(changed\)"))).to_be_visible()
    page.get_by_role("button", name="Update").click()
    expect(tabs.get_by_role("link", name="Failing turns", exact=True)).to_be_visible()
    tabs.get_by_text("More").click()
    tabs.get_by_role("link", name="Rename or edit").click()
    page.get_by_role("textbox", name="Name").fill("Orders that fail")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(tabs.get_by_role("link", name="Orders that fail")).to_be_visible()
    tabs.get_by_text("More").click()
    tabs.get_by_role("link", name="Rename or edit").click()
    page.get_by_role("button", name="Delete").click()
    expect(tabs).not_to_contain_text("Orders that fail")
    page.get_by_role("button", name="Undo").click()
    expect(tabs.get_by_role("link", name="Orders that fail")).to_be_visible()


@two_looks
def test_saved_filters_are_accessible_and_fit(page: Page, ada: Person, look: Look, base_url: str) -> None:
    path = open_list(dress(page, look, base_url), ada, f"filter={ERRORS}")
    page.goto(path.removesuffix("/threads") + f"/filters/threads/saved/new?filter={ERRORS}")
    assert_fits(page)
    assert_accessible(page)
    page.goto(path.removesuffix("/threads") + "/filters/threads/saved")
    expect(page.get_by_role("heading", name="Saved filters of threads")).to_be_visible()
    assert_fits(page)
    shoot(page, f"filters-saved-{look}")
    assert_accessible(page)


def test_filters_work_without_javascript(
    new_context: Callable[..., BrowserContext], signed_in: Any, ada: Person
) -> None:
    page = new_context(storage_state=signed_in, java_script_enabled=False).new_page()
    open_list(page, ada)
    page.get_by_role("link", name="Filters").click()
    page.get_by_label("Field of condition 1").select_option("status")
    page.get_by_role("button", name="Refresh the rows").click()
    page.get_by_label("Value of condition 1").fill("error")
    page.get_by_role("button", name="Show threads").click()
    expect(page.get_by_role("list", name="Filters in use")).to_contain_text("status is error")
