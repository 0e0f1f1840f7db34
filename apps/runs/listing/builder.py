"""The builder's rows, groups and texts as one flat form, so that it works as a GET form and each of its states has a URL.

Entry n stands in parameters r<n>-…: kind (row, group or text) and in, the number of its group, which comes before it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from apps.runs.listing.asked import FILTERS, Asked
from apps.runs.listing.forms import JOINS, RowForm
from apps.runs.listing.marked import Marked
from apps.runs.listing.rows import MAX_NESTING, MAX_ROWS, Group, Item, Row, Text, items_of, whole_text
from apps.runs.listing.scopes import Scope, scopes
from apps.runs.query.nodes import FilterError

MAX_ENTRIES: Final = 2 * MAX_ROWS
_PARTS: Final = ("scope", "field", "key", "op", "value", "join", "text")


@dataclass(frozen=True)
class Entry:
    kind: str
    parent: int | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    def encoded(self, number: int) -> dict[str, str]:
        parent = {} if self.parent is None else {"in": str(self.parent)}
        return {f"r{number}-{name}": text for name, text in {"kind": self.kind, **parent, **self.parts}.items()}


def decoded(data: Mapping[str, Any]) -> list[Entry]:
    """What is out of order or too much is left out."""
    found: list[Entry] = []
    for number in range(MAX_ENTRIES):
        kind = data.get(f"r{number}-kind")
        if kind not in ("row", "group", "text"):
            break
        parent = _number(data.get(f"r{number}-in", ""))
        if parent is not None and (parent >= number or found[parent].kind != "group"):
            parent = None
        parts = {name: str(data[f"r{number}-{name}"]) for name in _PARTS if f"r{number}-{name}" in data}
        found.append(Entry(kind, parent, parts))
    return found


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else None


def encoded(entries: Iterable[Entry]) -> dict[str, str]:
    return {name: text for number, entry in enumerate(entries) for name, text in entry.encoded(number).items()}


def entries_of(asked: Asked, kind: str) -> list[Entry]:
    """What the URL of the list asks for; a filter that cannot be read is one text."""
    found: list[Entry] = []
    for name, scope in scopes(kind).items():
        text = getattr(asked, name)
        if node := asked.nodes.get(name):
            _add(items_of(node, scope), name, None, found)
        elif text:
            _add([Text(text)], name, None, found)
    return found


def _add(items: Iterable[Item], scope: str, parent: int | None, found: list[Entry]) -> None:
    for item in items:
        match item:
            case Row():
                parts = {"field": item.field, "key": item.key, "op": item.op, "value": item.value}
                found.append(Entry("row", parent, {"scope": scope, **parts}))
            case Text(text):
                found.append(Entry("text", parent, {"scope": scope, "text": text}))
            case Group(join, inner):
                found.append(Entry("group", parent, {"scope": scope, "join": join}))
                _add(inner, scope, len(found) - 1, found)


def edited(entries: list[Entry], do: str) -> list[Entry]:
    """After a button: add, group (both perhaps :<number of a group>) or remove:<number>."""
    verb, _, given = do.partition(":")
    number = _number(given)
    if number is not None and number >= len(entries):
        return entries
    if verb == "remove" and number is not None:
        return _without(entries, number)
    if verb in ("add", "group") and len(entries) < MAX_ENTRIES - 1:
        start = [Entry("group", number, {"join": "any"})] if verb == "group" else []
        inside = len(entries) if verb == "group" else number
        return [*entries, *start, Entry("row", inside)]
    return entries


def _without(entries: list[Entry], number: int) -> list[Entry]:
    gone = {number}
    for other, entry in enumerate(entries):
        if entry.parent in gone:
            gone.add(other)
    places = {old: new for new, old in enumerate(old for old in range(len(entries)) if old not in gone)}
    return [
        replace(entry, parent=None if entry.parent is None else places[entry.parent])
        for old, entry in enumerate(entries)
        if old not in gone
    ]


@dataclass
class Shown:
    """An entry as the page has it. error is of a text or a group; a row's form has its own."""

    number: int
    entry: Entry
    scope: Scope
    depth: int
    word: str
    form: RowForm | None = None
    parts: "list[Shown]" = field(default_factory=list)
    error: FilterError | None = None

    @property
    def kind(self) -> str:
        return self.entry.kind

    @property
    def prefix(self) -> str:
        return f"r{self.number}"

    @property
    def join(self) -> str:
        given = self.entry.parts.get("join", "")
        return given if given in dict(JOINS) else "all"

    @property
    def joins(self) -> list[tuple[str, str, bool]]:
        return [(name, label, name == self.join) for name, label in JOINS]

    @property
    def text(self) -> str:
        return self.entry.parts.get("text", "")

    @property
    def may_nest(self) -> bool:
        return self.depth < MAX_NESTING

    @property
    def is_sound(self) -> bool:
        if self.form:
            return self.form.is_valid()
        return self.error is None and all(part.is_sound for part in self.parts)

    def item(self) -> Item:
        """Of what is sound."""
        if self.form:
            return self.form.item()
        if self.kind == "text":
            return Text(self.text)
        return Group(self.join, tuple(part.item() for part in self.parts if part.is_sound))


@dataclass
class Builder:
    """The form in one of its states."""

    kind: str
    entries: list[Entry]

    def __post_init__(self) -> None:
        self.scopes = scopes(self.kind)
        self.shown: list[Shown] = []
        self.top: list[Shown] = []
        data = encoded(self.entries)
        for number, entry in enumerate(self.entries):
            parent = None if entry.parent is None else self.shown[entry.parent]
            scope = parent.scope if parent else self.scopes.get(entry.parts.get("scope", ""), self.scopes["filter"])
            one = Shown(number, entry, scope, parent.depth + 1 if parent else 1, self._word(parent))
            if entry.kind == "row":
                one.form = RowForm(data, one.prefix, scope, number + 1)
            elif entry.kind == "text":
                one.error = _problem(one.text, scope)
            self.shown.append(one)
            (parent.parts if parent else self.top).append(one)

    def _word(self, parent: Shown | None) -> str:
        """What stands before the next entry there."""
        if parent is None:
            return "and" if self.top else "where"
        return ("and" if parent.join == "all" else "or") if parent.parts else ""

    @property
    def is_sound(self) -> bool:
        return self.is_untouched or all(one.is_sound for one in self.top)

    @property
    def is_untouched(self) -> bool:
        """One row to begin with, and nothing written in it."""
        return len(self.shown) == 1 and (form := self.shown[0].form) is not None and form.is_blank

    def texts(self) -> dict[str, str]:
        """By scope, of all that is sound."""
        by_scope: dict[str, list[Item]] = {}
        for one in self.top:
            if one.is_sound:
                by_scope.setdefault(one.scope.name, []).append(one.item())
        return {name: whole_text(by_scope.get(name, ()), self.scopes[name]) for name in FILTERS}

    def numbered(self, given: str) -> Shown | None:
        number = _number(given)
        return self.shown[number] if number is not None and number < len(self.shown) else None

    @property
    def meets_in_one(self) -> bool:
        """Several conditions on any run: the reader may not expect that it is one and the same run."""
        return self.kind == "threads" and len([one for one in self.top if one.scope.name == "filter"]) > 1

    def alone(self, one: Shown, asked: Asked) -> Asked | None:
        """The list as it would be with this entry as its only condition; None where it cannot be read."""
        if not one.is_sound:
            return None
        texts = dict.fromkeys(FILTERS, "") | {one.scope.name: whole_text([one.item()], one.scope)}
        return asked.but(q="", **texts)

    def together(self, asked: Asked) -> Asked | None:
        """The list as the rows ask for it; None where one of them cannot be read."""
        return asked.but(**self.texts()) if self.is_sound else None


@dataclass
class Panel:
    """The page of the builder: its rows, or where as_text the filters themselves, and what they ask for."""

    asked: Asked
    builder: Builder
    as_text: bool
    is_sound: bool
    tried: bool

    @classmethod
    def of(cls, kind: str, given: Mapping[str, Any]) -> "Panel":
        """From the URL of a list, or the builder's own form: mode is the one it is in, do the button that was pressed."""
        asked, mode, do = Asked.of(given), given.get("mode", ""), given.get("do", "")
        if mode == "rows":
            builder = Builder(kind, edited(decoded(given), do))
            asked = asked.but(**builder.texts())
            sound = builder.is_sound
            as_text = do == "text" and sound
        else:
            sound = not set(FILTERS) & set(asked.problems)
            as_text = not sound or (mode == "text" and do != "rows")
            builder = Builder(kind, [] if as_text else entries_of(asked, kind) or edited([], "add"))
        return cls(asked, builder, as_text, sound, tried=do in ("apply", "text", "rows"))

    def fields(self) -> list[tuple[Scope, str, Marked | None]]:
        """As text: each filter with what is wrong with it."""
        problems = self.asked.problems
        found = []
        for name, scope in self.builder.scopes.items():
            text = getattr(self.asked, name)
            found.append((scope, text, Marked.of(scope.label, text, problems[name]) if name in problems else None))
        return found


def _problem(text: str, scope: Scope) -> FilterError | None:
    try:
        scope.parse(text)
    except FilterError as error:
        return error
    return None
