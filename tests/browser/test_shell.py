from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import TWO_LOOKS, Person, assert_accessible, assert_fits, in_looks, looked_over, sign_in

PAGES = {
    "projects": "/projects",
    "new-project": "/projects/new",
    "search": "/projects?q=no-such-project",
    "keys": "/settings/keys",
    "members": "/settings/members",
    "workspace": "/settings/workspace",
    "audit": "/settings/audit",
}


@pytest.mark.parametrize("name", PAGES)
def test_page_is_accessible_and_fits_in_every_look(page: Page, ada: Person, name: str):
    page.goto(ada.home + PAGES[name])
    expect(page).to_have_url(ada.home + PAGES[name])
    for look in in_looks(page):
        looked_over(page, f"{name}-{look}")


def test_project_settings_are_accessible_and_fit(page: Page, ada: Person):
    page.goto(ada.home + "/projects")
    page.get_by_role("link", name="sample-rag").click()
    page.get_by_role("link", name="Settings", exact=True).last.click()
    expect(page.get_by_role("heading", name="Delete this project")).to_be_visible()
    for look in in_looks(page, TWO_LOOKS):
        looked_over(page, f"project-settings-{look}")


def test_password_page_is_accessible_and_fits(page: Page):
    page.goto("/accounts/password/change/")
    expect(page).to_have_url("/accounts/password/change/")
    for look in in_looks(page, TWO_LOOKS):
        looked_over(page, f"password-{look}")


def test_sign_in_is_accessible_and_fits_in_every_look(stranger: Page):
    stranger.goto("/accounts/login/")
    expect(stranger).to_have_url("/accounts/login/")
    for look in in_looks(stranger):
        looked_over(stranger, f"sign-in-{look}")


def test_wrong_password_is_said_at_the_form(stranger: Page):
    stranger.goto("/accounts/login/")
    stranger.get_by_label("Email").fill("nobody@example.org")
    stranger.get_by_label("Password").fill("wrong")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert")).to_contain_text("not correct")


def test_newcomer_is_led_to_the_first_conversation(stranger: Page, make_person: Callable[..., Person]):
    person = make_person("newcomer@example.org")
    sign_in(stranger, person.email)
    expect(stranger.get_by_text("Waiting for the first run")).to_be_visible()
    assert_accessible(stranger)
    stranger.get_by_text("TypeScript", exact=True).click()
    expect(stranger.get_by_text('from "langsmith/traceable"')).to_be_visible()
    stranger.get_by_role("button", name="Load sample conversations").click()
    expect(stranger.get_by_role("row")).to_have_count(4)
    expect(stranger.get_by_role("status").first).to_contain_text("sample conversations are here")


def test_key_is_shown_once_with_its_export_lines_and_revoked(page: Page, ada: Person):
    page.goto(ada.home + "/settings/keys")
    page.get_by_label("Name").fill("checkout")
    page.get_by_role("button", name="Create key").click()
    shown = page.get_by_label("The key")
    expect(shown).to_contain_text("tl_")
    expect(page.get_by_label("Environment variables")).to_contain_text(f"LANGSMITH_API_KEY={shown.inner_text()}")
    assert_accessible(page)
    page.reload()
    expect(shown).to_have_count(0)
    page.get_by_role("button", name="Revoke checkout").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("row", name="checkout")).to_contain_text("revoked")
    expect(page.get_by_role("status").first).to_contain_text("checkout is revoked")


def test_copy_button_copies_and_says_so(page: Page, ada: Person):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(ada.home + "/settings/workspace")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == ada.workspace_id


def test_key_question_can_be_answered_with_no(page: Page, ada: Person):
    page.goto(ada.home + "/settings/keys")
    page.get_by_label("Name").fill("kept")
    page.get_by_role("button", name="Create key").click()
    page.get_by_role("button", name="Revoke kept").click()
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("button", name="Revoke kept")).to_be_visible()


def test_theme_is_kept_and_served_before_any_script(page: Page, ada: Person, base_url: str):
    page.goto(ada.home + "/projects")
    page.get_by_role("navigation", name="Main").get_by_text("Ada").click()
    page.get_by_role("button", name="Dark", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert 'data-theme="dark"' in page.request.get(base_url + ada.home + "/projects").text()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(19, 18, 17)"


def test_typing_in_the_search_narrows_the_list(page: Page, ada: Person):
    page.goto(ada.home + "/projects")
    page.keyboard.press("/")
    page.keyboard.type("rag")
    expect(page.get_by_role("row")).to_have_count(2)
    assert page.url.endswith("?q=rag")


def test_question_mark_shows_the_keys(page: Page, ada: Person):
    page.goto(ada.home + "/projects")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Search on this page")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_key_that_does_nothing_on_a_page_is_not_told(page: Page, ada: Person):
    page.goto(ada.home + "/settings/keys")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Close the panel")
    expect(page.get_by_text("Search on this page")).to_be_hidden()


def test_first_tab_stop_skips_the_navigation(page: Page, ada: Person):
    page.goto(ada.home + "/projects")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the page")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_navigation_opens_on_a_narrow_screen_without_script(
    new_context: Callable[..., BrowserContext], signed_in, ada: Person
):
    page = new_context(storage_state=signed_in, java_script_enabled=False).new_page()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(ada.home + "/projects")
    expect(page.get_by_role("link", name="Settings")).to_be_hidden()
    page.locator("label", has_text="Show the navigation").click()
    page.get_by_role("link", name="Settings").click()
    expect(page.get_by_role("heading", name="Settings")).to_be_visible()


def test_what_needs_a_script_is_not_offered_without_one(
    new_context: Callable[..., BrowserContext], signed_in, ada: Person
):
    page = new_context(storage_state=signed_in, java_script_enabled=False).new_page()
    page.goto(ada.home + "/settings/workspace")
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    expect(page.get_by_role("button", name="Copy")).to_be_hidden()


def test_key_is_made_and_revoked_without_script(new_context: Callable[..., BrowserContext], signed_in, ada: Person):
    page = new_context(storage_state=signed_in, java_script_enabled=False).new_page()
    page.goto(ada.home + "/settings/keys")
    page.get_by_label("Name").fill("no script")
    page.get_by_role("button", name="Create key").click()
    expect(page.get_by_label("The key")).to_contain_text("tl_")
    page.get_by_role("button", name="Revoke no script").click()
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("row", name="no script")).to_contain_text("revoked")


def test_invited_person_comes_in_through_the_link(page: Page, stranger: Page, ada: Person):
    page.goto(ada.home + "/settings/members")
    page.get_by_label("Email").fill("grace@example.org")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("The link").inner_text()
    stranger.goto(link)
    for field in stranger.get_by_role("textbox").all():
        field.fill("correct horse battery")
    stranger.get_by_role("button", name="Set password").click()
    sign_in(stranger, "grace@example.org")
    expect(stranger.get_by_role("link", name="sample-rag")).to_be_visible()


def test_role_is_changed_in_the_table(page: Page, ada: Person, make_person: Callable[..., Person]):
    make_person("edith@example.org")
    page.goto(ada.home + "/settings/members")
    page.get_by_label("Email").fill("edith@example.org")
    page.get_by_role("button", name="Invite").click()
    page.get_by_label("Role of Edith").select_option("viewer")
    expect(page.get_by_role("status").first).to_contain_text("Edith is viewer now")
    expect(page.get_by_label("Role of Edith")).to_have_value("viewer")


def open_trace(page: Page, ada: Person) -> Page:
    page.goto(ada.home + "/projects")
    page.get_by_role("link", name="sample-rag").click()
    page.locator(".row-link").first.click()
    page.get_by_role("link", name="Open trace").first.click()
    expect(page.get_by_label("Side panel")).to_be_visible()
    return page


def test_side_panel_makes_room_for_itself(page: Page, ada: Person):
    open_trace(page, ada)
    beside = page.locator("main").bounding_box()
    panel = page.get_by_label("Side panel").bounding_box()
    assert beside["x"] + beside["width"] <= panel["x"] + 1
    assert_accessible(page)


def test_escape_closes_the_side_panel_and_gives_the_focus_back(page: Page, ada: Person):
    open_trace(page, ada)
    expect(page.get_by_label("Side panel").get_by_role("heading").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_label("Side panel")).to_be_hidden()
    expect(page.get_by_role("link", name="Open trace").first).to_be_focused()


def test_side_panel_covers_a_narrow_screen(page: Page, ada: Person):
    page.set_viewport_size({"width": 390, "height": 800})
    open_trace(page, ada)
    assert page.get_by_label("Side panel").bounding_box()["width"] >= 389
    assert_fits(page)


def test_unknown_page_is_accessible(new_context: Callable[..., BrowserContext], signed_in):
    page = new_context(storage_state=signed_in).new_page()
    page.goto("/no/such/page")
    expect(page.get_by_role("heading")).to_have_text("Nothing here")
    for look in in_looks(page, TWO_LOOKS):
        looked_over(page, f"not-found-{look}")
