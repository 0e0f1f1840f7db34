"""JSON as nested <details>, which fold without a script."""

from itertools import islice
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.runs.preview import compact

MAX_NODES = 1_000
MAX_STRING = 10_000
_OPEN_DEPTH = 2
_OPEN_ITEMS = 12
_SUMMARY = 80


def tree(value: Any) -> SafeString:
    """HTML of at most MAX_NODES values; what is beyond is counted, not shown."""
    out: list[str] = []
    left = _node(value, out, MAX_NODES, 0)
    if left <= 0:
        out.append(f'<p class="note">Only the first {MAX_NODES:,} values are shown.</p>')
    return mark_safe(f'<div class="json">{"".join(out)}</div>')


def _node(value: Any, out: list[str], left: int, depth: int) -> int:
    """Appends HTML and returns how many more values may be shown."""
    if left <= 0:
        return left
    if not isinstance(value, dict | list) or not value:
        out.append(_leaf(value))
        return left - 1
    out.append('<ul class="members">')
    left = _members(value, out, left - 1, depth)
    out.append("</ul>")
    return left


def _members(value: dict[str, Any] | list[Any], out: list[str], left: int, depth: int) -> int:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in islice(pairs, max(left, 0)):
        label = f'<span class="key">{escape(str(key)[:200])}</span>'
        if isinstance(item, dict | list) and item:
            opened = " open" if depth < _OPEN_DEPTH and len(item) <= _OPEN_ITEMS else ""
            out.append(f"<li><details{opened}><summary>{label} {_size(item)}</summary>")
            left = _node(item, out, left, depth + 1)
            out.append("</details></li>")
        else:
            out.append(f"<li>{label} {_leaf(item)}</li>")
            left -= 1
        if left <= 0:
            break
    return left


def _size(value: dict[str, Any] | list[Any]) -> str:
    count = f"{len(value):,} {'item' if isinstance(value, list) else 'field'}{'' if len(value) == 1 else 's'}"
    return f'<span class="size">{count}</span> <span class="peek">{escape(compact(value, _SUMMARY))}</span>'


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        more = (
            f' <span class="size">{len(value) - MAX_STRING:,} more characters</span>' if len(value) > MAX_STRING else ""
        )
        return f'<span class="string" dir="auto">{escape(value[:MAX_STRING]) or "&quot;&quot;"}</span>{more}'
    return f'<span class="literal">{escape(compact(value, 200))}</span>'
