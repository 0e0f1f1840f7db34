"""Where the words of a search stand: a line of the run that has them, with the words marked."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from django.utils.safestring import SafeString, mark_safe

from apps.runs import payload
from apps.runs.search.text import fold

BEFORE: Final = 60
LENGTH: Final = 240
MAX_FRAME: Final = 8_000
"""Bytes of a compressed payload, beyond which a snippet is shown as the index has it."""
WHERE: Final = {"outputs": "output", "inputs": "input", "about": "name, error, tags or metadata"}

# Of the texts only the part around the first word leaves the database.
_PART = (
    "substr(text.{name}, greatest(1, position(%s IN text.{name}) - {before}), {length}), position(%s IN text.{name})"
)
COLUMNS: Final = (
    ", ".join(_PART.format(name=name, before=BEFORE, length=LENGTH) for name in WHERE)
    + ", CASE WHEN octet_length(run.outputs) <= %s THEN run.outputs END, CASE WHEN octet_length(run.inputs) <= %s THEN run.inputs END"
)
"""SQL of what snippet() is given, for runs_searchtext AS text and runs_run AS run."""


def given(first: str) -> list[Any]:
    """The parameters of COLUMNS, for the first word."""
    return [first] * 2 * len(WHERE) + [MAX_FRAME] * 2


class Snippet(NamedTuple):
    where: str
    html: SafeString


def snippet(found: Sequence[Any], words: Sequence[str]) -> Snippet:
    """Of the text that has the first word, the line in which it stands."""
    *parts, outputs, inputs = found
    frames = (outputs, inputs, None)
    for where, text, at, frame in zip(WHERE.values(), parts[::2], parts[1::2], frames, strict=True):
        if at:
            start = min(at - 1, BEFORE)
            before, after = text[:start].rpartition("\n"), text[start:].partition("\n")
            cut_before = at > BEFORE + 1 and not before[1]
            cut_after = len(text) == LENGTH and not after[1]
            line = _as_written(before[2] + after[0], frame)
            return Snippet(where, marked(("…" if cut_before else "") + line + ("…" if cut_after else ""), words))
    return Snippet("", mark_safe(""))


def _as_written(line: str, frame: bytes | memoryview | None) -> str:
    """The index keeps texts without case. The payload has it, where that is small and the line is found in it again."""
    for text in _texts(payload.load(frame)):
        plain = " ".join(text.split())
        folded = fold(plain)
        if len(folded) == len(plain) and (at := folded.find(line)) >= 0:
            return plain[at : at + len(line)]
    return line


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case str() as text:
                yield text
            case dict() as found:
                waiting.extend(found.values())
            case list() as found:
                waiting.extend(found)


def marked(text: str, words: Sequence[str]) -> SafeString:
    """HTML: the text, escaped, with <mark> around each of the words."""
    pattern = re.compile(
        "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True) if word), re.IGNORECASE
    )
    pieces, end = [], 0
    for match in pattern.finditer(text):
        pieces += [escape(text[end : match.start()]), f"<mark>{escape(match[0])}</mark>"]
        end = match.end()
    return mark_safe("".join([*pieces, escape(text[end:])]))


def snippet_row(snippet: Snippet | None, width: int) -> str:
    """Under the row it belongs to, where its words have room."""
    if snippet is None:
        return ""
    words = f'<p dir="auto"><span class="faint">{escape(snippet.where)}</span> {snippet.html}</p>'
    return f'<tr class="snippet"><td colspan="{width}">{words}</td></tr>'
