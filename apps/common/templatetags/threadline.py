"""How figures, times and ids read on every page. An unknown value is an en dash, never a zero."""

import math
import re
import shlex
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from django import template
from django.template.context import RequestContext
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.common.breaks import breakable

register = template.Library()

register.filter("breakable", breakable)

UNKNOWN = "\N{EN DASH}"
THEMES = ("system", "light", "dark")
GREEN_BELOW, AMBER_UP_TO = 3.0, 7.0
ID_SHOWN_WHOLE = 24
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_NOTHING = SafeString(f'<span class="faint">{UNKNOWN}</span>')


@register.simple_tag(takes_context=True)
def theme(context: RequestContext) -> str:
    """The theme the browser asked for: known before the first paint, so nothing flashes."""
    chosen = context["request"].COOKIES.get("theme", "") if "request" in context else ""
    return chosen if chosen in THEMES else "system"


@register.simple_tag
@cache
def icon(name: str, css: str = "") -> SafeString:
    """One of static/icons.svg. Decoration only: the control that holds it carries the name."""
    return format_html(
        '<svg class="icon {}" width="16" height="16" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        css,
        static("icons.svg"),
        name,
    )


@register.simple_tag
@lru_cache(maxsize=1_000)
def address(name: str, *of: uuid.UUID | str) -> str:
    """As {% url %}, which finds each of them anew: for what stands on every page, or many times on one."""
    return reverse(name, args=of)


@register.filter
def tokens(value: int | None) -> str:
    """950, 4.2k, 38.7k, 1.2M."""
    if value is None:
        return UNKNOWN
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        # 999,950 would round to "1000.0k".
        if value >= size * (1 if unit == "k" else 0.99995):
            return f"{value / size:.1f}".removesuffix(".0") + unit
    return str(value)


@register.filter
def cost(value: Decimal | float | None) -> str:
    """US dollars with the digits that matter: $12.40, $0.0031, $0.0000042."""
    if value is None:
        return UNKNOWN
    amount = value if isinstance(value, Decimal) else Decimal(str(value))
    size = abs(amount)
    if size == 0:
        return "$0"
    if size >= 1:
        digits = 2
    elif size >= Decimal("0.001"):
        digits = 4
    else:
        # Two significant digits.
        digits = 1 - size.adjusted()
    return f"{'-' if amount < 0 else ''}${size:,.{digits}f}"


@register.filter
def duration(value: float | timedelta | None) -> str:
    """Seconds as 120 ms, 1.2 s, 21 s, 2 min 3 s, 1 h 5 min, 3 d 4 h."""
    if value is None:
        return UNKNOWN
    seconds = _seconds(value)
    if not math.isfinite(seconds) or seconds < 0:
        return UNKNOWN
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    return _two_units(round(seconds))


def _seconds(value: float | timedelta) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _two_units(seconds: int) -> str:
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        large, small = (days, "d"), (hours % 24, "h")
    elif hours:
        large, small = (hours, "h"), (minutes % 60, "min")
    else:
        large, small = (minutes, "min"), (seconds % 60, "s")
    return " ".join(f"{number} {unit}" for number, unit in (large, small) if number)


@register.filter
def latency_level(latency: float | timedelta | None) -> str:
    """ok below 3 s, warn up to 7 s, bad above: the class of a pill."""
    if latency is None:
        return ""
    seconds = _seconds(latency)
    if seconds < GREEN_BELOW:
        return "ok"
    return "warn" if seconds <= AMBER_UP_TO else "bad"


@register.filter
def latency_pill(latency: float | timedelta | None) -> SafeString:
    if latency is None:
        return _NOTHING
    # Nothing in these needs escaping, and a list has one in each row.
    return SafeString(f'<span class="pill {latency_level(latency)}">{duration(latency)}</span>')


@register.simple_tag
def zone() -> str:
    """The name of the zone that times are shown in: Europe/Berlin."""
    return timezone.get_current_timezone_name()


@register.filter
def moment(value: datetime | None) -> str:
    """Nov 21, 09:14:02, with the year when it is another one."""
    if value is None:
        return UNKNOWN
    local = timezone.localtime(value)
    return f"{_day(local.date())}, {local:%H:%M:%S}"


@register.filter
def exact(value: datetime | None) -> str:
    """moment with its zone: Nov 21, 09:14:02 CET."""
    return UNKNOWN if value is None else f"{moment(value)} {timezone.localtime(value):%Z}"


def _day(day: date) -> str:
    year = "" if day.year == timezone.localdate().year else f", {day.year}"
    return f"{day:%b} {day.day}{year}"


@register.filter
def ago(value: datetime | None) -> SafeString:
    """A <time> that reads "just now", "2 min", "5 h", "3 d" or the day; the exact time is its title."""
    if value is None:
        return _NOTHING
    local = timezone.localtime(value)
    # As strftime would, which takes three times as long.
    told = f"{local.isoformat(' ', 'seconds')[:19]} {local.tzname()}"
    at = (value if value.tzinfo is UTC else value.astimezone(UTC)).isoformat()
    # Nothing in these needs escaping, and a list has one in each row.
    return SafeString(f'<time datetime="{at}" title="{told}">{_since(value)}</time>')


def _since(value: datetime) -> str:
    seconds = (timezone.now() - value).total_seconds()
    if seconds < 60:
        # A client's clock may run ahead by a little; further ahead only its day is worth showing.
        return "just now" if seconds > -300 else _day(timezone.localdate(value))
    for limit, size, unit in ((3600, 60, "min"), (86400, 3600, "h"), (7 * 86400, 86400, "d")):
        if seconds < limit:
            return f"{int(seconds // size)} {unit}"
    return _day(timezone.localdate(value))


@register.filter
def short_id(value: str | uuid.UUID) -> str:
    """9f1c…e07a for a UUID; an id of an application's own stays whole up to 24 characters."""
    text = str(value)
    if _UUID.fullmatch(text):
        return f"{text[:4]}…{text[-4:]}"
    return text if len(text) <= ID_SHOWN_WHOLE else f"{text[:14]}…{text[-8:]}"


@register.filter
def plural(count: Any, word: str) -> str:
    """1 thread, 2 threads, 12,408 threads; a word that does not take an s gives both: "entry,entries"."""
    one, _, many = word.partition(",")
    return f"{count:,} {one if count == 1 else many or one + 's'}"


@register.simple_tag(takes_context=True)
def endpoint(context: RequestContext) -> str:
    """What LANGSMITH_ENDPOINT must be to reach the server as the reader reached it."""
    return str(context["request"].build_absolute_uri("/api/v1"))


@register.filter
def shell_word(text: str) -> str:
    """As one word of a shell command, whatever a project is called."""
    return shlex.quote(text)
