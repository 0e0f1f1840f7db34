"""Times as somebody far from Greenwich reads and types them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look, Person, assert_accessible, assert_fits, two_looks
from tests.browser.test_sharing import share
from tests.browser.test_threads import SUPPORT, open_project

in_tokyo = pytest.mark.browser_context_args(timezone_id="Asia/Tokyo")


@in_tokyo
def test_a_time_is_typed_and_said_in_the_zone_of_the_browser(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.reload()
    page.locator(".menu.time > summary").click()
    page.get_by_label("From Asia/Tokyo").fill("2026-03-01T12:00")
    page.get_by_role("button", name="Show", exact=True).last.click()
    expect(page.locator(".menu.time > summary")).to_contain_text("From Mar 1, 12:00 JST")
    page.keyboard.press("f")
    page.get_by_label("Field of condition 1").select_option("start_time")
    value = page.get_by_label("Value of condition 1")
    # The row is another once its field is chosen.
    expect(value).to_have_attribute("type", "datetime-local")
    value.fill("2026-03-02T08:30")
    page.get_by_role("button", name="Show threads").click()
    expect(page.locator(".chip")).to_contain_text("start after 2026-03-02 08:30:00 JST")
    expect(page).to_have_url(re.compile("2026-03-01T23%3A30%3A00Z"))


@in_tokyo
def test_the_first_page_of_a_browser_is_in_its_zone(page: Page, stranger: Page, ada: Person) -> None:
    url = share(page, ada).input_value()
    stranger.goto(url)
    expect(stranger.locator(".strip")).to_contain_text("Asia/Tokyo")


@in_tokyo
def test_a_zone_is_chosen_under_the_name_of_the_user(page: Page, ada: Person) -> None:
    for chosen, told in (("Europe/Berlin", "Europe/Berlin"), ("", "Asia/Tokyo")):
        page.goto("/")
        page.locator(".rail .menu > summary").last.click()
        page.get_by_role("link", name="Time zone").click()
        page.get_by_label("Time zone").select_option(chosen)
        page.get_by_role("button", name="Save").click()
        page.locator(".rail .menu > summary").last.click()
        expect(page.get_by_role("link", name="Time zone")).to_contain_text(told)


@two_looks
def test_the_choice_is_accessible_and_fits(dressed: Page, look: Look) -> None:
    dressed.goto("/accounts/zone")
    assert_accessible(dressed)
    assert_fits(dressed)
