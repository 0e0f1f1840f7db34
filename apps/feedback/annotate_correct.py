"""An output as text or JSON that somebody may correct, and what they changed."""

import copy
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, NamedTuple

from django.conf import settings

from apps.feedback.keys import MAX_JSON_BYTES, BadFeedback
from apps.projects.values import read_json
from apps.runs.payloads import read
from apps.runs.shapes import Json
from apps.threads.export_formats import indented

type Path = tuple[str | int, ...]

# Where the usual outputs have the words that are read.
PLACES: Final[tuple[Path, ...]] = (
    ("output",),
    ("answer",),
    ("content",),
    ("text",),
    ("response",),
    ("result",),
    ("output", "content"),
    ("messages", -1, "content"),
    ("messages", -1, "kwargs", "content"),
    ("choices", 0, "message", "content"),
    ("generations", 0, 0, "message", "kwargs", "content"),
    ("generations", 0, 0, "text"),
)
MOST_TOKENS: Final = 3_000


class Piece(NamedTuple):
    """kind is same, del or ins."""

    kind: str
    text: str


@dataclass(frozen=True)
class Correction:
    """outputs as they were sent; corrected is the same with the correction in it, or None.

    path leads to the words that are edited; it is None where that is the whole JSON.
    """

    outputs: Json
    corrected: Json
    path: Path | None
    too_large: bool = False

    @classmethod
    def of(cls, frame: bytes | memoryview | None, corrected: Json) -> "Correction":
        payload = read(frame, MAX_JSON_BYTES)
        return cls(payload.value, corrected, path_to_words(payload.value), payload.skipped)

    @property
    def text(self) -> str:
        """To edit."""
        return self._text(self.outputs if self.corrected is None else self.corrected)

    @property
    def before(self) -> str:
        return self._text(self.outputs)

    def _text(self, value: Json) -> str:
        words = at(value, self.path) if self.path is not None else None
        return words if isinstance(words, str) else indented(value)

    @property
    def diff(self) -> list[Piece]:
        return [] if self.corrected is None else compare(self.before, self.text)

    def read(self, text: str) -> Json:
        """The corrected outputs from what was typed, None where nothing is different. Raises BadFeedback."""
        text = text.replace("\r\n", "\n")
        if text == self.before or not text.strip():
            return None
        if self.path is not None:
            return put(self.outputs, self.path, text)
        try:
            value = read_json(text, settings.MAX_JSON_DEPTH)
        except ValueError as error:
            raise BadFeedback(f"This is no JSON: {error}") from None
        return None if value == self.outputs else value


def path_to_words(outputs: Json) -> Path | None:
    """None where no single text stands for the whole output."""
    if isinstance(outputs, str):
        return ()
    if isinstance(outputs, dict) and len(outputs) == 1:
        key, only = next(iter(outputs.items()))
        if isinstance(only, str) and only:
            return (key,)
    return next((path for path in PLACES if isinstance(words := at(outputs, path), str) and words), None)


def at(value: Json, path: Path) -> Json:
    for step in path:
        if isinstance(step, int) and isinstance(value, list) and value:
            value = value[step] if -len(value) <= step < len(value) else None
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def put(value: Json, path: Path, text: str) -> Json:
    if not path:
        return text
    changed: Any = copy.deepcopy(value)
    inner = at(changed, path[:-1])
    inner[path[-1]] = text
    return changed


def compare(before: str, after: str) -> list[Piece]:
    """Word by word; line by line where there are too many words, and as a whole where there are too many lines."""
    old, new = _tokens(before), _tokens(after)
    if max(len(old), len(new)) > MOST_TOKENS:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    if max(len(old), len(new)) > MOST_TOKENS:
        return [Piece("del", before), Piece("ins", after)]
    pieces = []
    for tag, start, end, begin, stop in SequenceMatcher(None, old, new).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", "".join(old[start:end])))
            continue
        gone, come = "".join(old[start:end]), "".join(new[begin:stop])
        pieces += [Piece(kind, text) for kind, text in (("del", gone), ("ins", come)) if text]
    return pieces


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s+|\w+|[^\w\s]", text)
