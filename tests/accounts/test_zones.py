"""The time zone in which pages show times."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User, Workspace
from apps.accounts.zones import places, zone_named
from apps.runs.listing.asked import Asked
from tests.threads.listing import page, url
from tests.threads.wire import run, send

CHOOSE = reverse("accounts:zone")
RANGE = {"from": "2026-03-01T12:00:00Z"}


def test_times_are_utc_until_somebody_says_otherwise(viewer: Client, workspace: Workspace) -> None:
    assert "From Mar 1, 12:00 UTC" in page(viewer, send(workspace, run(thread_id="a")), **RANGE)


def test_the_zone_of_the_browser_is_taken(viewer: Client, workspace: Workspace) -> None:
    viewer.cookies["zone"] = "Europe/Berlin"
    html = page(viewer, send(workspace, run(thread_id="a")), **RANGE)
    assert "From Mar 1, 13:00 CET" in html
    assert 'From <span class="faint">Europe/Berlin</span>' in html


def test_a_chosen_zone_comes_before_that_of_the_browser(viewer: Client, workspace: Workspace) -> None:
    viewer.cookies["zone"] = "Europe/Berlin"
    viewer.post(CHOOSE, {"timezone": "Asia/Tokyo"})
    assert "From Mar 1, 21:00 JST" in page(viewer, send(workspace, run(thread_id="a")), **RANGE)


def test_a_choice_is_taken_back(viewer: Client, bob: User) -> None:
    viewer.post(CHOOSE, {"timezone": "Asia/Tokyo"})
    viewer.post(CHOOSE, {"timezone": ""})
    bob.refresh_from_db()
    assert bob.timezone == ""


def test_a_zone_that_is_none_is_refused(viewer: Client, bob: User) -> None:
    assert viewer.post(CHOOSE, {"timezone": "Mars/Olympus"}).status_code == 200
    bob.refresh_from_db()
    assert bob.timezone == ""


def test_strangers_choose_nothing(client: Client) -> None:
    assert client.get(CHOOSE).url.startswith(reverse("account_login"))


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Europe", "zone.tab", "\0", "x" * 5_000]
)
def test_whatever_a_cookie_says_is_a_zone_or_none(name: str) -> None:
    assert zone_named(name) is None


def test_a_page_is_shown_whatever_the_cookie_says(viewer: Client, workspace: Workspace) -> None:
    viewer.cookies["zone"] = "../../etc/passwd"
    assert "From Mar 1, 12:00 UTC" in page(viewer, send(workspace, run(thread_id="a")), **RANGE)


def test_every_place_offered_is_a_zone() -> None:
    assert [name for name in places() if zone_named(name) is None] == []


def test_times_that_are_typed_become_utc(viewer: Client, workspace: Workspace) -> None:
    """So that a link shows others the same."""
    asked = Asked.of({"from": "2026-03-01T12:00", "to": "2026-07-01T12:00", "zone": "Europe/Berlin"})
    assert (asked.start, asked.end) == ("2026-03-01T11:00:00Z", "2026-07-01T10:00:00Z")


def test_a_time_with_an_offset_stays() -> None:
    assert Asked.of({"from": "2026-03-01T12:00:00+05:00", "zone": "Europe/Berlin"}).start == "2026-03-01T12:00:00+05:00"


def test_what_is_no_time_is_still_complained_of() -> None:
    assert "start" in Asked.of({"from": "noon", "zone": "Europe/Berlin"}).problems


def test_fields_hold_what_was_typed(viewer: Client, workspace: Workspace) -> None:
    viewer.cookies["zone"] = "Europe/Berlin"
    asked = {"from": "2026-03-01T12:00", "zone": "Europe/Berlin"}
    html = viewer.get(url(send(workspace, run(thread_id="a"))), asked).content.decode()
    assert 'type="datetime-local" value="2026-03-01T12:00"' in html


def test_a_day_of_the_strip_begins_at_the_readers_midnight(viewer: Client, workspace: Workspace) -> None:
    viewer.cookies["zone"] = "Asia/Kolkata"
    project = send(
        workspace,
        run(thread_id="a", start=datetime(2026, 2, 1, 12, tzinfo=UTC)),
        run(thread_id="b", start=datetime(2026, 3, 1, 12, tzinfo=UTC)),
    )
    labels = [
        unescape(label) for label in re.findall(r'aria-label="(1 thread [^"]*)"', page(viewer, project, "histogram"))
    ]
    assert labels[0] == "1 thread last active Feb 1, 12:00 to Feb 2, 00:00 IST"


def test_an_export_tells_utc(viewer: Client, workspace: Workspace) -> None:
    viewer.cookies["zone"] = "Asia/Tokyo"
    project = send(workspace, run(thread_id="a", start=datetime(2026, 2, 1, 12, tzinfo=UTC)))
    answer = viewer.get(
        reverse("threads:export", args=[project.workspace_id, project.pk]), {"thread": "a", "format": "html"}
    )
    assert "Feb 1, 12:00:00" in b"".join(answer.streaming_content).decode()
