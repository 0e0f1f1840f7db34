"""What the server says when it refuses, or breaks: every such page in each look.

The answers come from this process, where a view can break on purpose; the browser gets them in place of an answer of the server that
runs, which gives the styles and scripts.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from playwright.sync_api import Browser, Page, expect
from psycopg.errors import QueryCanceled

from apps.accounts.models import User, Workspace
from apps.threads.shared import SharedLink
from config.urls import urlpatterns as theirs
from tests.browser.conftest import PATIENCE_MS, Look, dress, looked_over, two_looks
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db


def breaks(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the reason")


def waits(request: HttpRequest) -> HttpResponse:
    raise OperationalError from QueryCanceled()


urlpatterns = [path("breaks", breaks), path("waits", waits), *theirs]


@pytest.fixture
def client(settings: Any) -> Client:
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False, enforce_csrf_checks=True)


def too_many(client: Client, **_: Any) -> Any:
    """Wrong passwords, until no more are taken."""
    client.handler.enforce_csrf_checks = False
    given = {"login": "nobody@example.org", "password": "wrong"}
    answers = (client.post("/accounts/login/", given) for _ in range(60))
    return next(answer for answer in answers if answer.status_code != 200)


def below_the_role(client: Client, bob: User, workspace: Workspace, **_: Any) -> Any:
    client.force_login(bob)
    return client.get(reverse("accounts:members", args=[workspace.pk]))


def no_longer_shared(client: Client, alice: User, workspace: Workspace, **_: Any) -> Any:
    project = send(workspace, run(thread_id="t"))
    client.force_login(alice)
    client.handler.enforce_csrf_checks = False
    page = f"{reverse('threads:share', args=[workspace.pk, project.pk])}?thread=t"
    client.post(page)
    client.post(page, {"do": "revoke"})
    return client.get(SharedLink.objects.get().path)


REFUSALS: Final[dict[str, tuple[int, str, Callable[..., Any]]]] = {
    "unreadable": (400, "makes no sense", lambda client, **_: client.get("/", headers={"host": "no host"})),
    "role": (403, "Your role does not allow this", below_the_role),
    "stale form": (403, "out of date", lambda client, **_: client.post("/accounts/login/", {"login": "a"})),
    "missing": (404, "Nothing here", lambda client, **_: client.get("/no/such/page")),
    "revoked": (410, "No longer shared", no_longer_shared),
    "too many": (429, "Too many attempts", too_many),
    "broken": (500, "Something broke", lambda client, **_: client.get("/breaks")),
    "too long": (503, "took too long", lambda client, **_: client.get("/waits")),
}  # fmt: skip


@pytest.fixture
def plain(browser: Browser, base_url: str) -> Iterator[Page]:
    """A page in which nobody is signed in. Only the status itself may be told in its console."""
    context = browser.new_context(base_url=base_url)
    context.set_default_timeout(PATIENCE_MS)
    errors: list[str] = []
    context.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    context.on("weberror", lambda error: errors.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert [error for error in errors if "the server responded with a status of" not in error] == []


@two_looks
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_what_happened_and_leads_on(
    plain: Page, client: Client, alice: User, bob: User, workspace: Workspace, look: Look, base_url: str, name: str
) -> None:
    status, words, ask = REFUSALS[name]
    client.cookies["theme"] = look.theme
    answer = ask(client, alice=alice, bob=bob, workspace=workspace)
    assert answer.status_code == status
    page = dress(plain, look, base_url)
    page.emulate_media(color_scheme=look.theme)  # type: ignore[arg-type]
    page.route(
        "**/refused", lambda route: route.fulfill(status=status, headers=dict(answer.headers), body=answer.content)
    )
    page.goto("/refused")
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)
    expect(page.get_by_role("link").first).to_be_visible()
    looked_over(page, f"refused-{status}-{name.replace(' ', '-')}-{look}")
