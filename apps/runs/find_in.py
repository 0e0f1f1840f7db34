"""Words looked for inside a run: where they first stand, and the text around them with the words marked."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.common.breaks import breakable
from apps.runs.places import Steps

MAX_WORDS: Final = 200
"""Characters looked for."""
MAX_MARKS: Final = 1_000
MAX_VALUES: Final = 50_000
_AROUND: Final = 90


def pattern_of(words: str) -> re.Pattern[str] | None:
    """The words one after another, whatever their case and the white space between them; None without a word."""
    parts = words[:MAX_WORDS].split()
    return re.compile(r"\s+".join(map(re.escape, parts)), re.IGNORECASE) if parts else None


def marked(text: str, pattern: re.Pattern[str] | None) -> SafeString:
    """The text as HTML."""
    if pattern is None:
        return breakable(text)
    out: list[str] = []
    end = 0
    for count, found in enumerate(pattern.finditer(text)):
        if count >= MAX_MARKS:
            break
        out += (breakable(text[end : found.start()]), "<mark>", escape(found[0]), "</mark>")
        end = found.end()
    return mark_safe("".join([*out, breakable(text[end:])]))


@dataclass(frozen=True)
class Spot:
    """A text in which the words stand, and where."""

    steps: Steps
    text: str
    start: int
    end: int

    @property
    def snippet(self) -> SafeString:
        """One line around the words, which are marked."""
        begin, stop = max(0, self.start - _AROUND), self.end + _AROUND
        before, after = self.text[begin : self.start], self.text[self.end : stop]
        return format_html(
            "{}{}<mark>{}</mark>{}{}",
            "…" if begin else "",
            " ".join(before.split()) + (" " if before[-1:].isspace() else ""),
            " ".join(self.text[self.start : self.end].split()),
            (" " if after[:1].isspace() else "") + " ".join(after.split()),
            "…" if stop < len(self.text) else "",
        )


def first_spot(value: Any, pattern: re.Pattern[str], passed_over: Collection[int] = ()) -> Spot | None:
    """In the order in which the value was written; passed_over holds id()s of lists and objects that are not looked into."""
    stack: list[tuple[Any, Steps]] = [(value, ())]
    left = MAX_VALUES
    while stack and left:
        left -= 1
        item, steps = stack.pop()
        if type(item) is dict:
            stack.extend(
                (inner, (*steps, key)) for key, inner in reversed(item.items()) if id(inner) not in passed_over
            )
        elif type(item) is list:
            pairs = reversed(list(enumerate(item)))
            stack.extend((inner, (*steps, index)) for index, inner in pairs if id(inner) not in passed_over)
        elif (type(item) is str or type(item) in (int, float)) and (found := pattern.search(text := _text(item))):
            return Spot(steps, text, found.start(), found.end())
    return None


def _text(item: str | float) -> str:
    if isinstance(item, str):
        return item
    # str() of an integer past 4,300 digits raises.
    return "" if isinstance(item, int) and item.bit_length() > 4_096 else str(item)


def holders(value: Any, pattern: re.Pattern[str]) -> set[int]:
    """id()s of the lists and objects below which the words stand."""
    found: set[int] = set()
    route: list[int] = []
    stack: list[tuple[Any, int]] = [(value, 0)]
    left = MAX_VALUES
    while stack and left:
        left -= 1
        item, depth = stack.pop()
        del route[depth:]
        if type(item) is dict or type(item) is list:
            route.append(id(item))
            inner = item.values() if type(item) is dict else item
            stack.extend((one, depth + 1) for one in reversed(list(inner)))
        elif type(item) is str and pattern.search(item):
            found.update(route)
    return found
