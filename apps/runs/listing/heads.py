"""The head of a list's table and the menu that chooses its columns. In Python, because a template takes many times as long."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any, Protocol

from django.utils.safestring import SafeString, mark_safe

from apps.runs.listing.asked import Asked
from apps.runs.listing.sorting import Sort


class Head(Protocol):
    """What a column says of itself."""

    @property
    def id(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def about(self) -> str: ...
    @property
    def numeric(self) -> bool: ...
    @property
    def sorts(self) -> bool: ...


def headers(columns: Iterable[Head], asked: Asked, sort: Sort[Any]) -> SafeString:
    return mark_safe("".join(header(each, asked, sort) for each in columns))


def header(each: Head, asked: Asked, sort: Sort[Any]) -> str:
    """A link that sorts by the column, the other way round where it sorts already. A figure is first sorted from the largest."""
    current = each.id == sort.column.id
    again = each.id if current and sort.descending else f"-{each.id}"
    aria = f' aria-sort="{"descending" if sort.descending else "ascending"}"' if current else ""
    about = f' title="{escape(each.about)}"' if each.about else ""
    label = f"<bdi>{escape(each.label)}</bdi>"
    link = f'<a href="?{escape(asked.query(sort=again))}">{label}</a>' if each.sorts else label
    return f'<th scope="col"{' class="num"' if each.numeric else ""}{aria}{about}>{link}</th>'


def picker(columns: Sequence[Head], offered: Iterable[Head]) -> SafeString:
    """The chosen columns in their order, then the others, as items of a list."""
    taken = {each.id for each in columns}
    items = [_item(each, taken=True) for each in columns]
    return mark_safe("".join(items + [_item(each, taken=False) for each in offered if each.id not in taken]))


def _item(each: Head, *, taken: bool) -> str:
    id_, label = escape(each.id), escape(each.label)
    box = f'<input type="checkbox" name="col" value="{id_}"{" checked" if taken else ""}>'
    tick = f'<label class="check">{box}<bdi>{label}</bdi></label>'
    if not taken:
        return f'<li class="free">{tick}</li>'
    moves = "".join(
        f'<button class="btn quiet icon-only" name="{name}" value="{id_}" title="Further {side}">'
        f'<span aria-hidden="true">{arrow}</span><span class="sr-only">Move {label} {side}</span></button>'
        for name, side, arrow in (("up", "left", "↑"), ("down", "right", "↓"))
    )
    return f'<li>{tick}<span class="moves push">{moves}</span></li>'


def rearranged(form: Any, column: Callable[[str], Head | None]) -> list[str]:
    """The ids that the form of the columns chooses: those ticked in the order of the page, moved by a button, and a path typed in."""
    ids = [each for each in dict.fromkeys(form.getlist("col")) if column(each)]
    for button, by in (("up", -1), ("down", 1)):
        if (moved := form.get(button)) in ids:
            at = ids.index(moved)
            ids.insert(max(0, at + by), ids.pop(at))
    path = form.get("path", "").strip().removeprefix("metadata.").removeprefix("meta.")
    if path and column(f"meta.{path}") and f"meta.{path}" not in ids:
        ids.append(f"meta.{path}")
    return ids
