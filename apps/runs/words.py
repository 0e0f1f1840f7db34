"""Which words of a text changed."""

import re
from difflib import SequenceMatcher
from typing import Final, Literal, NamedTuple

MAX_WORDS: Final = 1_500
"""Longer texts are shown whole before and after, without their words being compared."""

type Kind = Literal["same", "added", "dropped", "changed"]


class Piece(NamedTuple):
    """Of a text of which some words changed; kind is never "changed"."""

    kind: Kind
    text: str


def words(before: str, after: str) -> list[Piece]:
    """Word by word: without the added pieces the text before, without the dropped ones the text after."""
    olds, news = re.findall(r"\s+|\S+", before), re.findall(r"\s+|\S+", after)
    if len(olds) > MAX_WORDS or len(news) > MAX_WORDS:
        return [Piece(kind, text) for kind, text in _whole(before, after) if text]
    found: list[Piece] = []
    for tag, left, right, start, stop in SequenceMatcher(None, olds, news, autojunk=False).get_opcodes():
        old, new = "".join(olds[left:right]), "".join(news[start:stop])
        if tag == "equal":
            found.append(Piece("same", old))
        else:
            found += [Piece(kind, text) for kind, text in _whole(old, new) if text]
    return found


def _whole(before: str, after: str) -> list[tuple[Kind, str]]:
    return [("same", before)] if before == after else [("dropped", before), ("added", after)]
