"""Somebody reads conversations: what the head, the strip and the turns tell, and what a run keeps beside them."""

import re
from typing import Any

from langsmith import Client, RunTree
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Person, assert_accessible, sign_in
from tests.browser.test_threads import AGENT, SUPPORT, open_project, open_thread
from tests.server import LiveServer

RAG = "sample-rag"


def figure(page: Page, name: str) -> Locator:
    return page.locator(".strip > div").filter(has=page.locator("dt", has_text=name))


def test_the_head_tells_what_the_thread_took(page: Page, ada: Person, context: Any, base_url: str) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=base_url)
    open_thread(page, ada, SUPPORT, "chat-51d7e8")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "chat-51d7e8"
    expect(figure(page, "Turns")).to_contain_text("1 failed")
    expect(figure(page, "Tokens").locator("summary")).to_have_attribute("title", re.compile(r"[\d,]+ in, [\d,]+ out"))
    expect(figure(page, "Cost").locator("summary")).to_have_attribute("title", re.compile(r"\$[\d.]+ in, \$[\d.]+ out"))
    expect(figure(page, "Latency P50 / P99")).to_contain_text(re.compile(r"\d s / \d+ s"))
    expect(figure(page, "Active")).to_contain_text(re.compile(r"\d\d:\d\d:\d\d → \d\d:\d\d:\d\d"))


def test_a_cost_that_is_not_whole_is_explained(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "editor-7598")
    figure(page, "Cost").locator("summary").click()
    expect(figure(page, "Cost")).to_contain_text("no price")
    expect(figure(page, "Cost")).to_contain_text("qwen-coder-fern-7b")


def test_who_carries_the_id_is_told(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "nightly-2026-11-21")
    carried = figure(page, "Thread id carried by")
    expect(carried.locator("summary")).to_have_text(re.compile(r"^1 of \d+ runs$"))
    carried.locator("summary").click()
    expect(carried).to_contain_text("Totals count whole traces")


def test_the_strip_tells_each_turn_and_leads_to_it(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "stocktake-2026-11-leeds")
    bars = page.locator(".timeline a")
    expect(bars).to_have_count(120)
    expect(bars.nth(59).locator("title")).to_have_text(re.compile(r"^Turn 60, .+, [\d,]+ tokens, \$0\.\d+$"))
    bars.nth(59).click()
    expect(page.locator("#turn-60")).to_be_in_viewport()


def test_a_failed_turn_says_why(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "chat-51d7e8")
    expect(page.locator(".timeline .error")).to_have_count(1)
    failed = page.get_by_role("article").nth(1)
    expect(failed).to_contain_text("openai.RateLimitError")
    failed.get_by_text("Stack trace").click()
    expect(failed.locator(".err pre")).to_contain_text("raise self._make_status_error_from_response")
    tool = page.get_by_role("article").first.locator(".card.step").filter(has_text="list_charges")
    expect(tool).to_contain_text("error")
    tool.locator("summary").first.click()
    expect(tool.locator(".err")).to_be_visible()
    assert_accessible(page)


def test_words_tables_code_and_pictures_are_shown_as_they_are_meant(page: Page, ada: Person) -> None:
    open_thread(page, ada, AGENT, "task-287-docs")
    expect(page.locator(".md table").first).to_be_visible()
    expect(page.locator(".md pre .hl, .md pre.hl, .md .hl").first).to_be_visible()
    open_thread(page, ada, SUPPORT, "chat-3c90fa")
    picture = page.locator("img.picture").first
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0


def test_documents_and_reasoning_stay_folded_until_they_are_wanted(page: Page, ada: Person) -> None:
    open_thread(page, ada, RAG, "hb-2207-parental")
    retriever = page.locator(".card.step").filter(has_text="VectorStoreRetriever").first
    retriever.locator("summary").first.click()
    expect(retriever.locator(".card.document").first).to_be_visible()
    open_thread(page, ada, AGENT, "task-311-rate-limit")
    page.get_by_role("link", name="Trace view").click()
    page.get_by_role("navigation", name="Runs").get_by_role("link", name="ChatAnthropic").last.click()
    thought = page.locator("#run .thought").first
    expect(thought).to_contain_text("Reasoning")
    expect(thought.locator(".md")).to_be_hidden()
    thought.locator("summary").click()
    expect(thought.locator(".md")).to_contain_text("A limit by account lets an attacker deny resets")


def test_a_long_text_is_folded_and_unfolds(stranger: Page, live: LiveServer) -> None:
    client = Client(api_url=f"{live.origin}/api/v1", api_key=live.api_key)
    extra = {"metadata": {"session_id": "long"}}
    root = RunTree(name="tell", project_name="telling at length", ls_client=client, extra=extra)
    root.end(outputs={"answer": "\n\n".join(f"Paragraph {number}. {'Words ' * 40}" for number in range(40))})
    root.post()
    client.flush()
    client.cleanup()
    sign_in(stranger, live.admin_email)
    stranger.get_by_role("link", name="telling at length").click()
    stranger.get_by_role("link", name="long", exact=True).click()
    before = stranger.locator(".md.folded").bounding_box()
    stranger.locator(".unfold").click()
    after = stranger.locator(".md.folded").bounding_box()
    assert before
    assert after
    assert before["height"] <= 320 < after["height"]


def test_a_run_keeps_its_events_metadata_tags_and_raw_fields(page: Page, ada: Person) -> None:
    open_thread(page, ada, SUPPORT, "chat-8f31c2")
    page.get_by_role("link", name="Trace view").click()
    page.get_by_role("navigation", name="Runs").get_by_role("link", name="ChatOpenAI").first.click()
    run = page.locator("#run")
    expect(run.locator("h2")).to_have_text("ChatOpenAI")
    expect(run.locator(".strip")).to_contain_text("First token")
    run.get_by_text(re.compile("^Events")).click()
    expect(run.locator(".events")).to_contain_text("first token")
    run.get_by_text("Metadata", exact=True).click()
    expect(run.locator("[data-root=metadata]")).to_contain_text("chat-8f31c2")
    raw = run.get_by_role("link", name="inputs", exact=True).get_attribute("href")
    assert raw
    assert page.request.get(raw).json()["model"] == "gpt-4o-mini"
    page.get_by_role("navigation", name="Runs").get_by_role("link", name="support_agent").first.click()
    expect(run.locator(".tags")).to_contain_text("prod")


def test_a_list_shows_its_turns_as_knots_and_its_place_by_pages(page: Page, ada: Person) -> None:
    open_project(page, ada, SUPPORT)
    row = page.get_by_role("row").filter(has_text="chat-51d7e8")
    expect(row.get_by_role("img")).to_have_attribute("aria-label", "The last 3 of 3 turns, 1 failed")
    expect(row.locator(".spark circle.error")).to_have_count(1)
    page.get_by_role("navigation", name="Project").get_by_role("link", name="Runs").click()
    page.get_by_role("navigation", name="Which runs").get_by_role("link", name="All runs").click()
    expect(page.locator(".foot")).to_contain_text(re.compile(r"1\u201350 of [\d,]+ runs"))
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".foot")).to_contain_text(re.compile(r"51\u2013100 of [\d,]+ runs"))
    page.get_by_role("link", name="Newer").click()
    expect(page.locator(".foot")).to_contain_text(re.compile(r"1\u201350 of [\d,]+ runs"))
