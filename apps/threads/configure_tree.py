"""A value as a tree in which each part is a button that names its path."""

import re
from itertools import islice
from typing import Final

import msgspec
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.runs import shapes
from apps.runs.preview import compact
from apps.runs.shapes import Json
from apps.threads.paths import MAX_LENGTH

MAX_BUTTONS: Final = 400
MAX_ITEMS: Final = 100
_SHOWN = 160
_OPEN_DEPTH = 3
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def pick_tree(value: Json, side: str) -> SafeString:
    """HTML of at most MAX_BUTTONS buttons named `pick`, whose values are the side and the path with a space between."""
    out: list[str] = []
    left = _members(value, "", side, out, MAX_BUTTONS, 0)
    if left <= 0:
        out.append(
            f'<li class="faint">Only the first {MAX_BUTTONS} values can be picked here. Type the path of another.</li>'
        )
    return mark_safe(f'<ul class="json picks">{"".join(out)}</ul>')


def step(path: str, key: str | int, among: Json = None) -> str:
    """The path to a member. A message is counted from the last one: each turn of a thread sends more of them."""
    if isinstance(key, int):
        from_end = key - len(among) if key and isinstance(among, list) and shapes.messages_of(among) is among else key
        return f"{path}[{from_end}]"
    name = key if _PLAIN.match(key) else msgspec.json.encode(key).decode()
    return f"{path}.{name}" if path else name


def _members(value: Json, path: str, side: str, out: list[str], left: int, depth: int) -> int:
    """Appends HTML and returns how many more buttons there may be."""
    if not isinstance(value, dict | list):
        out.append(f"<li>{_button(side, path or '@', '', value)}</li>")
        return left - 1
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in islice(pairs, MAX_ITEMS):
        if left <= 0:
            return left
        here = step(path, key, value)
        if len(here) > MAX_LENGTH:
            continue
        if isinstance(item, dict | list) and item:
            left = _branch(item, here, str(key), side, out, left - 1, depth)
        else:
            out.append(f"<li>{_button(side, here, str(key), item)}</li>")
            left -= 1
    if len(value) > MAX_ITEMS:
        out.append(f'<li class="faint">{len(value) - MAX_ITEMS:,} more</li>')
    return left


def _branch(item: Json, path: str, key: str, side: str, out: list[str], left: int, depth: int) -> int:
    kind = "item" if isinstance(item, list) else "field"
    size = f"{len(item):,} {kind}{'' if len(item) == 1 else 's'}"
    opened = " open" if depth < _OPEN_DEPTH and len(item) <= MAX_ITEMS // 8 else ""
    label = format_html('<span class="key">{}</span> <span class="size">{}</span>', key[:200], size)
    peek = f'<span class="peek">{escape(compact(item, 80))}</span>'
    whole = format_html(
        '<button class="pick pick-all" name="pick" value="{} {}">all of <code>{}</code></button>', side, path, path
    )
    out.append(f'<li><details{opened}><summary>{label} {peek}</summary><ul class="members"><li>{whole}</li>')
    left = _members(item, path, side, out, left, depth + 1)
    out.append("</ul></details></li>")
    return left


def _button(side: str, path: str, key: str, value: Json) -> SafeString:
    text = value if isinstance(value, str) else compact(value, _SHOWN)
    shown = text[:_SHOWN] + ("…" if len(text) > _SHOWN else "")
    label = format_html('<span class="key">{}</span> ', key[:200]) if key else ""
    css = "string" if isinstance(value, str) else "literal"
    return format_html(
        '<button class="pick" name="pick" value="{} {}" title="{}">{}<span class="{}" dir="auto">{}</span></button>',
        side, path, path, label, css, shown or '""',
    )  # fmt: skip
