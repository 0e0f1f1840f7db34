"""The words that the index has, as texts: parts of words are looked for among them."""

from typing import Any, Final

import psycopg
from django.db import transaction

MAX_REMEMBERED: Final = 50_000
_LEARN = "INSERT INTO runs_searchword (word) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
_FILE = "SELECT pg_relation_filenode('runs_searchword')"


class _Remembered:
    """Words that the table has, so that those of each batch need not be looked up again. A table that was emptied (TRUNCATE, as all that
    empties it does) has a new file."""

    def __init__(self) -> None:
        self.file = 0
        self.words: set[bytes] = set()

    def of_file(self, file: int) -> set[bytes]:
        if file != self.file or len(self.words) > MAX_REMEMBERED:
            self.file, self.words = file, set()
        return self.words


_remembered = _Remembered()


def learn(cursor: "psycopg.Cursor[Any]", words: set[bytes]) -> None:
    """Add those that are not there yet."""
    cursor.execute(_FILE)
    known = _remembered.of_file((cursor.fetchone() or (0,))[0])
    if new := words - known:
        cursor.execute(_LEARN, [[word.decode() for word in sorted(new)]])
        # Others are mostly ids, which do not come again. Words of a transaction that is taken back are not there.
        lasting = set(filter(bytes.isalpha, new))
        transaction.on_commit(lambda: known.update(lasting))
