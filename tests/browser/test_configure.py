"""Somebody tells a project what its turns show, reads a thread from a list, and takes it along."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Look, Person, assert_accessible, assert_fits, shoot, sign_in, two_looks
from tests.browser.test_threads import AGENT, SUPPORT, open_project, open_thread, panel


@pytest.fixture(scope="module")
def ben(make_person: Callable[..., Person]) -> Person:
    """Has sample conversations of his own, because saved paths change what others would see."""
    return make_person("ben@example.org", samples=True)


def open_configure(page: Page, person: Person, project: str = AGENT, thread: str = "editor-7712") -> None:
    open_thread(page, person, project, thread)
    page.get_by_role("link", name="Configure").click()
    expect(panel(page).get_by_role("heading", name="Configure")).to_be_focused()


def test_configure_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person) -> None:
    open_configure(dressed, ada)
    dressed.get_by_label("Path 1 of the input", exact=True).fill("messages[")
    expect(dressed.locator("#inputs-0-problem")).to_contain_text("character 10")
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"configure-{look}")


@two_looks
def test_export_is_accessible_and_fits(dressed: Page, look: Look, ada: Person) -> None:
    open_thread(dressed, ada, SUPPORT, "chat-8f31c2")
    dressed.get_by_role("link", name="Export").click()
    expect(panel(dressed).get_by_role("heading", name="Export")).to_be_focused()
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"export-{look}")


def test_the_panel_is_a_page_too(page: Page, ada: Person) -> None:
    open_configure(page, ada)
    panel(page).get_by_role("link", name="Full page").click()
    expect(page.get_by_role("heading", name="Configure", level=1)).to_be_visible()
    assert_accessible(page)
    shoot(page, "configure-page")


def test_a_value_is_picked_tried_and_left(page: Page, ada: Person) -> None:
    open_configure(page, ada)
    page.get_by_role("button", name="role: user").first.click()
    expect(page.get_by_label("Path 1 of the input", exact=True)).to_have_value("messages[0].role")
    expect(page.locator("#preview [role=status]")).to_contain_text(re.compile(r"\d+ of 8 inputs"))
    page.get_by_label("Path 1 of the input", exact=True).fill("messages[-1].content")
    expect(page.locator("#preview")).to_contain_text("FOR UPDATE SKIP LOCKED")
    page.get_by_role("button", name="Remove path 1 of the input").click()
    expect(page.get_by_label("Path 1 of the input", exact=True)).to_have_value("")
    expect(page.locator("#preview [role=status]")).to_have_text("No paths: Threadline finds the messages by itself.")


def test_escape_gives_focus_and_place_back(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "chat-8f31c2")
    page.keyboard.press("j")
    page.keyboard.press("j")
    before = page.evaluate("scrollY")
    page.get_by_role("link", name="Export").evaluate("link => link.focus({preventScroll: true})")
    page.keyboard.press("Enter")
    expect(panel(page).get_by_role("heading", name="Export")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(page.get_by_role("link", name="Export")).to_be_focused()
    assert page.evaluate("scrollY") == before


def test_saved_paths_change_the_turns_and_reset_brings_them_back(stranger: Page, ben: Person) -> None:
    page = stranger
    sign_in(page, ben.email)
    open_configure(page, ben, SUPPORT, "chat-8f31c2")
    page.get_by_label("Path 1 of the output", exact=True).fill("input")
    page.get_by_label("Path 1 of the input", exact=True).fill("input")
    page.get_by_label("Label of path 1 of the input").fill("Question")
    expect(page.locator("#preview [role=status]")).to_contain_text("inputs")
    page.get_by_role("button", name="Save for this project").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.locator(".msg.user .role").first).to_contain_text("Question")
    page.get_by_role("link", name="Configure").click()
    page.get_by_role("button", name="Remove all paths").click()
    expect(page.get_by_text("finds the messages by itself again")).to_be_visible()
    expect(page.locator(".msg.user .role").first).not_to_contain_text("Question")


def test_a_thread_is_downloaded(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "chat-8f31c2")
    page.get_by_role("link", name="Export").click()
    page.get_by_label("Chat JSONL").check()
    page.get_by_label("System prompts").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "chat-8f31c2.jsonl"
    (line,) = Path(download.value.path()).read_text().splitlines()
    roles = {message["role"] for message in json.loads(line)["messages"]}
    assert roles == {"user", "assistant", "tool"}


def test_the_offline_file_asks_for_nothing(page: Page, ada: Person, tmp_path: Path) -> None:
    open_thread(page, ada, AGENT, "pr-4182")
    page.get_by_role("link", name="Export").click()
    page.get_by_label("HTML").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    file = tmp_path / "thread.html"
    download.value.save_as(file)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())
    expect(page.get_by_role("heading", name="pr-4182")).to_be_visible()
    page.locator("details > summary").first.click()
    assert asked == [file.as_uri()]
    assert_accessible(page)
    shoot(page, "export-file")


def test_a_list_is_read_thread_by_thread(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.goto(page.url.split("?")[0] + "?sort=-turns")
    page.locator(".row-link").nth(1).click()
    expect(page.locator("#beside")).to_contain_text(re.compile(r"2 of \d+"))
    page.keyboard.press("]")
    expect(page.locator("#beside")).to_contain_text(re.compile(r"3 of \d+"))
    page.keyboard.press("[")
    expect(page.locator("#beside")).to_contain_text(re.compile(r"2 of \d+"))
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile("view=trace"))
    expect(page.locator("#beside")).to_contain_text(re.compile(r"2 of \d+"))
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link", name=SUPPORT).click()
    expect(page).to_have_url(re.compile(r"\?sort=-turns$"))


def test_a_long_thread_is_read_from_either_end(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "stocktake-2026-11-leeds")
    expect(page.locator(".turn")).to_have_count(10)
    page.locator("#later").scroll_into_view_if_needed()
    expect(page.locator("#turn-11")).to_be_attached()
    page.get_by_role("link", name="Newest first").click()
    expect(page.locator(".turn").first).to_have_id("turn-120")
    page.locator("#earlier").scroll_into_view_if_needed()
    expect(page.locator("#turn-110")).to_be_attached()
    page.get_by_label("Turn", exact=True).fill("60")
    page.get_by_role("button", name="Go").click()
    expect(page.locator(".turn").first).to_have_id("turn-60")
    page.get_by_role("link", name="Later turns").click()
    expect(page.locator(".turn").first).to_have_id("turn-70")
