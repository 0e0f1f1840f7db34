"""Reading single traces: the Runs tab, a trace beside it, two of them compared."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Look, Person, assert_accessible, assert_fits, shoot

SUPPORT = "sample-support-agent"


def rows(page: Page) -> Locator:
    return page.locator(".listed-rows tbody tr:not(.snippet)")


def open_runs(page: Page, person: Person) -> None:
    page.goto(f"{person.home}/projects")
    page.get_by_role("link", name=SUPPORT).click()
    page.get_by_role("navigation", name="Project").get_by_role("link", name="Runs").click()
    expect(page.get_by_role("navigation", name="Which runs")).to_be_visible()
    page.wait_for_load_state("domcontentloaded")  # or a key comes before the script that hears it


def test_the_list_and_a_comparison_are_accessible_and_fit(dressed: Page, look: Look, ada: Person) -> None:
    open_runs(dressed, ada)
    dressed.wait_for_load_state("networkidle")
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"runs-{look}")
    for number in (1, 2):
        rows(dressed).nth(number).locator(".pick").check()
    dressed.get_by_role("button", name="Compare").click()
    expect(dressed.get_by_role("heading", name="Compare")).to_be_visible()
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"compare-{look}")


def test_a_trace_opens_beside_the_list_and_leads_to_the_next(page: Page, ada: Person) -> None:
    open_runs(page, ada)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.locator("#panel .tree")).to_be_visible()
    expect(rows(page).nth(1).locator(".row-link")).to_have_attribute("aria-current", "true")
    assert_accessible(page)
    page.keyboard.press("]")
    expect(rows(page).nth(2).locator(".row-link")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="Open the row above").click()
    expect(rows(page).nth(1).locator(".row-link")).to_have_attribute("aria-current", "true")
    expect(page.locator("#panel .tree")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_empty()
    expect(rows(page).nth(1).locator(".row-link")).to_be_focused()


def test_presets_facets_and_columns_narrow_and_shape_the_list(page: Page, ada: Person) -> None:
    open_runs(page, ada)
    page.get_by_role("navigation", name="Which runs").get_by_role("link", name="LLM calls").click()
    figures = page.get_by_role("complementary", name="Figures of the filter")
    figures.get_by_role("link", name="gpt-4.1-mini").first.click()
    expect(page).to_have_url(re.compile("show=llm.*|filter=.*"))
    expect(rows(page)).to_have_count(28)
    page.locator(".menu.columns > summary").click()
    page.locator(".columns").get_by_label("Tags").check()
    page.locator(".columns").get_by_role("button", name="Show these columns").last.click()
    expect(page.get_by_role("columnheader", name="Tags")).to_be_visible()
    expect(rows(page)).to_have_count(28)
    page.get_by_role("link", name="Latency").click()
    expect(page.locator("th[aria-sort=descending]")).to_have_text("Latency")


def test_two_rows_are_compared_step_by_step(page: Page, ada: Person) -> None:
    open_runs(page, ada)
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("x")
    expect(page.get_by_text("2 traces selected")).to_be_visible()
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("row", name=re.compile("Tokens out"))).to_be_visible()
    page.wait_for_load_state("domcontentloaded")  # or a key comes before the script that hears it
    page.keyboard.press("j")
    expect(page.locator(".steps-compared li").nth(1).locator("a")).to_have_attribute("aria-current", "true")
    page.keyboard.press("e")
    expect(page.get_by_role("link", name=re.compile("Only what differs"))).to_be_visible()
    page.get_by_role("link", name=f"Runs of {SUPPORT}").click()
    expect(rows(page).first).to_be_visible()


def test_selected_runs_are_exported(page: Page, ada: Person) -> None:
    open_runs(page, ada)
    rows(page).nth(1).locator(".pick").check()
    expect(page.get_by_role("button", name="Compare")).to_be_disabled()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSONL").click()
    assert download.value.suggested_filename == f"{SUPPORT}-runs.jsonl"
