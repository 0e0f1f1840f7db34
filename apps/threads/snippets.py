"""Where the words of a search stand in a thread: a line of the run that has them, with the words marked."""

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any, Final, NamedTuple

from django.db import connection
from django.utils.safestring import SafeString, mark_safe

from apps.projects.models import Project
from apps.runs import payload
from apps.runs.query import texts
from apps.runs.query.nodes import Node, Search
from apps.runs.search.find import prepared
from apps.runs.search.text import fold
from apps.threads.models import Thread

BEFORE: Final = 60
LENGTH: Final = 240
MAX_FRAME: Final = 8_000
"""Bytes of a compressed payload, beyond which a snippet is shown as the index has it."""
_WHERE: Final = {"outputs": "output", "inputs": "input", "about": "name, error, tags or metadata"}

# The latest turn that has the words; of its texts only the part around the first word leaves the database.
_FOUND = """
SELECT DISTINCT ON (trace.thread_id) trace.thread_id, {parts},
    CASE WHEN octet_length(run.outputs) <= %s THEN run.outputs END, CASE WHEN octet_length(run.inputs) <= %s THEN run.inputs END
FROM runs_trace AS trace JOIN runs_searchtext AS text ON text.trace_id = trace.trace_id
JOIN runs_run AS run ON run.trace_id = text.trace_id AND run.id = text.id
WHERE trace.project_id = %s AND trace.thread_id = ANY(%s) AND (text.trace_id, text.id) IN
    (SELECT trace_id, id FROM runs_searchtext WHERE {condition} AND project_id = %s)
ORDER BY trace.thread_id, trace.start_time DESC, text.id
"""
_PART = (
    "substr(text.{name}, greatest(1, position(%s IN text.{name}) - {before}), {length}), position(%s IN text.{name})"
)


class Snippet(NamedTuple):
    where: str
    html: SafeString


def snippets_of(project: Project, threads: Sequence[Thread], asked: Node | None) -> dict[str, Snippet]:
    """By thread id, in one query."""
    search = prepared(asked) if asked and threads else None
    if not isinstance(search, Search):
        return {}
    condition, params = texts.search(search)
    first = search.words[0]
    parts = ", ".join(_PART.format(name=name, before=BEFORE, length=LENGTH) for name in _WHERE)
    given: list[Any] = [first] * 2 * len(_WHERE)
    with connection.cursor() as cursor:
        cursor.execute(
            _FOUND.replace("{parts}", parts).replace("{condition}", condition),
            [*given, MAX_FRAME, MAX_FRAME, project.pk, [thread.thread_id for thread in threads], *params, project.pk],
        )
        return {thread_id: _snippet(found, search.words) for thread_id, *found in cursor.fetchall()}


def _snippet(found: Sequence[Any], words: Sequence[str]) -> Snippet:
    """Of the text that has the first word, the line in which it stands."""
    *parts, outputs, inputs = found
    frames = (outputs, inputs, None)
    for where, text, at, frame in zip(_WHERE.values(), parts[::2], parts[1::2], frames, strict=True):
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
