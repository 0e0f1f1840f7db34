"""JSON as nested <details>, which fold without a script."""

import re
from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.runs.find_in import holders, marked
from apps.runs.places import Steps
from apps.runs.preview import compact

MAX_NODES = 1_000
MAX_STRING = 10_000
_OPEN_DEPTH = 2
_OPEN_ITEMS = 12
_SUMMARY = 80
_BEFORE = 200


def tree(value: Any, at: Steps | None = None, find: re.Pattern[str] | None = None) -> SafeString:
    """HTML of at most MAX_NODES values; what is beyond is counted, not shown, except the place `at`, which has the id "at".

    What leads to that place, and to the words looked for, is unfolded. A list has the class "items", so that a script can tell its
    indexes from keys.
    """
    drawn = _Tree(find, holders(value, find) if find else set())
    drawn.node(value, 0, at)
    if drawn.left <= 0:
        drawn.out.append(f'<p class="note">Only the first {MAX_NODES:,} values are shown.</p>')
    return mark_safe(f'<div class="json">{"".join(drawn.out)}</div>')


class _Tree:
    def __init__(self, find: re.Pattern[str] | None, holding: set[int]) -> None:
        self.out: list[str] = []
        self.left = MAX_NODES
        self.find = find
        self.holding = holding

    def node(self, value: Any, depth: int, at: Steps | None) -> None:
        """at leads on from this value; None when the place is elsewhere."""
        if not isinstance(value, dict | list) or not value:
            if self.left > 0:
                self.out.append(self.leaf(value))
            self.left -= 1
            return
        self.out.append('<ul class="members">' if isinstance(value, dict) else '<ul class="members items">')
        self.left -= 1
        self.members(value, depth, at)
        self.out.append("</ul>")

    def members(self, value: dict[str, Any] | list[Any], depth: int, at: Steps | None) -> None:
        pairs: Iterable[tuple[str | int, Any]] = value.items() if isinstance(value, dict) else enumerate(value)
        inner: Any = value
        aim = _aim(value, at)
        reached = False
        for key, item in islice(pairs, max(self.left, 0)):
            on_route = aim is not None and key == aim
            reached = reached or on_route
            self.member(key, item, depth, at[1:] if at and on_route else None)
            if self.left <= 0:
                break
        if aim is not None and not reached:
            self.out.append('<li class="faint">…</li>')
            self.left = max(self.left, 0) + _BEFORE
            self.member(aim, inner[aim], depth, at[1:] if at else None)
            self.left = 0

    def member(self, key: str | int, item: Any, depth: int, at: Steps | None) -> None:
        label = f'<span class="key">{escape(str(key)[:200])}</span>'
        begin = '<li id="at" class="at">' if at == () else "<li>"
        if isinstance(item, dict | list) and item:
            shallow = depth < _OPEN_DEPTH and len(item) <= _OPEN_ITEMS
            opened = " open" if shallow or at is not None or id(item) in self.holding else ""
            self.out.append(f"{begin}<details{opened}><summary>{label} {_size(item)}</summary>")
            self.node(item, depth + 1, at)
            self.out.append("</details></li>")
        else:
            self.out.append(f"{begin}{label} {self.leaf(item)}</li>")
            self.left -= 1

    def leaf(self, value: Any) -> str:
        if not isinstance(value, str):
            return f'<span class="literal">{marked(compact(value, 200), self.find)}</span>'
        begin = self._begin(value)
        rest = len(value) - begin - MAX_STRING
        before = f'<span class="size">{begin:,} characters, then</span> ' if begin else ""
        more = f' <span class="size">{rest:,} more characters</span>' if rest > 0 else ""
        shown = marked(value[begin : begin + MAX_STRING], self.find) or "&quot;&quot;"
        return f'{before}<span class="string" dir="auto">{shown}</span>{more}'

    def _begin(self, value: str) -> int:
        """Where the part of a long text begins that is shown: at the words looked for, where these stand far inside."""
        if len(value) <= MAX_STRING or self.find is None or not (found := self.find.search(value)):
            return 0
        return max(0, found.start() - _BEFORE) if found.end() > MAX_STRING else 0


def _aim(value: dict[str, Any] | list[Any], at: Steps | None) -> str | int | None:
    """The key that `at` names in this value, if it has it."""
    if not at:
        return None
    step = at[0]
    if isinstance(value, list):
        found = isinstance(step, int) and -len(value) <= step < len(value)
        return int(step) % len(value) if found else None
    return step if step in value else None


def _size(value: dict[str, Any] | list[Any]) -> str:
    count = f"{len(value):,} {'item' if isinstance(value, list) else 'field'}{'' if len(value) == 1 else 's'}"
    return f'<span class="size">{count}</span> <span class="peek">{escape(compact(value, _SUMMARY))}</span>'
