"""JSON as nested <details>, which fold without a script."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.html import escape, format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString, mark_safe

from apps.common.markdown import is_raster
from apps.runs.find_in import holders, marked
from apps.runs.places import MAX_PATH, Steps, written
from apps.runs.preview import compact

MAX_NODES = 1_000
MAX_STRING = 10_000
MAX_UNBROKEN = 1_000
"""Characters of a text that has no place to break, as Base64: nobody reads on."""
MAX_PICTURES = 4 * 1024 * 1024
"""Characters of all pictures that are shown of one value."""
_OPEN_DEPTH = 2
_OPEN_ITEMS = 12
_SUMMARY = 80
_BEFORE = 200
_DATA_URL = re.compile(r"data:([\w.+-]{1,80}/[\w.+-]{1,80})[;,]")
_BREAK = re.compile(r"[\s\u2e80-\U0010ffff]")
"""White space, and scripts that need none."""


@dataclass(frozen=True)
class Whole:
    """Where a value inside a field of a run is read as it was sent."""

    url: str
    field: str

    def of(self, route: Steps) -> str:
        """Empty where the path is too long."""
        path = written((self.field, *route))
        return f"{self.url}?{urlencode({'path': path})}" if len(path) <= MAX_PATH else ""


def tree(
    value: Any, at: Steps | None = None, find: re.Pattern[str] | None = None, whole: Whole | None = None
) -> SafeString:
    """HTML of at most MAX_NODES values; what is beyond is counted, not shown, except the place `at`, which has the id "at".

    What leads to that place, and to the words looked for, is unfolded. A list has the class "items", so that a script can tell its
    indexes from keys. `whole` tells where each text that is cut here can be read.
    """
    drawn = _Tree(find, holders(value, find) if find else set(), whole)
    drawn.node(value, 0, at)
    if drawn.left <= 0:
        drawn.out.append(f'<p class="note">Only the first {MAX_NODES:,} values are shown.</p>')
    return mark_safe(f'<div class="json">{"".join(drawn.out)}</div>')


class _Tree:
    def __init__(self, find: re.Pattern[str] | None, holding: set[int], whole: Whole | None) -> None:
        self.out: list[str] = []
        self.left = MAX_NODES
        self.pictures = MAX_PICTURES
        self.whole = whole
        self.route: list[str | int] = []
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
        self.route.append(key)
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
        self.route.pop()

    def leaf(self, value: Any) -> str:
        if not isinstance(value, str):
            return f'<span class="literal">{marked(compact(value, 200), self.find)}</span>'
        if len(value) > MAX_UNBROKEN and (found := _DATA_URL.match(value)):
            return self.file(value, found[1])
        most = MAX_STRING if _BREAK.search(value, 0, MAX_UNBROKEN) else MAX_UNBROKEN
        begin = self._begin(value, most)
        rest = len(value) - begin - most
        before = f'<span class="size">{begin:,} characters, then</span> ' if begin else ""
        more = f' <span class="size">{rest:,} more characters</span>{self.all_of(value)}' if rest > 0 else ""
        shown = marked(value[begin : begin + most], self.find) or "&quot;&quot;"
        return f'{before}<span class="string" dir="auto">{shown}</span>{more}'

    def file(self, url: str, kind: str) -> str:
        """A data: URL by its type and size, with its picture where it is one."""
        told = f'<span class="size">{escape(kind)}, {filesizeformat(len(url) * 3 // 4)}</span>{self.all_of(url)}'
        if not is_raster(url) or len(url) > self.pictures:
            return told
        self.pictures -= len(url)
        return told + format_html('<img class="picture" src="{}" alt="{}" loading="lazy">', url, kind)

    def all_of(self, value: str) -> str:
        where = self.whole and self.whole.of(tuple(self.route))
        if not where:
            return ""
        size = filesizeformat(len(value.encode(errors="replace")))
        return format_html(' <a class="link" href="{}" target="_blank">show all {}</a>', where, size)

    def _begin(self, value: str, most: int) -> int:
        """Where the part of a long text begins that is shown: at the words looked for, where these stand far inside."""
        if len(value) <= most or self.find is None or not (found := self.find.search(value)):
            return 0
        return max(0, found.start() - _BEFORE) if found.end() > most else 0


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


def text_at(value: Any, steps: Steps) -> str | None:
    """The text to which the steps lead from the value."""
    while steps:
        key = _aim(value, steps) if isinstance(value, dict | list) else None
        if key is None:
            return None
        value, steps = value[key], steps[1:]
    return value if isinstance(value, str) else None
