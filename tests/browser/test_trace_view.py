"""Reading what happened: the tree and the run beside it, words found in a thread, and what a model saw."""

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Look, Person, dress, looked_over, two_looks

AGENT = "sample-coding-agent"


@pytest.fixture
def thread(page: Page, ada: Person) -> Page:
    """The page of a thread of the coding agent."""
    page.goto(ada.home + "/projects")
    page.get_by_role("link", name=AGENT).click()
    page.get_by_role("link", name="pr-4182").first.click()
    expect(page.get_by_role("heading", name="pr-4182")).to_be_visible()
    return page


@pytest.fixture
def trace(thread: Page) -> Page:
    """Its trace view."""
    thread.get_by_role("link", name="Trace view").click()
    expect(thread.locator("#run h2")).to_have_text("LangGraph")
    return thread


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Side panel")


def pick(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Runs").get_by_role("link", name=name).first.click()
    expect(page.locator("#run h2")).to_have_text(name)


@pytest.mark.parametrize("form", ["Rendered", "JSON", "YAML"])
@two_looks
def test_a_run_is_accessible_and_fits_in_every_form(trace: Page, look: Look, form: str, base_url: str) -> None:
    dress(trace, look, base_url).reload()
    pick(trace, "ChatOpenAI")
    trace.get_by_role("link", name=form, exact=True).click()
    expect(trace.get_by_role("link", name=form, exact=True)).to_have_attribute("aria-current", "true")
    looked_over(trace, f"run-{form.lower()}-{look}")


@two_looks
def test_what_the_model_saw_is_accessible_and_fits(thread: Page, look: Look, base_url: str) -> None:
    dress(thread, look, base_url).reload()
    thread.get_by_role("link", name="What the model saw").nth(1).click()
    expect(panel(thread)).to_contain_text("messages that the model was given before are gone")
    looked_over(thread, f"saw-{look}")


@two_looks
def test_finding_is_accessible_and_fits(thread: Page, look: Look, base_url: str) -> None:
    dress(thread, look, base_url).reload()
    thread.get_by_role("searchbox", name="Find in thread").fill("test")
    thread.keyboard.press("Enter")
    expect(thread.locator("#found")).to_contain_text("places in")
    looked_over(thread, f"found-{look}")


def test_the_form_is_kept_from_run_to_run_and_by_the_url(trace: Page) -> None:
    pick(trace, "ChatOpenAI")
    trace.get_by_role("link", name="YAML", exact=True).click()
    expect(trace.locator("#run")).to_have_attribute("data-as", "yaml")
    pick(trace, "grep")
    expect(trace.locator("#run")).to_have_attribute("data-as", "yaml")
    expect(trace).to_have_url(re.compile("as=yaml"))
    trace.reload()
    expect(trace.locator("#run h2")).to_have_text("grep")
    expect(trace.locator("#run")).to_have_attribute("data-as", "yaml")


def row(page: Page, name: str) -> Locator:
    """The first run of the tree with that name."""
    return page.locator(".tree li > a").filter(has_text=name).first


def test_arrows_walk_the_tree_without_reading_and_enter_reads(trace: Page) -> None:
    row(trace, "LangGraph").focus()
    trace.keyboard.press("ArrowDown")
    expect(row(trace, "agent")).to_be_focused()
    expect(trace.locator("#run h2")).to_have_text("LangGraph")
    trace.keyboard.press("ArrowRight")
    expect(row(trace, "ChatOpenAI")).to_be_focused()
    trace.keyboard.press("Enter")
    expect(trace.locator("#run h2")).to_have_text("ChatOpenAI")
    trace.keyboard.press("ArrowLeft")
    expect(row(trace, "agent")).to_be_focused()


def test_turns_and_all_runs_fold(trace: Page) -> None:
    first = trace.locator(".tree ul").first
    trace.get_by_role("button", name="Runs of Turn 1").click()
    expect(first).to_be_hidden()
    trace.get_by_role("button", name="Runs of Turn 1").click()
    trace.get_by_role("button", name="Fold or unfold all runs").click()
    expect(first.get_by_role("listitem")).to_have_count(1)


def test_a_filter_shows_its_hits_in_context_or_alone(trace: Page) -> None:
    trace.get_by_role("searchbox", name="Filter runs").fill("read_file")
    trace.keyboard.press("Enter")
    expect(trace.locator(".tree-found")).to_contain_text("match")
    every = trace.locator(".tree li").count()
    hits = trace.locator(".tree li.hit").count()
    assert 0 < hits < every
    trace.get_by_role("link", name="Matches only").click()
    expect(trace.locator(".tree li")).to_have_count(hits)
    trace.get_by_role("link", name="Clear").click()
    expect(trace.locator(".tree li.hit")).to_have_count(0)


def test_the_waterfall_can_be_hidden(trace: Page) -> None:
    expect(trace.locator(".fall").first).to_be_visible()
    trace.get_by_role("link", name="Hide the waterfall").click()
    expect(trace.locator(".fall").first).to_be_hidden()
    expect(trace).to_have_url(re.compile("bars=off"))


def test_a_value_its_path_and_a_link_to_it_can_be_copied(trace: Page, context: Any, base_url: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base_url)
    pick(trace, "read_file")
    read_as(trace, "JSON")
    trace.locator('[data-root="inputs"] .json li').filter(has_text="src/basket.py").last.hover()
    trace.get_by_role("button", name="Copy path").click()
    path = trace.evaluate("navigator.clipboard.readText()")
    assert path.startswith("inputs")
    expect(trace.get_by_role("button", name="Copied")).to_have_count(0)
    trace.get_by_role("button", name="Copy value").click()
    expect(trace.get_by_role("button", name="Copied")).to_be_visible()
    assert "src/basket.py" in trace.evaluate("navigator.clipboard.readText()")
    expect(trace.get_by_role("button", name="Copied")).to_have_count(0)
    trace.get_by_role("button", name="Copy link").click()
    expect(trace.get_by_role("button", name="Copied")).to_be_visible()
    trace.goto(trace.evaluate("navigator.clipboard.readText()"))
    expect(trace.locator("#at")).to_contain_text("src/basket.py")
    expect(trace.locator("#at")).to_be_in_viewport()


def read_as(page: Page, form: str) -> None:
    page.get_by_role("link", name=form, exact=True).click()
    expect(page.locator("#run")).to_have_attribute("data-as", form.lower())


def test_arrows_walk_the_json_and_fold_it(trace: Page) -> None:
    pick(trace, "ChatOpenAI")
    read_as(trace, "JSON")
    stops = trace.locator('[data-root="outputs"] .json > ul > li > details > summary')
    stops.first.focus()
    trace.keyboard.press("ArrowLeft")
    expect(trace.locator('[data-root="outputs"] .json > ul > li > details').first).not_to_have_attribute("open", "")
    trace.keyboard.press("ArrowDown")
    expect(stops.nth(1)).to_be_focused()
    trace.keyboard.press("ArrowUp")
    expect(stops.first).to_be_focused()


def test_words_are_found_in_a_run(trace: Page) -> None:
    pick(trace, "ChatOpenAI")
    read_as(trace, "YAML")
    trace.get_by_role("searchbox", name="Find in this run").fill("basket")
    trace.keyboard.press("Enter")
    expect(trace.locator("#run mark").first).to_have_text(re.compile("basket", re.IGNORECASE))
    expect(trace.get_by_role("searchbox", name="Find in this run")).to_be_focused()


def test_enter_and_n_walk_the_places_found_in_a_thread(thread: Page) -> None:
    thread.keyboard.press("/")
    expect(thread.get_by_role("searchbox", name="Find in thread")).to_be_focused()
    thread.keyboard.type("test")
    thread.keyboard.press("Enter")
    expect(thread.locator("#found")).to_contain_text("1 of ")
    thread.keyboard.press("Enter")
    expect(thread.locator("#found")).to_contain_text("2 of ")
    expect(thread.get_by_role("searchbox", name="Find in thread")).to_be_focused()
    thread.keyboard.press("Escape")
    thread.keyboard.press("n")
    expect(thread.locator("#found")).to_contain_text("3 of ")
    thread.keyboard.press("Shift+N")
    expect(thread.locator("#found")).to_contain_text("2 of ")
    expect(thread).to_have_url(re.compile("find=test&hit=2"))
    thread.keyboard.press("t")
    expect(thread).to_have_url(re.compile("view=trace&find=test"))
    expect(thread.locator("#found")).to_contain_text("of 20 places")


def test_the_panel_leads_to_the_traces_beside_it_and_escape_back(thread: Page) -> None:
    opener = thread.get_by_role("link", name="Open trace").nth(1)
    opener.scroll_into_view_if_needed()
    before = opener.bounding_box()
    opener.click()
    expect(panel(thread)).to_contain_text("turn 2")
    panel(thread).get_by_role("link", name="Trace after").click()
    expect(panel(thread)).to_contain_text("turn 3")
    thread.keyboard.press("j")
    expect(panel(thread).locator("#run h2")).to_have_text("agent")
    thread.keyboard.press("Escape")
    expect(panel(thread)).to_be_hidden()
    expect(opener).to_be_focused()
    after = opener.bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) < 4


def test_the_full_page_of_a_panel_is_the_run_that_was_picked(thread: Page) -> None:
    thread.get_by_role("link", name="Open trace").first.click()
    panel(thread).get_by_role("link", name="grep").first.click()
    expect(panel(thread).locator("#run h2")).to_have_text("grep")
    panel(thread).get_by_role("link", name="Full page").click()
    expect(thread.locator("#run h2")).to_have_text("grep")
    expect(panel(thread)).to_be_hidden()
