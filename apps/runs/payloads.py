"""Payloads for pages: read when they are of a size to be shown, otherwise only measured."""

from dataclasses import dataclass
from typing import Any

import msgspec
import zstandard
from django.utils.safestring import SafeString

from apps.runs import payload
from apps.runs.jsontree import tree

TURN_BYTES = 512 * 1024
RUN_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Payload:
    """The value of a run's field, or only its size when that is past what a page reads."""

    value: Any = None
    size: int = 0
    """Bytes of JSON."""
    skipped: bool = False

    @property
    def tree(self) -> SafeString:
        return tree(self.value)


def read(frame: bytes | memoryview | None, most: int) -> Payload:
    """The size stands in the frame's header, so a large payload is never unpacked for a page."""
    if frame is None:
        return Payload()
    size = zstandard.frame_content_size(bytes(frame[:18]))
    if size > most:
        return Payload(size=size, skipped=True)
    try:
        return Payload(payload.load(frame), size)
    except msgspec.DecodeError:
        # A number that no float holds, as in 1e400: legal JSON, shown as the text it is.
        return Payload(payload.unpack(frame).decode(errors="replace"), size)
