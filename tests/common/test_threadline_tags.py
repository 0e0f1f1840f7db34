import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone

from apps.common.templatetags import threadline as tags

DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (4218, "4.2k"),
        (38_700, "38.7k"),
        (999_940, "999.9k"),
        (999_960, "1M"),
        (18_200_000, "18.2M"),
        (3_000_000_000, "3B"),
    ],
)
def test_tokens_are_short(value: int | None, text: str):
    assert tags.tokens(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (Decimal("0"), "$0"),
        (Decimal("0E-12"), "$0"),
        (Decimal("0.000000000001"), "$0.0000000000010"),
        (Decimal("0.00000421"), "$0.0000042"),
        (Decimal("0.0031"), "$0.0031"),
        (Decimal("0.214000000000"), "$0.2140"),
        (Decimal("12.4"), "$12.40"),
        (Decimal("1204.5"), "$1,204.50"),
        (Decimal("-0.5"), "-$0.5000"),
        (1e-7, "$0.00000010"),
    ],
)
def test_cost_is_never_scientific(value: Decimal | float | None, text: str):
    assert tags.cost(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, DASH),
        (0, "0 ms"),
        (0.12, "120 ms"),
        (0.9996, "1.0 s"),
        (1.24, "1.2 s"),
        (9.96, "10 s"),
        (21.3, "21 s"),
        (59.6, "1 min"),
        (123, "2 min 3 s"),
        (3900, "1 h 5 min"),
        (274_000, "3 d 4 h"),
        (timedelta(seconds=1.5), "1.5 s"),
        (-1, DASH),
        (float("nan"), DASH),
        (float("inf"), DASH),
    ],
)
def test_durations_read_as_one_or_two_units(value: float | timedelta | None, text: str):
    assert tags.duration(value) == text


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(None, ""), (2.99, "ok"), (3, "warn"), (7, "warn"), (7.01, "bad"), (timedelta(seconds=5), "warn")],
)
def test_latency_is_green_below_3_s_and_amber_up_to_7(seconds: float | None, level: str):
    assert tags.latency_level(seconds) == level


def test_latency_pill_has_the_colour_and_the_time():
    assert tags.latency_pill(9.9) == '<span class="pill bad">9.9 s</span>'


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3, hours=2), "3 d"),
    ],
)
def test_recent_times_are_relative(ago: timedelta, text: str):
    assert f">{text}</time>" in tags.ago(timezone.now() - ago)


def test_old_times_show_the_day_and_the_year():
    assert ">Feb 3, 2019</time>" in tags.ago(datetime(2019, 2, 3, 4, 5, 6, tzinfo=UTC))


def test_exact_time_is_the_title():
    assert 'title="2019-02-03 04:05:06 UTC"' in tags.ago(datetime(2019, 2, 3, 4, 5, 6, tzinfo=UTC))


def test_times_that_are_not_known_are_a_dash():
    assert (tags.moment(None), DASH in tags.ago(None)) == (DASH, True)


def test_uuid_is_shortened():
    assert tags.short_id(uuid.UUID("9f1c04d2-77aa-4e0b-9a1e-51f3a2c0e07a")) == "9f1c…e07a"


def test_an_application_s_own_short_id_stays_whole():
    assert tags.short_id("eval-2026-11-21/17") == "eval-2026-11-21/17"


def test_long_id_keeps_both_ends():
    assert tags.short_id("whatsapp:+49151000000:conversation:8812") == "whatsapp:+4915…ion:8812"


def test_plural_counts_with_separators():
    assert [tags.plural(1, "thread"), tags.plural(12408, "thread"), tags.plural(2, "entry,entries")] == [
        "1 thread",
        "12,408 threads",
        "2 entries",
    ]


def test_project_name_is_one_shell_word():
    assert tags.shell_word("a'; rm -rf ~ #") == """'a'"'"'; rm -rf ~ #'"""


def test_icon_is_hidden_from_screen_readers():
    icon = Template('{% load threadline %}{% icon "copy" %}').render(Context())
    assert 'aria-hidden="true"' in icon
    assert '#copy"' in icon
