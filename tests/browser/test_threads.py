import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Look, Person, assert_accessible, assert_fits, shoot

AGENT, SUPPORT = "sample-coding-agent", "sample-support-agent"


def open_project(page: Page, person: Person, project: str) -> None:
    page.goto(person.home + "/projects")
    page.get_by_role("link", name=project).click()
    expect(page.get_by_role("heading", name=project)).to_be_visible()
    page.wait_for_load_state("domcontentloaded")  # or a key comes before the script that hears it


def open_thread(page: Page, person: Person, project: str, thread: str) -> None:
    open_project(page, person, project)
    page.get_by_role("link", name=thread).click()
    expect(page.get_by_role("heading", name=thread)).to_be_visible()
    page.wait_for_load_state("domcontentloaded")  # or a key comes before the script that hears it


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Side panel")


def test_threads_tab_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person) -> None:
    open_project(dressed, ada, SUPPORT)
    expect(dressed.get_by_role("link", name="chat-8f31c2")).to_be_visible()
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"threads-{look}")


def test_conversation_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person) -> None:
    open_thread(dressed, ada, AGENT, "pr-4182")
    dressed.locator(".card.step > summary").first.click()
    expect(dressed.locator(".card.step").first).to_contain_text("Arguments")
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"thread-{look}")


def test_trace_view_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person) -> None:
    open_thread(dressed, ada, AGENT, "pr-4182")
    dressed.get_by_role("link", name="Trace view").click()
    dressed.get_by_role("link", name="read_file").first.click()
    expect(dressed.get_by_role("heading", name="read_file")).to_be_visible()
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"trace-view-{look}")


def test_trace_panel_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person) -> None:
    open_thread(dressed, ada, AGENT, "pr-4182")
    dressed.get_by_role("link", name="Open trace").first.click()
    expect(panel(dressed).get_by_role("heading", name="Trace of LangGraph")).to_be_visible()
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"trace-panel-{look}")


@pytest.mark.parametrize("thread", ["chat-jp-20f1", "chat-ar-51b7", "chat-51d7e8", "chat-90be14"])
def test_any_conversation_is_accessible_and_fits(page: Page, ada: Person, thread: str) -> None:
    open_thread(page, ada, SUPPORT, thread)
    assert_accessible(page)
    assert_fits(page)
    shoot(page, f"thread-{thread}")


def test_t_switches_the_view_and_keeps_the_turn(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "pr-4182")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#turn-2")).to_be_focused()
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile(r"view=trace&turn=2#turn-2$"))
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile(r"/t/pr-4182\?turn=2#turn-2$"))


def test_j_and_k_walk_the_turns_and_o_opens_the_one_read(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "pr-4182")
    for _ in range(3):
        page.keyboard.press("j")
    expect(page.locator("#turn-3")).to_be_focused()
    page.keyboard.press("k")
    expect(page.locator("#turn-2")).to_be_focused()
    page.keyboard.press("o")
    expect(panel(page).get_by_role("heading", name="Trace of")).to_be_visible()


def test_panel_shows_the_run_picked_and_escape_gives_the_focus_back(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "pr-4182")
    opener = page.get_by_role("link", name="Open trace").nth(1)
    opener.click()
    panel(page).get_by_role("link", name="ChatOpenAI").first.click()
    expect(panel(page).get_by_role("heading", name="ChatOpenAI")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()
    expect(opener).to_be_focused()


def test_j_and_k_walk_the_runs_of_a_tree(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "pr-4182")
    page.get_by_role("link", name="Trace view").click()
    expect(page.locator("#run h2")).to_have_text("LangGraph")
    page.keyboard.press("j")
    expect(page.locator("#run h2")).to_have_text("agent")
    page.keyboard.press("j")
    expect(page.locator("#run h2")).to_have_text("ChatOpenAI")
    page.keyboard.press("k")
    expect(page.locator("#run h2")).to_have_text("agent")


def test_runs_fold_and_unfold(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "pr-4182")
    page.get_by_role("link", name="Trace view").click()
    first = page.locator(".tree ul").first.get_by_role("listitem")
    every = first.count()
    page.get_by_role("button", name="Runs of agent").first.click()
    expect(first).to_have_count(every - 1)
    page.get_by_role("button", name="Runs of LangGraph").first.click()
    expect(first).to_have_count(1)
    page.get_by_role("link", name="LangGraph").first.focus()
    page.keyboard.press("ArrowRight")
    expect(first).to_have_count(every - 1)
    assert_accessible(page)


def test_figures_explain_themselves_and_escape_folds_them(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "pr-4182")
    words = page.get_by_text("is not counted twice")
    page.locator(".explain summary").first.click()
    expect(words).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(words).to_be_hidden()


def test_brackets_go_to_the_neighbour_threads(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "chat-51d7e8")
    page.keyboard.press("]")
    expect(page.get_by_role("heading", name="chat-3c90fa")).to_be_visible()
    page.keyboard.press("[")
    expect(page.get_by_role("heading", name="chat-51d7e8")).to_be_visible()


def test_keys_rest_while_one_types(page: Page, ada: Person) -> None:
    open_long_thread(page, ada)
    field = page.get_by_role("spinbutton", name="Turn")
    field.focus()
    page.keyboard.press("t")
    page.keyboard.press("j")
    expect(field).to_be_focused()
    expect(page).not_to_have_url(re.compile("view=trace"))


def open_long_thread(page: Page, person: Person) -> None:
    open_project(page, person, SUPPORT)
    page.get_by_role("link", name="stocktake").click()


def test_a_long_thread_grows_by_windows_and_jumps(page: Page, ada: Person) -> None:
    open_long_thread(page, ada)
    expect(page.get_by_role("article")).to_have_count(10)
    page.get_by_role("link", name="Later turns").click()
    expect(page.get_by_role("article")).to_have_count(20)
    page.get_by_role("spinbutton", name="Turn").fill("100")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("#turn-100")).to_be_attached()
    page.get_by_role("link", name="Earlier turns").click()
    expect(page.locator("#turn-81")).to_be_attached()


def test_hidden_history_is_loaded_when_it_is_asked_for(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "kiosk-oslo-3")
    history = page.locator(".history").first
    expect(history.locator(".msg")).to_have_count(0)
    history.locator("summary").click()
    expect(history.locator(".msg").first).to_be_visible()


def test_new_activity_is_offered_and_moves_no_row(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    page.evaluate(
        """() => {
            const poll = document.querySelector('[data-poll]');
            poll.setAttribute('hx-get', poll.getAttribute('hx-get').replace(/after=.*/, 'after=2020-01-01T00:00:00Z'));
            htmx.process(poll);
        }"""
    )
    first = page.get_by_role("row").nth(1).inner_text()
    expect(page.get_by_role("link", name=re.compile(r"^\d+ new$"))).to_be_visible()
    assert page.get_by_role("row").nth(1).inner_text() == first
