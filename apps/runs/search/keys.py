"""Words and pairs as the index holds them: 32-bit numbers, a third of a text's size and sooner compared.

Two of them may share a number. The index only tells where to look; texts and pairs decide.
"""

from collections.abc import Collection, Iterable
from struct import pack
from typing import Final
from zlib import crc32

SHORT: Final = 60
"""Characters of a value up to which its pair has a number."""
_EXACT: Final = 10**12


def of_words(words: Iterable[bytes]) -> set[int]:
    return set(map(crc32, words))


def of_path(relation: str, path: str) -> int:
    """That a run has such a key: relation is input or output."""
    return crc32(f"\0{relation}.{path}".encode())


def of_value(path: int, value: str) -> int:
    """A value, as text, of the path with that number; that of the path where it is long, for hardly another run has the same."""
    return crc32(value.encode(), path) if len(value) <= SHORT else path


def spelled(number: float) -> str:
    """The same text for numbers that are equal."""
    if type(number) is int and -_EXACT < number < _EXACT:
        return str(number)
    try:
        return f"{float(number) + 0.0:.12g}"  # no -0
    except OverflowError:
        return ""


def signed(keys: Iterable[int]) -> list[int]:
    """As PostgreSQL's int4 has them."""
    return [key - (key >> 31 << 32) for key in keys]


def unsigned(stored: Iterable[int]) -> set[int]:
    return {key & 0xFFFFFFFF for key in stored}


def packed(keys: Collection[int]) -> bytes:
    """An int4[] in PostgreSQL's binary format."""
    count = len(keys)
    # An element is its length, 4, and its four bytes: one number of eight.
    return pack(f">5i{count}Q", 1, 0, 23, count, 1, *[key | 0x4_0000_0000 for key in keys])
