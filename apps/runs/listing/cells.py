"""Cells of a list's table as HTML. In Python, because as many calls of template filters would take most of the page's time."""

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Final

from apps.common.templatetags.threadline import UNKNOWN, duration

SHOWN_WORDS: Final = 3
MAX_TEXT: Final = 300
FAINT: Final = f'<span class="faint">{UNKNOWN}</span>'


def text_cell(text: str | None, css: str = "words") -> str:
    if not text:
        return f'<td class="{css}">{FAINT}</td>'
    safe = escape(text[:MAX_TEXT])
    # A cell of a table cannot be clamped to two lines, what stands in it can.
    shown = f"<span>{safe}</span>" if css.startswith("words") else safe
    return f'<td class="{css}" dir="auto" title="{safe}">{shown}</td>'


def figure_cell(label: str, shown: str) -> str:
    return f"{_opened(label)}{shown or FAINT}</td>"


@lru_cache(maxsize=1_000)
def _opened(label: str) -> str:
    """There are as many labels as columns, and each stands in every row."""
    return f'<td class="num" data-l="{escape(label)}">'


def length(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def pills_cell(words: Sequence[str] | None) -> str:
    if not words:
        return f'<td class="pills">{FAINT}</td>'
    shown = " ".join(f'<span class="pill"><bdi>{escape(word[:60])}</bdi></span>' for word in words[:SHOWN_WORDS])
    rest = words[SHOWN_WORDS:]
    more = f' <span class="pill" title="{escape(", ".join(rest)[:MAX_TEXT])}">+{len(rest)}</span>' if rest else ""
    return f'<td class="pills">{shown}{more}</td>'
