"""Annotation queues as people work through them: one by keyboard alone, two without seeing each other's verdicts."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Look, assert_accessible, assert_fits, dress, shoot, sign_in, watched
from tests.server import LiveServer

# What the server is asked for: an editor, two annotators, and queues of sample threads and of two runs.
PREPARE = """
import json
from apps.accounts.models import Membership, User, Workspace
from apps.feedback import configs
from apps.feedback.queues import services
from apps.feedback.queues.adding import add_runs, add_threads
from apps.feedback.queues.rubric import rubric_from
from apps.projects.models import Project
from apps.runs import demo
from apps.runs.models import Run
workspace = Workspace.objects.create(name="Reviewers")
for name, role in (("nora", "editor"), ("ruth", "annotator"), ("sam", "annotator")):
    user = User.objects.create_user(f"{name}@example.org", "correct horse battery", name=name.title())
    Membership.objects.create(user=user, workspace=workspace, role=role)
demo.load(workspace)
configs.configure(workspace, "helpful", {"type": "boolean"})
rubric = rubric_from([{"feedback_key": "helpful", "description": "Did it help?", "is_required": True}])
project = Project.objects.get(workspace=workspace, name="sample-support-agent")
THREADS = {
    "alone": ("chat-8f31c2", "chat-77aa09", "chat-51d7e8"),
    "blind": ("chat-3c90fa", "chat-e2256b"),
    "looks": ("chat-0a44d3", "chat-b7190e"),
}
ids = {"workspace": str(workspace.pk), "project": str(project.pk)}
for name, needed in (("alone", 1), ("blind", 2), ("looks", 2), ("runs", 1)):
    values = {"name": f"Queue {name}", "rubric": rubric, "reviews_needed": needed, "instructions": "Read **all** of it."}
    queue = services.create(workspace, None, values)
    ids[name] = str(queue.pk)
    if name == "runs":
        add_runs(queue, [run.id for run in Run.objects.filter(project=project, run_type="llm").order_by("id")[:2]])
    else:
        add_threads(queue, [(project, thread) for thread in THREADS[name]])
print(json.dumps(ids))
"""


@dataclass(frozen=True)
class Queues:
    ids: dict[str, str]

    def url(self, name: str, tail: str = "") -> str:
        return f"/o/{self.ids['workspace']}/queues/{self.ids[name]}{tail}"


@pytest.fixture(scope="module")
def queues(live: LiveServer) -> Queues:
    return Queues(json.loads(live.shell(PREPARE).splitlines()[-1]))


type Open = Callable[[str], Page]


@pytest.fixture
def person(new_context: Callable[..., BrowserContext], queues: Queues) -> Iterator[Open]:
    """Opens a browser in which somebody of the workspace is signed in."""
    watching = []

    def open_for(name: str) -> Page:
        watching.append(watched(new_context()))
        page = next(watching[-1]).new_page()
        sign_in(page, f"{name}@example.org")
        return page

    yield open_for
    for each in watching:
        assert next(each, None) is None


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", name=text, level=1)).to_be_visible()


def answer(page: Page, digit: str) -> None:
    """The first key, and one of its answers."""
    page.keyboard.press("1")
    expect(page.locator("#annotate .verdict.active")).to_be_visible()
    page.keyboard.press(digit)
    expect(page.locator("#annotate .verdict").first).to_contain_text("Saved")


def test_one_person_reviews_a_queue_with_the_keyboard_only(person: Open, queues: Queues) -> None:
    page = person("ruth")
    page.goto(queues.url("alone"))
    page.keyboard.press("r")
    heading(page, "chat-8f31c2")
    expect(page.locator("#missing")).to_contain_text("helpful")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Still needed: helpful.", exact=True)).to_be_visible()

    answer(page, "1")
    expect(page.locator("#missing")).to_be_empty()
    page.keyboard.press("Control+Enter")
    heading(page, "chat-77aa09")
    page.keyboard.press("q")
    heading(page, "chat-51d7e8")
    answer(page, "0")
    page.keyboard.press("m")
    page.keyboard.type("The refund is missing.")
    page.keyboard.press("Control+Enter")
    heading(page, "chat-77aa09")

    page.keyboard.press("h")
    heading(page, "chat-51d7e8")
    expect(page.get_by_label("Note", exact=True)).to_have_value("The refund is missing.")
    expect(page.get_by_text("You have reviewed this item.")).to_be_visible()
    page.keyboard.press("l")
    heading(page, "chat-77aa09")
    answer(page, "1")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("heading", name="All done")).to_be_visible()
    expect(page.get_by_text("3 of 3")).to_be_visible()


def test_two_people_review_without_seeing_each_other(person: Open, queues: Queues) -> None:
    ruth, sam = person("ruth"), person("sam")
    ruth.goto(queues.url("blind", "/review"))
    heading(ruth, "chat-3c90fa")
    sam.goto(queues.url("blind", "/review"))
    heading(sam, "chat-3c90fa")
    answer(ruth, "1")
    ruth.keyboard.press("Control+Enter")
    heading(ruth, "chat-e2256b")

    sam.reload()
    expect(sam.get_by_text("Blind: the verdicts of others show when you are done.")).to_be_visible()
    expect(sam.locator("#annotate")).not_to_contain_text("Ruth")
    sam.goto(f"/o/{queues.ids['workspace']}/projects/p/{queues.ids['project']}/t/chat-3c90fa")
    expect(sam.locator("#feedback-strip")).to_contain_text("thread helpful hidden until you have reviewed")
    sam.goto(queues.url("blind", "/review"))
    heading(sam, "chat-3c90fa")
    answer(sam, "0")
    expect(sam.locator("#annotate")).not_to_contain_text("Ruth")
    sam.keyboard.press("Control+Enter")
    heading(sam, "chat-e2256b")
    sam.keyboard.press("h")
    heading(sam, "chat-3c90fa")
    expect(sam.locator("#annotate .others").first).to_contain_text("Ruth")

    ruth.goto(queues.url("blind"))
    agreement = ruth.get_by_role("region", name="Agreement")
    expect(agreement.get_by_role("row", name="helpful")).to_contain_text("0 of 1")


def test_threads_are_put_into_a_queue_from_the_table_and_from_their_page(person: Open, queues: Queues) -> None:
    page = person("nora")
    project = f"/o/{queues.ids['workspace']}/projects/p/{queues.ids['project']}"
    page.goto(f"{project}/threads")
    for name in ("chat-90be14", "chat-8f31c2"):
        page.get_by_role("row", name=name).get_by_role("checkbox").check()
    page.get_by_role("button", name="Add to queue").click()
    heading(page, "Add 2 threads to a queue")
    page.get_by_label("Queue").select_option("Queue alone")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("1 thread added to Queue alone; 1 was in it already.")).to_be_visible()

    page.goto(f"{project}/t/chat-90be14")
    page.get_by_role("link", name="Queue", exact=True).click()
    side = page.get_by_role("complementary", name="Side panel")
    expect(side.get_by_text("in it")).to_be_visible()
    side.get_by_role("button", name="Add to Queue runs").click()
    expect(side.get_by_text("added")).to_be_visible()


def test_a_queue_is_made_and_changed(person: Open, queues: Queues) -> None:
    page = person("nora")
    page.goto(f"/o/{queues.ids['workspace']}/queues/new")
    page.get_by_label("Name").fill("Tone of voice")
    page.get_by_label("Key", exact=True).first.fill("helpful")
    page.get_by_role("button", name="Another key").click()
    page.get_by_label("Key", exact=True).last.fill("depth")
    page.get_by_role("button", name="Make the queue").click()
    heading(page, "Tone of voice")
    expect(page.get_by_role("region", name="Rubric")).to_contain_text("depth")
    expect(page.get_by_role("heading", name="The queue is empty")).to_be_visible()


def test_queues_are_accessible_and_fit_in_every_look(look: Look, person: Open, queues: Queues, base_url: str) -> None:
    page = dress(person("nora"), look, base_url)
    pages = {
        "queues": f"/o/{queues.ids['workspace']}/queues",
        "queue": queues.url("blind"),
        "queue-form": queues.url("blind", "/edit"),
        "queue-review": queues.url("looks", "/review"),
        "queue-run": queues.url("runs", "/review"),
    }
    for name, url in pages.items():
        page.goto(url)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_accessible(page)
        assert_fits(page)
        shoot(page, f"{name}-{look}")
