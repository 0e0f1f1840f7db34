"""The order of the Threads tab, its pages, and where a page stands among all rows."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from django.core import signing
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F

from apps.common.paging import SALT, SIZE, Page, Term, first_page
from apps.common.sql import Written
from apps.projects.models import Project
from apps.runs.listing import sorting
from apps.runs.listing.sorting import Counting, Place, Sort, paged
from apps.threads.columns import Column, column
from apps.threads.models import Thread, ThreadQuerySet
from apps.threads.of_turns import Pairs

DEFAULT_SORT: Final = "-last_activity"
MOST_COUNTED: Final = 10_000
"""Beyond it a count says "10,000+": counting is bounded, so that it never takes longer than the rows."""
# What the index thread_latest holds, so without a word on nulls.
LATEST_FIRST: Final = ("-last_activity", "-id")


_LATEST = Written(
    lambda project: Thread.objects.in_project(Project(project)).for_table()[: SIZE + 1],
    uuid.uuid4(),
)


def first_of(project: Project) -> Page[Thread]:
    """What nearly everybody sees first: the latest threads, whatever they are about."""
    return first_page(_LATEST(project.pk), LATEST_FIRST)


def sort_of(text: str) -> Sort[Column]:
    return sorting.sort_of(text, column, DEFAULT_SORT)


def page_of(
    threads: ThreadQuerySet, project: Project, sort: Sort[Column], cursor: str, counting: Counting
) -> tuple[Page[Thread], Place]:
    if sort.column.pairs is not None:
        return _paired_page(threads, sort.column.pairs(project), sort, cursor, counting)
    return paged(*ordered(threads, sort), cursor, counting)


def ordered(threads: ThreadQuerySet, sort: Sort[Column]) -> tuple[ThreadQuerySet, Sequence[Term]]:
    """The rows with what they are sorted by, and the terms of that order."""
    rows, terms = threads.for_table(), [Term.of(term) for term in LATEST_FIRST]
    if sort.column.id == DEFAULT_SORT.removeprefix("-"):
        return rows, terms if sort.descending else [term.reversed() for term in terms]
    # A name that no column has: the sums would be taken for the aggregate's own.
    rows = rows.annotate(sorted_by=sort.column.order or F("id"))
    return rows, (Term("sorted_by", sort.descending, nulls_last=True), Term("id", sort.descending))


_VALUED = "({threads}) AS thread (id, thread_id) LEFT JOIN ({pairs}) AS pair (of, value) ON pair.of = thread.{by}"
# In one pass, because the values are gathered from all turns: the place of each row and their number fall out of it.
_PAIRED = f"""
WITH ranked AS (
    SELECT thread.id, pair.value, count(*) OVER () AS total,
        row_number() OVER (ORDER BY pair.value {{order}}, thread.id {{direction}}) AS place
    FROM {_VALUED}
)
SELECT id, value::text, place, total FROM ranked WHERE {{behind}} ORDER BY place {{way}} LIMIT %s
"""
# The first page needs no ranks: PostgreSQL keeps the best rows it meets and sorts no others.
_FIRST = f"""
SELECT thread.id, pair.value::text, 0, 0 FROM {_VALUED} ORDER BY pair.value {{order}}, thread.id {{direction}} LIMIT %s
"""


def _paired_page(
    threads: ThreadQuerySet, pairs: Pairs, sort: Sort[Column], cursor: str, counting: Counting
) -> tuple[Page[Thread], Place]:
    backwards, at = _read(cursor, sort.text)
    behind, given = _behind(at, descending=sort.descending, backwards=backwards)
    first = at is None and not counting.now
    try:
        sql, params = threads.order_by().values_list("id", "thread_id").query.sql_with_params()
    except EmptyResultSet:
        return Page([], "", ""), Place(0, 0, 0)
    statement = (_FIRST if first else _PAIRED).format(
        order="DESC NULLS LAST" if sort.descending else "ASC NULLS LAST",
        direction="DESC" if sort.descending else "ASC",
        threads=sql,
        pairs=pairs.sql,
        by=pairs.by,
        behind=behind,
        way="DESC" if backwards else "ASC",
    )
    with connection.cursor() as cursor_:
        cursor_.execute(statement, [*params, *pairs.params, *given, SIZE + 1])
        found = cursor_.fetchall()
    more, found = len(found) > SIZE, found[:SIZE]
    if backwards:
        found.reverse()
    page, place = _as_page(found, sort, more=more, backwards=backwards, moved=at is not None)
    if not first or not found:
        return page, place
    total = counting.total if more else len(found)
    return page, Place(0, 0, None) if total is None else Place(1, len(found), total)


def _as_page(
    found: list[tuple[uuid.UUID, str | None, int, int]], sort: Sort[Column], *, more: bool, backwards: bool, moved: bool
) -> tuple[Page[Thread], Place]:
    by_id = {thread.pk: thread for thread in Thread.objects.among(row[0] for row in found).for_table()}
    rows = [by_id[row[0]] for row in found if row[0] in by_id]
    newer = _write("newer", sort, found[0]) if found and moved and (more or not backwards) else ""
    older = _write("older", sort, found[-1]) if found and (more or backwards) else ""
    place = Place(found[0][2], found[-1][2], found[0][3]) if found else Place(0, 0, 0)
    return Page(rows, newer, older), place


def _behind(at: tuple[str | None, str] | None, *, descending: bool, backwards: bool) -> tuple[str, list[Any]]:
    """Rows without a value stand at the end of either order."""
    if at is None:
        return "true", []
    value, key = at
    less = "<" if descending is not backwards else ">"
    if value is None:
        same = f"value IS NULL AND id {less} %s"
        return (f"(value IS NOT NULL OR ({same}))" if backwards else same), [key]
    end = "" if backwards else "value IS NULL OR "
    return f"({end}value {less} %s::jsonb OR (value = %s::jsonb AND id {less} %s))", [value, value, key]


def _write(direction: str, sort: Sort[Column], row: tuple[uuid.UUID, str | None, int, int]) -> str:
    return signing.dumps([direction, sort.text, row[1], str(row[0])], salt=SALT)


def _read(cursor: str, sort: str) -> tuple[bool, tuple[str | None, str] | None]:
    try:
        direction, key, value, pk = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError):
        return False, None
    return (direction == "newer", (value, pk)) if key == sort else (False, None)
