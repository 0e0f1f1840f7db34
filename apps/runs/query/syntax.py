"""Text to a syntax tree, by grammar.lark. Bounded, so that no text takes long or nests too deep to walk."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from apps.runs.query.nodes import FilterError

MAX_LENGTH = 10_000
MAX_DEPTH = 40
MAX_CALLS = 300
MAX_ITEMS = 500
MAX_MAGNITUDE = 30

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|[\s\S])")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "/": "/", "\\": "\\", '"': '"', "'": "'"}
_TERMINALS = {
    "WORD": "a name",
    "STRING": "a text in quotes",
    "NUMBER": "a number",
    "LPAR": "“(”",
    "RPAR": "“)”",
    "LSQB": "“[”",
    "RSQB": "“]”",
    "COMMA": "“,”",
    "$END": "the end",
}


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Literal:
    """raw is a text as it stood between its quotes, before escapes were read."""

    value: str | Decimal | bool | None
    at: int
    raw: str = ""


@dataclass(frozen=True, slots=True)
class Items:
    items: tuple["Argument", ...]
    at: int
    depth: int
    calls: int


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    args: tuple["Argument", ...]
    at: int
    depth: int
    calls: int


type Argument = Call | Items | Word | Literal

_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


class _Build(Transformer[Token, Call]):
    """Runs while the parser reduces, so that depth is known before anything recurses."""

    def call(self, children: Sequence[Any]) -> Call:
        name, *args = [child for child in children if child is not None]
        if isinstance(name, Literal):
            raise FilterError("Expected an operator such as and(…) or eq(…)", name.at)
        # Each word of a search is a condition of its own.
        texts = [str(arg.value) for arg in args if isinstance(arg, Literal)] if name.text == "search" else []
        calls = max(1, sum(len(text.split()) for text in texts))
        return Call(name.text, tuple(args), name.at, *_extent(args, name.at, calls))

    def list(self, children: Sequence[Any]) -> Items:
        items = [child for child in children if child is not None]
        at = items[0].at if items else 0
        if len(items) > MAX_ITEMS:
            raise FilterError(f"The list has more than {MAX_ITEMS} values", at)
        return Items(tuple(items), at, *_extent(items, at, calls=0))

    def WORD(self, token: Token) -> Word | Literal:
        word = token.lower()
        return Literal(_WORDS[word], _at(token)) if word in _WORDS else Word(str(token), _at(token))

    def STRING(self, token: Token) -> Literal:
        raw = token[1:-1]
        return Literal(_unescaped(raw, _at(token)), _at(token), raw)

    def NUMBER(self, token: Token) -> Literal:
        number = Decimal(str(token))
        if number and abs(number.adjusted()) > MAX_MAGNITUDE:
            raise FilterError(f"Numbers go from 1e-{MAX_MAGNITUDE} to 1e{MAX_MAGNITUDE}", _at(token))
        return Literal(number, _at(token))


def syntax(text: str) -> Call:
    """The outermost call. Raises FilterError with the position and what was expected there."""
    if len(text) > MAX_LENGTH:
        raise FilterError(f"The filter is {len(text)} characters long; {MAX_LENGTH} is the most", MAX_LENGTH)
    if bad := _UNSTORABLE.search(text):
        raise FilterError("This character cannot be stored, so no run has it", bad.start())
    try:
        tree: Any = _parser().parse(text)
    except UnexpectedInput as error:
        _explain(error, text)
    assert isinstance(tree, Call)
    return tree


@cache
def _parser() -> Lark:
    grammar = (Path(__file__).parent / "grammar.lark").read_text()
    return Lark(grammar, parser="lalr", transformer=_Build(visit_tokens=True))


def _explain(error: UnexpectedInput, text: str) -> NoReturn:
    at = error.pos_in_stream or 0
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        at = len(text) if error.token.type == "$END" else at
        expected = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed)
    found = f"“{text[at]}”" if at < len(text) else "the end"
    if found in ('“"”', "“'”"):
        raise FilterError("This quote is not closed, or a text is not expected here", at) from None
    names = [name for terminal, name in _TERMINALS.items() if terminal in expected]
    raise FilterError(f"Expected {' or '.join(names) or 'something else'}, found {found}", at) from None


def _extent(children: Sequence[Any], at: int, calls: int) -> tuple[int, int]:
    """Depth and number of calls of what holds these children."""
    nested = [child for child in children if isinstance(child, Call | Items)]
    depth = 1 + max((child.depth for child in nested), default=0)
    calls += sum(child.calls for child in nested)
    if depth > MAX_DEPTH:
        raise FilterError(f"The filter nests deeper than {MAX_DEPTH}", at)
    if calls > MAX_CALLS:
        raise FilterError(f"The filter has more than {MAX_CALLS} conditions", at)
    return depth, calls


def _unescaped(raw: str, at: int) -> str:
    """JSON's escapes, because the SDKs quote with a JSON encoder. Other backslashes stand for themselves."""
    if "\\" not in raw:
        return raw
    text = _ESCAPE.sub(_unescape, raw)
    try:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise FilterError("A \\u escape here is half of a character", at) from None
    if "\x00" in text:
        raise FilterError("\\u0000 cannot be stored, so no run has it", at)
    return text


def _unescape(match: re.Match[str]) -> str:
    escape = match[1]
    if len(escape) == 5:
        return chr(int(escape[1:], 16))
    return _ESCAPED.get(escape, match[0])


def _at(token: Token) -> int:
    return token.start_pos or 0
