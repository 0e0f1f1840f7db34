"""A JSON batch taken apart one level deep, without a parser: what a parser refuses as a whole may hold runs that are good.

Nothing here recurses or builds values, so depth and odd numbers do not matter. Whoever reads a run checks it.
"""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from apps.projects.values import JSON_STRING
from apps.runs.ingest.decode import Refused
from apps.runs.ingest.schema import batch_decoder

MAX_BYTES: Final = 32 * 1024 * 1024
"""Of a batch that is looked through by hand, a few seconds' work; the SDKs send at most 24 MiB."""
_MARK = re.compile(JSON_STRING + rb"|[\[\]{},]", re.DOTALL)
_KEY = re.compile(rb"\s*(" + JSON_STRING + rb")\s*:", re.DOTALL)


class NotSplit(ValueError):
    """Nobody can say where one run ends and the next begins."""


def batch_of(body: bytes) -> tuple[list[bytes], list[bytes]]:
    """The JSON texts of the runs to post and to patch."""
    try:
        batch = batch_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        try:
            return _by_hand(body)
        except NotSplit:
            message = f'The body must be JSON: {{"post": [runs], "patch": [runs]}}. {error}'
            raise Refused(422, message) from None
    return [bytes(text) for text in batch.post or ()], [bytes(text) for text in batch.patch or ()]


def _by_hand(body: bytes) -> tuple[list[bytes], list[bytes]]:
    if len(body) > MAX_BYTES:
        raise NotSplit
    lists = members(body)
    post, patch = (lists.get(kind, b"null") for kind in ("post", "patch"))
    return _elements(post), _elements(patch)


def _elements(text: bytes) -> list[bytes]:
    return [] if text == b"null" else list(_pieces(text, b"[", b"]"))


def id_of(run: bytes) -> str:
    """As far as it can be told of a run that cannot be read."""
    try:
        return _text(members(run).get("id", b'""'))
    except NotSplit:
        return ""


def members(text: bytes) -> dict[str, bytes]:
    """The JSON texts of an object's values by their keys."""
    found = {}
    for piece in _pieces(text, b"{", b"}"):
        key = _KEY.match(piece)
        if key is None:
            raise NotSplit
        found[_text(key[1])] = piece[key.end() :].strip()
    return found


def _text(key: bytes) -> str:
    try:
        return msgspec.json.decode(key, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return key[:200].decode(errors="replace")


def _pieces(text: bytes, opening: bytes, closing: bytes) -> Iterator[bytes]:
    """What stands between the commas of a list or an object, but not of those within it."""
    text = text.strip()
    if not (text.startswith(opening) and text.endswith(closing)):
        raise NotSplit
    depth, begin = 0, 1
    for mark in _MARK.finditer(text):
        sign = mark[0]
        if sign in (b"[", b"{"):
            depth += 1
        elif sign in (b"]", b"}"):
            depth -= 1
            if not depth and mark.end() < len(text):
                raise NotSplit
        elif sign == b"," and depth == 1:
            yield text[begin : mark.start()]
            begin = mark.end()
    if depth:
        raise NotSplit
    if rest := text[begin:-1].strip():
        yield rest
