"""The Threads tab as its users go about it."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PATIENCE_MS, Look, Person, assert_accessible, assert_fits, shoot, two_looks
from tests.browser.test_threads import SUPPORT, open_project


def rows(page: Page) -> Locator:
    return page.locator(".threads tbody tr:not(.snippet)")


def figures(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Figures of the filter")


@pytest.mark.parametrize(
    "query",
    [
        "?q=tent",
        "?cols=first_input,user,tags,models,meta.plan,ttft,cost&sort=-cost",
        "?filter=eq(nam",
        "?thread_filter=gt(turns,999)",
    ],
)
@two_looks
def test_each_state_is_accessible_and_fits(dressed: Page, look: Look, ada: Person, query: str) -> None:
    open_project(dressed, ada, SUPPORT)
    dressed.goto(dressed.url + query)
    if dressed.locator("#aside").count():
        expect(figures(dressed).locator("#stats-title")).to_be_visible(timeout=PATIENCE_MS)
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"threads-{re.sub('[^a-z]+', '-', query[1:14])}-{look}")


@two_looks
def test_figures_and_activity_come_after_the_table_and_are_accessible(dressed: Page, look: Look, ada: Person) -> None:
    open_project(dressed, ada, SUPPORT)
    expect(figures(dressed).get_by_role("heading", name="Status")).to_be_visible()
    expect(dressed.get_by_role("link", name=re.compile("last active")).first).to_be_attached()
    assert_accessible(dressed)
    assert_fits(dressed)


@two_looks
def test_menus_are_accessible_and_fit(dressed: Page, look: Look, ada: Person) -> None:
    open_project(dressed, ada, SUPPORT)
    for menu in ("time", "columns"):
        dressed.locator(f".menu.{menu} > summary").click()
        assert_accessible(dressed)
        assert_fits(dressed)
        shoot(dressed, f"threads-{menu}-{look}")
        dressed.keyboard.press("Escape")


def test_ages_stay_true_while_the_page_is_open(page: Page, ada: Person) -> None:
    page.clock.install()
    open_project(page, ada, SUPPORT)
    age = rows(page).nth(2).locator("time")
    minutes = int(age.inner_text().removesuffix(" min"))
    page.clock.fast_forward("10:00")
    expect(age).to_have_text(re.compile(f"^({minutes + 10}|{minutes + 11}) min$|^1 h$"))


def test_a_value_is_included_and_left_out_by_click(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    every = rows(page).count()
    figures(page).get_by_role("link", name="error").first.click()
    expect(page).to_have_url(re.compile("trace_filter="))
    failed = rows(page).count()
    assert 0 < failed < every
    figures(page).get_by_role("link", name="error").first.click()
    expect(page).not_to_have_url(re.compile("trace_filter="))
    figures(page).get_by_role("listitem").filter(has_text="error").hover()
    figures(page).get_by_role("link", name="Leave out error").click()
    expect(rows(page)).to_have_count(every - failed)


def test_the_figures_stay_as_they_were_left(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.keyboard.press("s")
    expect(figures(page)).to_be_hidden()
    page.reload()
    expect(figures(page)).to_be_hidden()
    page.get_by_role("button", name="Figures").click()
    expect(figures(page).get_by_role("heading", name="Status")).to_be_visible()


def test_columns_are_chosen_moved_and_kept(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.locator(".menu.columns > summary").click()
    menu = page.locator(".columns")
    menu.get_by_label("P99").uncheck()
    menu.get_by_label("Models").check()
    menu.get_by_label("Add metadata").fill("plan")
    menu.get_by_role("listitem").filter(has_text="Cost").first.hover()
    menu.get_by_role("button", name="Move Cost left").click()
    menu.get_by_role("button", name="Show these columns").last.click()
    heads = [
        "Thread",
        "First input",
        "Last output",
        "Turns",
        "Cost",
        "Tokens",
        "P50",
        "Errors",
        "Last activity",
        "Models",
        "plan",
    ]
    expect(page.get_by_role("columnheader")).to_have_text(heads)
    open_project(page, ada, SUPPORT)
    expect(page.get_by_role("columnheader")).to_have_text(heads)
    page.locator(".menu.columns > summary").click()
    menu.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("columnheader", name="P99")).to_be_visible()


def test_a_header_sorts_and_turns_the_order(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.get_by_role("link", name="Turns").click()
    expect(rows(page).first).to_contain_text("120")
    page.get_by_role("link", name="Turns").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Turns")


def test_dragging_over_the_activity_asks_for_its_time(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    every = rows(page).count()
    picture = page.locator("[data-brush] svg")
    box = picture.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 20)
    page.mouse.move(box["x"] + box["width"] * 0.999, box["y"] + 20)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"from=.*to="))
    expect(page.locator(".menu.time > summary")).to_contain_text(re.compile(r"\d to \w+ \d"))
    assert 0 < rows(page).count() < every


def test_a_span_is_typed(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.locator(".menu.time > summary").click()
    page.get_by_role("textbox", name="The last").fill("36h")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("since=36h"))
    expect(page.locator(".menu.time > summary")).to_contain_text("Last 36 hours")


def test_search_marks_the_words_in_the_row(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.keyboard.press("/")
    page.keyboard.type("tent")
    page.keyboard.press("Enter")
    expect(page.locator(".snippet mark").first).to_have_text(re.compile("^tent$", re.IGNORECASE))


def test_keys_walk_tick_and_open_the_rows(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 threads selected")).to_be_visible()
    assert_accessible(page)
    shoot(page, "threads-selected")
    page.keyboard.press("k")
    name = rows(page).nth(1).locator(".row-link").inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_selected_threads_are_exported_and_tagged(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    rows(page).nth(1).locator(".pick").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    assert download.value.suggested_filename.endswith("-threads.csv")
    page.get_by_role("textbox", name="Tag").fill("to check")
    page.get_by_role("button", name="Add tag").click()
    expect(page.get_by_text("1 thread tagged to check")).to_be_visible()
    expect(rows(page).nth(1)).to_contain_text("to check")
    figures(page).get_by_role("link", name="to check").first.click()
    expect(rows(page)).to_have_count(1)
    rows(page).first.locator(".pick").check()
    page.get_by_role("textbox", name="Tag").fill("to check")
    page.get_by_role("button", name="Remove tag").click()
    expect(page.get_by_text("No thread matches")).to_be_visible()


def test_deleting_asks_first(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    every = rows(page).count()
    rows(page).nth(2).locator(".pick").check()
    page.locator("#bulk").get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog", name="Delete threads")
    expect(dialog).to_contain_text("Delete 1 thread?")
    assert_accessible(page)
    dialog.get_by_role("button", name="Keep them").click()
    expect(dialog).to_be_hidden()
    assert rows(page).count() == every
