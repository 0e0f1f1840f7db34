"""What of a conversation is left out before others read it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from apps.runs.messages import Content
from apps.runs.parts import Documents, Message, Part, Result
from apps.runs.payloads import Payload
from apps.runs.shapes import PROMPT_ROLES, Json

MASK: Final = "•••"
# Each begins where nothing of the same kind stands before it, and counts are bounded: the time grows with the text alone.
_ADDRESS: Final = r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
_DATE: Final = r"(?!\d{4}-\d\d-\d\d)"
_NUMBER: Final = rf"(?<![\d])\+?{_DATE}\d(?:[ ().\-/]{{0,2}}\d){{6,}}"
_MASKED: Final = re.compile(f"{_ADDRESS}|{_NUMBER}")
# Of a picture, which a mask would break.
_BINARY: Final = re.compile(r"(?:data:[\w.+;=/-]+,)?[A-Za-z0-9+/=_-]{200,}")
_MOST_KEPT: Final = 10**6
"""Numbers of JSON below it have fewer than seven digits."""


def masked(text: str) -> str:
    """Without e-mail addresses and numbers of seven digits and more, such as those of phones and cards."""
    return text if _BINARY.fullmatch(text) else _MASKED.sub(MASK, text)


@dataclass(frozen=True)
class Hide:
    """What is left out of a file or of a page that others will read."""

    system: bool = False
    tools: bool = False
    """What tools and retrievers answered. That they were called, and with what, stays."""
    mask: bool = False

    def __bool__(self) -> bool:
        return self.system or self.tools or self.mask

    def messages(self, messages: Iterable[Message]) -> list[Message]:
        shown = (
            replace(message, parts=self._parts(message.parts))
            for message in messages
            if not (self.system and message.role in PROMPT_ROLES)
        )
        return [message for message in shown if message.parts]

    def content(self, content: Content) -> Content:
        """The messages alone: in a value that is none, nobody can tell what is a prompt or a result. Masks are those of `payload`."""
        if not self:
            return content
        return Content(self.messages(content.messages), None if self.system or self.tools else content.rest)

    def payload(self, payload: Payload) -> Payload:
        return replace(payload, value=_masked(payload.value)) if self.mask else payload

    def text(self, text: str) -> str:
        return masked(text) if self.mask else text

    def _parts(self, parts: list[Part]) -> list[Part]:
        if not self.tools:
            return parts
        return [
            Result(part.name, [], part.id, part.error) if isinstance(part, Result) else part
            for part in parts
            if not isinstance(part, Documents)
        ]


NOTHING: Final = Hide()


def _masked(value: Json) -> Any:
    """Of any depth that a payload may have: a list of what is still to be done, not calls in calls."""
    whole = [value]
    todo: list[tuple[Any, Any]] = [(whole, 0)]
    while todo:
        holder, at = todo.pop()
        match holder[at]:
            case str() as text:
                holder[at] = masked(text)
            case bool():
                pass
            case int() | float() as number if abs(number) >= _MOST_KEPT:
                holder[at] = MASK
            case list() as items:
                holder[at] = list(items)
                todo += ((holder[at], index) for index in range(len(items)))
            case dict() as fields:
                holder[at] = {masked(key): item for key, item in fields.items()}
                todo += ((holder[at], key) for key in holder[at])
    return whole[0]
