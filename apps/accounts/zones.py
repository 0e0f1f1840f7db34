"""The time zone in which somebody reads times: the one they chose, else that of their browser, else UTC. API and exports tell UTC."""

from collections.abc import Callable
from datetime import UTC, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE: Final = "zone"
"""What app.js tells of the browser."""
_NOT_PLACES: Final = ("Etc/", "SystemV/", "posix/", "right/", "US/", "Canada/", "Brazil/", "Chile/", "Mexico/")


def zone_named(name: str) -> tzinfo | None:
    """None where there is no such zone, whatever the text is."""
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        return None


@cache
def places() -> list[str]:
    """The zones to choose from, by continent and city."""
    return sorted(name for name in available_timezones() if "/" in name and not name.startswith(_NOT_PLACES))


def zone_of(request: HttpRequest) -> tzinfo:
    # A program sends no cookies, and its user need not be looked up.
    if not request.COOKIES:
        return UTC
    chosen: str = getattr(request.user, "timezone", "")
    return zone_named(chosen or request.COOKIES.get(COOKIE, "")) or UTC


def in_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """What is streamed comes after it, and so in UTC."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(request)):
            return get_response(request)

    return middleware
