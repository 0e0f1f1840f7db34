"""JSON as YAML, which reads better where texts have many lines. Bounded, and the same value again for whoever parses it."""

import json
import re
from typing import Any, Final

MAX_CHARACTERS: Final = 200_000
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?: [A-Za-z0-9_(][A-Za-z0-9_().,'?!/-]*)*\Z")
# What a reader of YAML 1.1 or 1.2 takes for something other than a text.
_WORDS: Final = frozenset(("null", "true", "false", "yes", "no", "on", "off", "y", "n"))
# Controls, and what turns the reading order or breaks a line unseen.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")


def to_yaml(value: Any, most: int = MAX_CHARACTERS) -> tuple[str, bool]:
    """The text, and whether it was cut after `most` characters."""
    writer = _Writer(most)
    writer.value(value, 0, "")
    text = "".join(writer.out).lstrip("\n")
    return text[:most], writer.left <= 0


class _Writer:
    def __init__(self, most: int) -> None:
        self.out: list[str] = []
        self.left = most

    def put(self, text: str) -> None:
        self.out.append(text)
        self.left -= len(text)

    def value(self, value: Any, depth: int, before: str) -> None:
        """before stands between what was written and a scalar: the space after a colon or a dash."""
        if self.left <= 0:
            return
        if isinstance(value, dict) and value:
            self.fields(value, depth)
        elif isinstance(value, list) and value:
            self.items(value, depth)
        elif isinstance(value, str):
            self.put(before + _text(value[: self.left + 1], depth))
        else:
            self.put(before + _scalar(value))

    def fields(self, value: dict[str, Any], depth: int, *, beside_dash: bool = False) -> None:
        for key, item in value.items():
            if self.left <= 0:
                return
            begin = " " if beside_dash else f"\n{'  ' * depth}"
            beside_dash = False
            self.put(f"{begin}{_key(key)}:")
            self.value(item, depth + 1, " ")

    def items(self, value: list[Any], depth: int) -> None:
        for item in value:
            if self.left <= 0:
                return
            self.put(f"\n{'  ' * depth}-")
            if isinstance(item, dict) and item:
                self.fields(item, depth + 1, beside_dash=True)
            else:
                self.value(item, depth + 1, " ")


def _key(key: str) -> str:
    return key if _is_plain(key) and len(key) <= 200 else _quoted(key)


def _text(text: str, depth: int) -> str:
    if "\n" in text and _fits_a_block(text):
        pad = "  " * max(depth, 1)
        lines = text.split("\n")
        return "|-" + "".join(f"\n{pad}{line}" if line else "\n" for line in lines)
    return text if _is_plain(text) else _quoted(text)


def _fits_a_block(text: str) -> bool:
    """Neither first nor last line blank, no indent that would be taken for the block's, nothing that needs an escape."""
    return not (text[0].isspace() or text[-1].isspace()) and "\t" not in text and not _UNSEEN.search(text)


def _is_plain(text: str) -> bool:
    return _PLAIN.match(text) is not None and text.lower() not in _WORDS


def _quoted(text: str) -> str:
    """As JSON, which is YAML; what YAML does not allow bare is escaped."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _scalar(value: Any) -> str:
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 4_096:
        return '"a number of more than 1,200 digits"'
    if isinstance(value, float):
        # YAML 1.1 reads 1e5 as a text and 1.0e+5 as a number.
        return re.sub(r"^(-?\d+)e", r"\1.0e", repr(value))
    return json.dumps(value)
