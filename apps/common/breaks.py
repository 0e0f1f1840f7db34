"""Places where a browser may break a line, in text that has none.

To break 50,000 letters without a space, as a picture in Base64 is, Chromium looks through all that is left of them for each line.
"""

import re
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

LONGEST: Final = 400
"""Characters without white space that a browser gets as they are."""
_LONG = re.compile(rf"\S{{{LONGEST}}}")
_TAG_OR_LONG = re.compile(rf"<[^>]*>|[^\s<>]{{{LONGEST},}}")
# Never inside a character reference, nor before a mark, which would lose its letter. It gives nothing back, so that it looks once.
_PIECE = re.compile(r"((?>&#?\w{1,8};|\S){100}+(?:(?![!-~]|\w)\S)*+)")


def breakable(text: str) -> SafeString:
    """The text as HTML. What is copied from it, or looked for in it, stays the same."""
    return broken(escape(text), text)


def broken(html: SafeString, text: str) -> SafeString:
    """HTML that was made from the text, with breaks between its tags."""
    return mark_safe(_TAG_OR_LONG.sub(_broken, html)) if _LONG.search(text) else html


def _broken(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("<") else _PIECE.sub(r"\1<wbr>", found[0])
