"""Annotating as people do it: by keyboard, two of them on one thread, and what a viewer and a phone see."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import Look, Person, assert_accessible, assert_fits, shoot, sign_in, watched
from tests.browser.test_threads import open_project, open_thread, panel
from tests.server import LiveServer

SUPPORT = "sample-support-agent"
# What the server is asked for: keys, some verdicts of a program, and colleagues.
PREPARE = """
from decimal import Decimal
from apps.accounts.models import Membership, User, Workspace
from apps.feedback import configs, services
from apps.feedback.draft import Draft
from apps.runs.models import Trace
workspace = Workspace.objects.get(pk=THE_WORKSPACE)
labels = [{"value": at, "label": label} for at, label in enumerate(["rude", "neutral", "kind"])]
for key, shape in (
    ("a correct answer", {"type": "boolean"}),
    ("helpfulness", {"type": "continuous", "min": 0, "max": 1}),
    ("tone", {"type": "categorical", "categories": labels}),
):
    configs.configure(workspace, key, shape)
for name, role in (("bea", "annotator"), ("vic", "viewer")):
    user = User.objects.create_user(f"{name}@example.org", "correct horse battery", name=name.title())
    Membership.objects.create(user=user, workspace=workspace, role=role)
for at, trace in enumerate(Trace.objects.filter(thread_id="chat-51d7e8", project__workspace=workspace)):
    judge = {"metadata": {"judge": "gpt-judge"}}
    score = Decimal(at + 1) / 4
    services.record(workspace, Draft("helpfulness", score=score, run_id=trace.pk, source=judge, comment="It answers."))
    thread = {"thread_id": trace.thread_id, "project_id": trace.project_id, "last_turn": at + 1}
    services.record(workspace, Draft("resolved", score=score, source=judge, **thread))
"""


@pytest.fixture(scope="module")
def keys(live: LiveServer, ada: Person) -> None:
    live.shell(PREPARE.replace("THE_WORKSPACE", repr(ada.workspace_id)))


@pytest.fixture
def colleague(new_context: Callable[..., BrowserContext], keys: None) -> Iterator[Page]:
    """Bea, an annotator of the same workspace."""
    for context in watched(new_context()):
        page = context.new_page()
        sign_in(page, "bea@example.org")
        yield page


def row(page: Page, name: str) -> Locator:
    return page.locator("#annotate .verdict").filter(has=page.locator(".name", has_text=name))


def annotate(page: Page) -> None:
    page.wait_for_load_state()  # keys are heard once the scripts run
    page.keyboard.press("a")
    expect(panel(page).get_by_role("heading", name="Annotate")).to_be_focused()
    # While it slides in, its colours are not yet those that are read.
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished)).then(() => null)")


def test_two_people_annotate_one_thread_by_keyboard_and_see_each_other(
    page: Page, colleague: Page, ada: Person
) -> None:
    open_thread(page, ada, SUPPORT, "chat-8f31c2")
    annotate(page)
    page.keyboard.type("1")
    expect(row(page, "a correct answer").get_by_role("radio", name="No", exact=True)).to_be_focused()
    page.keyboard.type("1")
    expect(row(page, "a correct answer")).to_contain_text("Saved")
    expect(page.locator("#turn-1 .marks")).to_contain_text("a correct answer yes")
    expect(page.locator("#feedback-strip")).to_contain_text("100 % yes")
    page.keyboard.type("c")
    page.keyboard.type("As the handbook says.")
    page.keyboard.press("Control+Enter")
    expect(row(page, "helpfulness").get_by_role("textbox", name="helpfulness")).to_be_focused()
    page.keyboard.type("0.75")
    page.keyboard.press("Enter")
    expect(row(page, "helpfulness")).to_contain_text("Saved")

    open_thread(colleague, ada, SUPPORT, "chat-8f31c2")
    annotate(colleague)
    seen = row(colleague, "a correct answer").locator(".others")
    expect(seen).to_contain_text("Ada")
    expect(seen).to_contain_text("As the handbook says.")
    colleague.keyboard.type("10")
    expect(row(colleague, "a correct answer")).to_contain_text("Saved")
    colleague.keyboard.type("33")
    expect(row(colleague, "tone").get_by_role("radio", name="kind")).to_be_checked()
    expect(row(colleague, "tone")).to_contain_text("Saved")

    expect(colleague.locator("#feedback-strip")).to_contain_text("tone kind")

    expect(row(page, "tone").locator(".others")).to_contain_text("Bea", timeout=20_000)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(panel(page).locator("*")).to_have_count(0)
    page.reload()
    expect(page.locator("#feedback-strip")).to_contain_text("50 % yes")
    annotate(page)
    expect(row(page, "tone").locator(".others")).to_contain_text("Bea")


def test_escape_gives_the_place_back(page: Page, ada: Person, keys: None) -> None:
    open_thread(page, ada, SUPPORT, "chat-8f31c2")
    page.keyboard.press("j")
    page.keyboard.press("j")
    before = page.evaluate("scrollY")
    annotate(page)
    page.locator("#annotate .is-yes_no [type=radio]").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator("#turn-2 [data-annotate]")).to_be_focused()
    assert abs(page.evaluate("scrollY") - before) < 40


def test_undo_and_clear_and_the_next_turn_need_no_mouse(page: Page, ada: Person, keys: None) -> None:
    open_thread(page, ada, SUPPORT, "chat-51d7e8")
    annotate(page)
    page.keyboard.type("11")
    answer = row(page, "a correct answer")
    expect(answer).to_contain_text("Saved")
    page.keyboard.type("10")
    expect(answer.get_by_role("radio", name="No", exact=True)).to_be_checked()
    expect(answer.get_by_role("button", name="Undo")).to_be_visible()
    page.keyboard.type("u")
    expect(answer.get_by_role("radio", name="Yes")).to_be_checked()
    page.keyboard.press("Backspace")
    expect(answer).to_contain_text("Taken back")
    expect(answer.get_by_role("radio", name="Yes")).not_to_be_checked()
    page.keyboard.type(".")
    expect(page.locator("#annotate")).to_have_attribute("data-turn", "2")
    without = row(page, "a correct answer").get_by_role("radio", name="Not applicable")
    page.keyboard.type("-")
    expect(without).to_be_checked()


def test_a_correction_shows_what_changed(page: Page, ada: Person, keys: None) -> None:
    open_thread(page, ada, SUPPORT, "chat-77aa09")
    annotate(page)
    page.keyboard.type("e")
    field = page.get_by_role("textbox", name="The output as it should be")
    expect(field).to_be_focused()
    field.fill("Somebody will call you.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#annotate .diff ins").first).to_be_visible()
    page.goto(page.url.split("?")[0] + "?view=trace")
    expect(page.locator("#run-feedback .diff del").first).to_be_visible()
    assert_accessible(page)


def test_a_run_inside_a_turn_is_annotated_in_the_trace_view(page: Page, ada: Person, keys: None) -> None:
    open_thread(page, ada, SUPPORT, "chat-8f31c2")
    page.goto(page.url.split("?")[0] + "?view=trace")
    page.locator(".tree").get_by_role("link", name="get_order").click()
    expect(page.locator("#run").get_by_role("heading", name="get_order")).to_be_visible()
    annotate(page)
    read = page.url
    page.keyboard.type("11")
    expect(page.locator("#run-feedback tbody tr")).to_have_count(1)
    assert page.url == read
    expect(page.locator(".tree li a[aria-current] .rated-dot.ok")).to_be_visible()
    assert_accessible(page)


def test_a_key_is_made_on_the_spot(page: Page, ada: Person, keys: None) -> None:
    open_thread(page, ada, SUPPORT, "chat-77aa09")
    page.get_by_role("link", name="Annotate", exact=True).first.click()
    page.get_by_text("New key").click()
    page.get_by_label("Name", exact=True).fill("mood")
    page.get_by_label("Kind", exact=True).select_option("Labels")
    page.get_by_role("textbox", name="Labels").fill("sad\nglad")
    page.get_by_role("button", name="Make the key").click()
    row(page, "mood").get_by_text("glad").click()
    expect(row(page, "mood")).to_contain_text("Saved")
    expect(page.locator("#feedback-strip")).to_contain_text("thread mood")


# A workspace in which nobody has said anything, and an annotator.
FRESH = """
import uuid
from apps.accounts.models import Membership, User, Workspace
from apps.projects.models import Project
from apps.runs.ingest.deliver import deliver
workspace = Workspace.objects.create(name="Fresh")
user = User.objects.create_user("fenja@example.org", "correct horse battery", name="Fay")
Membership.objects.create(user=user, workspace=workspace, role="annotator")
run = {"id": str(uuid.uuid4()), "name": "agent", "run_type": "chain", "session_name": "shop", "outputs": {"text": "On Monday."}}
times = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:00:01Z"}
deliver(workspace, [run | times | {"extra": {"metadata": {"thread_id": "first"}}}])
print(f"/o/{workspace.pk}/projects/p/{Project.objects.get(workspace=workspace).pk}/t/first")
"""


def test_a_workspace_without_keys_is_begun_by_keyboard(stranger: Page, live: LiveServer) -> None:
    where = live.shell(FRESH).splitlines()[-1]
    sign_in(stranger, "fenja@example.org")
    stranger.goto(where)
    annotate(stranger)
    expect(stranger.get_by_role("heading", name="Add a key")).to_be_visible()
    assert_accessible(stranger)
    stranger.keyboard.press("1")
    expect(stranger.locator("#annotate .verdict.active")).to_contain_text("correctness")
    stranger.keyboard.press("1")
    expect(row(stranger, "correctness")).to_contain_text("Saved")
    expect(row(stranger, "correctness").get_by_role("radio", name="Yes")).to_be_checked()
    expect(stranger.locator("#feedback-strip")).to_contain_text("correctness 100 % yes")
    expect(stranger.locator(".first-key")).to_have_count(0)


def test_a_viewer_reads_and_cannot_annotate(stranger: Page, ada: Person, keys: None) -> None:
    sign_in(stranger, "vic@example.org")
    open_thread(stranger, ada, SUPPORT, "chat-51d7e8")
    annotate(stranger)
    expect(stranger.locator("#annotate")).to_contain_text("You read what others say")
    stranger.keyboard.type("11")
    expect(stranger.locator("#annotate input:enabled:not([type=hidden])")).to_have_count(0)


def test_the_strip_leads_to_the_verdicts_and_their_course(page: Page, ada: Person, keys: None) -> None:
    open_thread(page, ada, SUPPORT, "chat-51d7e8")
    page.locator("#feedback-strip").get_by_role("link", name="thread resolved").click()
    expect(panel(page).locator(".course circle")).to_have_count(3)
    expect(panel(page).locator(".entries li")).to_have_count(3)
    assert_accessible(page)
    page.locator("#feedback-strip").get_by_role("link", name="helpfulness").click()
    panel(page).get_by_role("link", name="Turn 2").click()
    expect(page.locator("#turn-2")).to_be_in_viewport()


def test_the_threads_tab_shows_sorts_and_narrows_by_feedback(page: Page, ada: Person, keys: None) -> None:
    open_project(page, ada, SUPPORT)
    page.goto(page.url.split("?")[0] + "?cols=turns,feedback.helpfulness,feedback.resolved&sort=-feedback.helpfulness")
    judged = page.get_by_role("row", name="chat-51d7e8")
    expect(judged).to_contain_text("0.5")
    expect(judged.get_by_title("about the thread as a whole")).to_be_visible()
    page.get_by_title("Only threads with resolved").click()
    expect(page.locator("table.threads tbody tr")).to_have_count(1)
    expect(judged).to_be_visible()
    assert_accessible(page)


def test_annotating_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person, keys: None) -> None:
    open_thread(dressed, ada, SUPPORT, "chat-51d7e8")
    assert_accessible(dressed)
    annotate(dressed)
    dressed.keyboard.type("3")
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"annotate-{look}")
    dressed.goto(panel(dressed).get_by_role("link", name="Full page").get_attribute("href") or "")
    assert_accessible(dressed)
    assert_fits(dressed)
    dressed.goto(ada.home + "/settings/feedback")
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"feedback-keys-{look}")


def test_a_verdict_is_given_without_a_script(
    new_context: Callable[..., BrowserContext], keys: None, ada: Person, signed_in: dict[str, object]
) -> None:
    context = new_context(java_script_enabled=False, storage_state=signed_in)
    page = context.new_page()
    open_thread(page, ada, SUPPORT, "chat-77aa09")
    page.get_by_role("link", name="Annotate").nth(1).click()
    row(page, "a correct answer").get_by_text("Yes").click()
    row(page, "a correct answer").get_by_role("button", name="Save").click()
    expect(row(page, "a correct answer")).to_contain_text("You,")
    row(page, "a correct answer").get_by_role("button", name="Undo").click()
    expect(row(page, "a correct answer").get_by_role("radio", name="Yes")).not_to_be_checked()
