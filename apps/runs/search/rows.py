"""Rows of the search table as PostgreSQL's binary COPY takes them: a batch costs half of what it does as values of an INSERT."""

from collections.abc import Collection
from struct import Struct, pack
from typing import Any, Final
from uuid import UUID

import msgspec

from apps.runs.search import keys
from apps.runs.search.text import Text

COPY: Final = """
COPY runs_searchtext (trace_id, id, project_id, about, inputs, outputs, words, input_pairs, output_pairs) FROM STDIN (FORMAT BINARY)
"""
HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL: Final = pack(">h", -1)
_COLUMNS: Final = pack(">h", 9)
_NULL: Final = pack(">i", -1)
_LENGTH: Final = Struct(">i").pack
_JSONB_VERSION: Final = b"\x01"


def row(trace_id: UUID, run_id: UUID, project_id: UUID, text: Text, words: Collection[int] | None) -> bytes:
    fields = [
        trace_id.bytes, run_id.bytes, project_id.bytes, *map(str.encode, text.lines), keys.packed(words) if words else None,
        _jsonb(text.input_pairs), _jsonb(text.output_pairs),
    ]  # fmt: skip
    parts = [_COLUMNS]
    for field in fields:
        parts += (_NULL,) if field is None else (_LENGTH(len(field)), field)
    return b"".join(parts)


def _jsonb(value: Any) -> bytes | None:
    return None if value is None else _JSONB_VERSION + msgspec.json.encode(value)
