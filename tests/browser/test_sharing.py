"""A thread is shared from its page, read by somebody who has no account, and taken back."""

import re
import struct
import uuid
import zlib

import pytest
from langsmith import Client, RunTree
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Look, Person, assert_accessible, assert_fits, dress, looked_over, shoot, two_looks
from tests.browser.test_threads import SUPPORT, open_thread, panel
from tests.server import LiveServer

THREAD = "chat-8f31c2"


def share(page: Page, person: Person) -> Locator:
    """The field with the link, in the side panel."""
    open_thread(page, person, SUPPORT, THREAD)
    page.get_by_role("link", name="Share").click()
    expect(panel(page).get_by_role("heading", name="Share")).to_be_visible()
    link = panel(page).get_by_role("textbox", name="The link")
    if not link.is_visible():
        panel(page).get_by_role("button", name="Make a public link").click()
    expect(link).to_be_visible()
    return link


def test_a_thread_is_shared_read_and_taken_back(page: Page, stranger: Page, ada: Person) -> None:
    url = share(page, ada).input_value()
    stranger.goto(url)
    expect(stranger.get_by_role("heading", name=THREAD)).to_be_visible()
    stranger.get_by_role("link", name="Open trace").first.click()
    expect(panel(stranger).locator("#run")).to_be_visible()
    stranger.get_by_role("button", name="Close").click()
    stranger.keyboard.press("t")
    stranger.wait_for_url("**view=trace**")
    panel(page).get_by_role("button", name="Stop sharing").click()
    expect(panel(page).get_by_role("button", name="Make a public link")).to_be_visible()
    assert stranger.request.get(url).status == 410


@two_looks
def test_a_thread_is_shared_without_its_prompts_and_results(
    page: Page, stranger: Page, ada: Person, look: Look, base_url: str
) -> None:
    open_thread(dress(page, look, base_url), ada, SUPPORT, "chat-51d7e8")
    page.get_by_role("link", name="Share").click()
    # Another test may have shared it already.
    expect(panel(page).get_by_role("button", name=re.compile("Stop sharing|Make a public link"))).to_be_visible()
    if panel(page).get_by_role("button", name="Stop sharing").is_visible():
        panel(page).get_by_role("button", name="Stop sharing").click()
    panel(page).get_by_label("What tools and retrievers answered").check()
    panel(page).get_by_label("E-mail addresses").check()
    assert_accessible(page)
    shoot(page, f"share-in-part-{look}")
    panel(page).get_by_role("button", name="Make a public link").click()
    dress(stranger, look, base_url).goto(panel(page).get_by_role("textbox", name="The link").input_value())
    expect(stranger.locator(".card.step").first).to_contain_text('email="•••"')
    expect(stranger.get_by_role("link", name="Open trace")).to_have_count(0)
    looked_over(stranger, f"shared-in-part-{look}")


@two_looks
def test_the_public_page_is_accessible_and_fits(
    page: Page, stranger: Page, ada: Person, look: Look, base_url: str
) -> None:
    url = share(page, ada).input_value()
    dress(stranger, look, base_url).goto(url)
    expect(stranger.get_by_role("heading", name=THREAD)).to_be_visible()
    assert_accessible(stranger)
    assert_fits(stranger)
    shoot(stranger, f"shared-{look}")


def test_sharing_is_accessible_and_fits_in_every_look(dressed: Page, look: Look, ada: Person) -> None:
    share(dressed, ada)
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"share-{look}")
    dressed.goto(ada.home + "/settings/shared")
    expect(dressed.get_by_role("heading", name="Shared links")).to_be_visible()
    assert_accessible(dressed)
    assert_fits(dressed)
    shoot(dressed, f"shared-links-{look}")


def picture(side: int) -> bytes:
    """A square PNG, red."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress((b"\0" + b"\xcc\x22\x22" * side) * side))
    return b"\x89PNG\r\n\x1a\n" + head + rows + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::langsmith._internal._beta_decorator.LangSmithDeprecationWarning")
def test_an_attached_picture_is_seen_and_an_attached_page_is_only_offered(stranger: Page, live: LiveServer) -> None:
    client = Client(api_url=f"{live.origin}/api/v1", api_key=live.api_key)
    thread = f"pictures-{uuid.uuid4()}"
    files = {"photo": ("image/png", picture(64)), "page": ("text/html", b"<script>alert(1)</script>")}
    extra = {"metadata": {"session_id": thread}}
    root = RunTree(name="look", project_name=thread, ls_client=client, attachments=files, extra=extra)
    root.post()
    root.end(outputs={"answer": "red"})
    root.patch()
    client.flush()
    token = client.share_run(root.id).split("/")[-2]
    client.cleanup()
    stranger.goto(f"{live.origin}/public/{token}/r")
    photo = stranger.get_by_role("img", name="photo")
    expect(photo).to_be_visible()
    assert photo.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    with stranger.expect_download() as download:
        stranger.get_by_role("link", name="page", exact=True).evaluate("link => { link.target = ''; link.click(); }")
    assert download.value.suggested_filename == "page.html"
