"""Thread ids in a path."""

import base64
import binascii
from urllib.parse import quote

MARK = "~"
LONGEST = 1_000
"""Bytes of a quoted thread id beyond which its Base64 is shorter and, unlike it, passes every server and proxy."""


class TextConverter:
    """Any text, slashes and line breaks too. As much of the path as the rest of the route leaves."""

    regex = r"(?s:.+)"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class ThreadIdConverter:
    """A thread id is any text. It stands in the path as it is, where every browser and proxy leaves it alone.

    What they would rewrite (dot segments, doubled slashes) or refuse (line breaks, very long paths) goes as ~Base64.
    """

    regex = r"[^\r\n]+"

    def to_url(self, value: str) -> str:
        if _travels(value):
            return value
        return MARK + base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")

    def to_python(self, value: str) -> str:
        if not value.startswith(MARK):
            return value
        text = value.removeprefix(MARK)
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError(f"{value} is not a thread id") from None


def _travels(value: str) -> bool:
    segments = value.split("/")
    return (
        value.isprintable()
        and not value.startswith(MARK)
        and not {"", ".", ".."}.intersection(segments)
        # Each of its bytes takes three at most.
        and (3 * len(value.encode()) <= LONGEST or len(quote(value)) <= LONGEST)
    )
