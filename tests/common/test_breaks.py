import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.common.breaks import LONGEST, breakable
from apps.common.markdown import render


def text_of(broken: str) -> str:
    return html.unescape(broken.replace("<wbr>", ""))


@pytest.mark.parametrize("unit", ["a", "&", "<b>", "é", "あ", "a\u0301", "/", "\U0001f600", "A+/="])
def test_a_text_without_spaces_breaks_often_and_stays_the_same(unit: str) -> None:
    text = unit * 3_000
    broken = breakable(text)
    assert text_of(broken) == text
    if unit != "\U0001f600":  # these break by themselves
        assert max(len(html.unescape(piece)) for piece in broken.split("<wbr>")) < LONGEST


def test_what_has_no_place_for_a_break_is_looked_through_once() -> None:
    """Tried anew at each of its signs it would take hours."""
    assert text_of(breakable("\u2014" * 1_000_000)) == "\u2014" * 1_000_000


def test_no_letter_loses_its_mark() -> None:
    assert "<wbr>\u0301" not in breakable("a\u0301" * 3_000)


@given(st.text(), st.integers(0, 600))
def test_what_is_said_stays_the_same(text: str, times: int) -> None:
    assert text_of(breakable(text * times)) == text * times


def test_a_text_with_spaces_is_left_alone() -> None:
    assert breakable("two <words> " * 1_000) == html.escape("two <words> " * 1_000)


def test_markdown_breaks_between_its_tags_only() -> None:
    url = "https://a.example/" + "b" * 1_000
    shown = render(f"[{'c' * 1_000}]({url}) `{'d' * 1_000}`")
    assert f'href="{url}"' in shown
    assert len(re.findall("<wbr>", shown)) > 10
