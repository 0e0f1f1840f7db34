"""Two texts line by line, side by side. Bounded: what is too long is said to be, and not compared."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from apps.runs.payloads import read
from apps.runs.words import Kind, Piece, words
from apps.runs.yaml_view import to_yaml

MAX_BYTES: Final = 512 * 1024
"""Of JSON; a larger field is not compared."""
MAX_CHARACTERS: Final = 100_000
MAX_LINES: Final = 1_500
MAX_LINE: Final = 2_000
CONTEXT: Final = 3
"""Lines shown around a change; more of the same are folded."""
ALIKE: Final = 0.4
"""Of the words of two lines, from which on the one is taken for the other, rewritten."""


@dataclass(frozen=True)
class Line:
    """a and b are the pieces of each side, None where the side has no such line; folded counts lines left out instead."""

    kind: Kind
    a: list[Piece] | None = None
    b: list[Piece] | None = None
    folded: int = 0


@dataclass(frozen=True)
class TextDiff:
    """sizes: bytes of the sides where one is too large to be compared. cut: whether only the beginnings were compared."""

    lines: list[Line]
    cut: bool = False
    sizes: tuple[int, int] | None = None

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def is_same(self) -> bool:
        return all(line.kind == "same" for line in self.lines)

    @property
    def changed(self) -> int:
        return sum(line.kind != "same" for line in self.lines)

    @classmethod
    def of(cls, a: str | None, b: str | None, *, every: bool = False, cut: bool = False) -> "TextDiff":
        olds, news = _split(a), _split(b)
        cut = cut or max(len(olds), len(news)) > MAX_LINES
        lines = list(_compared(olds[:MAX_LINES], news[:MAX_LINES]))
        return cls(lines if every else list(_folded(lines)), cut)


def diff_of(a: bytes | None, b: bytes | None, *, every: bool = False) -> TextDiff:
    """Of two stored payloads, as YAML, which puts the lines of a text on lines."""
    left, right = read(a, MAX_BYTES), read(b, MAX_BYTES)
    if left.skipped or right.skipped:
        return TextDiff([], sizes=(left.size, right.size))
    texts = [to_yaml(side.value, MAX_CHARACTERS) if side.size else ("", False) for side in (left, right)]
    return TextDiff.of(texts[0][0], texts[1][0], every=every, cut=texts[0][1] or texts[1][1])


def _split(text: str | None) -> list[str]:
    return [line[:MAX_LINE] for line in (text or "").rstrip().splitlines()]


def _compared(olds: Sequence[str], news: Sequence[str]) -> Iterator[Line]:
    for tag, left, right, start, stop in SequenceMatcher(None, olds, news, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Line("same", whole, whole) for whole in ([Piece("same", line)] for line in olds[left:right]))
        else:
            yield from _replaced(olds[left:right], news[start:stop])


def _replaced(olds: Sequence[str], news: Sequence[str]) -> Iterator[Line]:
    """Lines that are a rewriting of one another stand beside each other, as do others as far as both sides have any."""
    for at in range(max(len(olds), len(news))):
        old = olds[at] if at < len(olds) else None
        new = news[at] if at < len(news) else None
        if old is None or new is None:
            yield Line("added" if old is None else "dropped", _whole(old, "dropped"), _whole(new, "added"))
        elif SequenceMatcher(None, old.split(), new.split(), autojunk=False).ratio() < ALIKE:
            yield Line("changed", _whole(old, "dropped"), _whole(new, "added"))
        else:
            pieces = words(old, new)
            yield Line(
                "changed",
                [piece for piece in pieces if piece.kind != "added"],
                [piece for piece in pieces if piece.kind != "dropped"],
            )


def _whole(line: str | None, kind: Kind) -> list[Piece] | None:
    return None if line is None else [Piece(kind, line)]


def _folded(lines: Sequence[Line]) -> Iterator[Line]:
    """Without the long stretches of the same lines between changes. Where nothing changed, the beginning stays."""
    changes = [at for at, line in enumerate(lines) if line.kind != "same"] or [0]
    near = {at for change in changes for at in range(change - CONTEXT, change + CONTEXT + 1)}
    hidden = 0
    for at, line in enumerate(lines):
        if at in near:
            if hidden:
                yield Line("same", folded=hidden)
            hidden = 0
            yield line
        else:
            hidden += 1
    if hidden:
        yield Line("same", folded=hidden)
