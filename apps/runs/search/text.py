"""The text of a run that a person would search for, and the words by which the index finds it.

A text is matched as folded: without case, and composed (NFC), which is the same for a word and for the text around it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple
from unicodedata import normalize

from apps.runs import messages, payload, shapes
from apps.runs.search import keys

MAX_SIDE: Final = 8_000
"""Characters kept of the inputs, of the outputs, and of everything else."""
MAX_PAIRS: Final = 100
MAX_PAIR_TEXT: Final = 250
_MAX_LEAVES: Final = 2_000
# Every message has them, nobody looks for them.
UNREAD: Final = frozenset({
    "role", "type", "object", "lc", "usage", "usage_metadata", "token_usage", "logprobs", "system_fingerprint", "created",
})  # fmt: skip
_PARTS: Final = ("messages", "input", "contents")
_LEFT_OUT: Final = object()
# Texts up to this length are remembered for a while: parents and children, turns and threads repeat them.
_BRIEF: Final = 1_000
_BASE64 = re.compile(r"data:[\w/+.-]*;base64,|[A-Za-z0-9+/=_-]{400}")

# Written without spaces: each character and each pair of neighbours counts as a word.
_WIDE = "\u2e80-\u2fff\u3005-\u9fff\ua000-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
_SYMBOL = "\u2190-\u2bff\U0001f000-\U0001faff"
_APART: Final = bytes(code if chr(code).isascii() and chr(code).isalnum() else ord(" ") for code in range(256))
_WORD = re.compile(rf"(?P<wide>[{_WIDE}]+)|(?P<symbol>[{_SYMBOL}])|[^\W_{_WIDE}]+")
_SPECIAL = re.compile(f"[{_WIDE}{_SYMBOL}]")
_LETTERS = re.compile(r"[^\W_]+")
LONG: Final = 60
"""Longer words are cut into pieces of that many characters, each from the middle of the one before."""


class Text(NamedTuple):
    """What is kept of a run: folded lines, the JSON that conditions on pairs look into, and the numbers of its pairs."""

    about: str
    inputs: str
    outputs: str
    input_pairs: Any
    output_pairs: Any
    pairs: set[int]

    @property
    def lines(self) -> tuple[str, str, str]:
        return self[:3]


def fold(text: str) -> str:
    return text.lower() if text.isascii() else normalize("NFC", text).casefold()


def text_of(
    name: str,
    error: str | None,
    tags: list[str] | None,
    metadata: Any,
    inputs: bytes | None,
    outputs: bytes | None,
    *,
    in_thread: bool,
) -> Text:
    """in_thread: earlier turns have runs of their own, so what clients send again with each turn is left out."""
    asked, answered = payload.load(inputs), payload.load(outputs)
    if in_thread:
        asked, answered = _new(asked, after=0), _new(answered, after=1)
    about = [name, *(tags or ()), error, *_labelled(metadata)]
    asked_for, answer = _Side(asked, "input"), _Side(answered, "output")
    texts = _joined(about), _joined(asked_for.texts), _joined(answer.texts)
    return Text(*texts, asked_for.pairs, answer.pairs, asked_for.keys | answer.keys)


def words_in(lines: str) -> set[bytes]:
    """What the index knows folded lines by: letters and digits that stand together, and each wide character alone and with the next."""
    texts = set(lines.split("\n"))  # the runs of a trace repeat each other's
    found = set("\n".join(filter(str.isascii, texts)).encode().translate(_APART).split())
    for text in texts:
        if not text.isascii():
            found.update(word.encode() for word in _beyond_ascii(text))
    if max(map(len, found), default=0) > LONG:
        for word in [word.decode() for word in found if len(word) > LONG]:
            if len(word) > LONG:
                found.remove(word.encode())
                found.update(word[at : at + LONG].encode() for at in range(0, len(word) - LONG // 2, LONG // 2))
    return found


def _beyond_ascii(text: str) -> set[str]:
    if not _SPECIAL.search(text):
        return set(_LETTERS.findall(text))
    found = set()
    for match in _WORD.finditer(text):
        found |= _grams(match[0]) if match["wide"] else {match[0]}
    return found


def _grams(wide: str) -> set[str]:
    return {*wide, *(wide[at : at + 2] for at in range(len(wide) - 1))}


class Clue(NamedTuple):
    """A text that has a word being searched for also has an indexed word like this: `text` itself, or one that begins or ends with it."""

    text: str
    open_before: bool = False
    open_after: bool = False

    @property
    def is_quick(self) -> bool:
        """Parts shorter than a trigram are looked for in the whole vocabulary."""
        return len(self.text) >= 3 or not (self.open_before or self.open_after)


def clues_of(word: str) -> list[Clue]:
    """Of a folded word. What stands at its edges may be part of a longer one in the text."""
    found: list[Clue] = []
    for match in _WORD.finditer(word):
        text, before, after = match[0], match.start() == 0, match.end() == len(word)
        if match["symbol"] or (len(text) == 1 and match["wide"]):
            found.append(Clue(text))
        elif match["wide"]:
            found += [Clue(pair) for pair in sorted(_grams(text)) if len(pair) > 1]
        elif len(text) > LONG // 2:
            found.append(Clue(text[: LONG // 2], open_before=True, open_after=True))
        else:
            found.append(Clue(text, before, after))
    return found


def _joined(parts: Iterable[str | None]) -> str:
    """One line each, white space collapsed, without repetition, up to the cap."""
    lines = dict.fromkeys(_brief_line(part) if len(part) <= _BRIEF else _line(part) for part in parts if part)
    lines.pop("", None)
    return "\n".join(lines)[:MAX_SIDE]


def _line(text: str) -> str:
    return " ".join(fold(text).split())


_brief_line = lru_cache(1_000)(_line)


def _labelled(metadata: Any) -> Iterator[str]:
    """A key with its value on one line, so that both are found."""
    for key, item in metadata.items() if isinstance(metadata, dict) else ():
        if key not in UNREAD:
            plain = item if isinstance(item, str) else " ".join(_Side(item).texts)
            yield f"{key} {plain[:MAX_SIDE]}"


def _new(value: Any, *, after: int) -> Any:
    """The value without the messages before the last one of the user, that one included where `after` is 1."""
    items = shapes.messages_of(value)
    if not items:
        return value
    start = messages.last_user(items) + after
    if start <= 0:
        return value
    kept = [*(item for item in items[:start] if _is_prompt(item)), *items[start:]]
    if not isinstance(value, dict):
        return kept
    return {key: kept if key in _PARTS and (item is items or item == [items]) else item for key, item in value.items()}


def _is_prompt(item: Any) -> bool:
    found = shapes.message(item)
    return found is not None and found[0] in shapes.PROMPT_ROLES


class _Step(NamedTuple):
    """Where a value stands. Silent: nobody looks for its text, and it has no number."""

    path: str = ""
    silent: bool = False
    number: int = 0


def _next(relation: str, before: _Step, key: str) -> _Step:
    key = key.replace("\x00", "")
    path = f"{before.path}.{key}" if before.path else key
    silent = before.silent or key in UNREAD
    return _Step(path, silent, 0 if silent else keys.of_path(relation, path))


_known_next = lru_cache(4_000)(_next)


class _Side:
    """Inputs or outputs in one pass: `texts` are its texts and numbers in the order in which they stand, bytes in disguise left out;
    `pairs` the same JSON with texts cut, at most MAX_PAIRS different paths and without null, None where there is no pair; `keys` the
    numbers of these pairs and of their paths, UNREAD ones left out."""

    def __init__(self, value: Any, relation: str = "") -> None:
        self.relation = relation
        self.texts: list[str] = []
        self.keys: set[int] = set()
        self.paths: set[str] = set()
        self.left = _MAX_LEAVES
        pairs = self._read(value, _Step())
        self.pairs = pairs if type(value) is dict and value else None
        if self.pairs is None:
            self.keys.clear()

    def _read(self, value: Any, step: _Step) -> Any:
        kind = type(value)
        if kind is list:
            return [pruned for item in value if (pruned := self._read(item, step)) is not _LEFT_OUT]
        self.left -= 1
        if value is None or self.left < 0:
            return _LEFT_OUT
        if kind is dict:
            return self._object(value, step)
        path, silent, number = step
        if kind is str:
            value = value.replace("\x00", "")
            if not silent and not (len(value) > 400 and _BASE64.match(value)):
                self.texts.append(value[:MAX_SIDE])
            text = value = value[:MAX_PAIR_TEXT]
        elif kind is bool:
            text = "true" if value else "false"
        else:
            text = keys.spelled(value)
            if not silent:
                self.texts.append(str(value))
        if path not in self.paths:
            if len(self.paths) >= MAX_PAIRS or len(path) > MAX_PAIR_TEXT:
                return _LEFT_OUT
            self.paths.add(path)
            if not silent:
                self.keys.add(number)
        if not silent:
            self.keys.add(keys.of_value(number, text))
        return value

    def _object(self, value: dict[str, Any], step: _Step) -> Any:
        if step.path and not step.silent:
            self.keys.add(step.number)
        brief = len(step.path) <= MAX_PAIR_TEXT
        found = {}
        for key, item in value.items():
            following = _known_next if brief and len(key) <= MAX_PAIR_TEXT else _next
            pruned = self._read(item, following(self.relation, step, key))
            if pruned is not _LEFT_OUT:
                found[key.replace("\x00", "")] = pruned
        return found
