"""Threads as CSV and JSON lines, streamed: a batch of rows at a time, with as many queries for each batch however long the list is."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any, Final

import msgspec

from apps.projects.models import Project
from apps.runs.listing.columns import values_of
from apps.runs.listing.lines import MARK, csv_line, json_value
from apps.threads.columns import COLUMNS, THREAD, Column
from apps.threads.models import Thread, ThreadQuerySet
from apps.threads.rows import found_for
from apps.threads.tagging import ThreadTag

BATCH: Final = 500


def csv_lines(project: Project, threads: ThreadQuerySet, columns: Sequence[Column]) -> Iterator[bytes]:
    """The columns as the page shows them, with the words of a cell whole."""
    yield MARK + csv_line([THREAD.id, *(column.id for column in columns), "thread_tags"])
    for thread, values, tags in _batches(project, threads, columns):
        yield csv_line([thread.thread_id, *values, tags])


def json_lines(project: Project, threads: ThreadQuerySet, columns: Sequence[Column]) -> Iterator[bytes]:
    """All that a thread's row tells, and the columns beyond that are shown."""
    every = list(COLUMNS.values()) + [column for column in columns if column.id not in COLUMNS]
    for thread, values, tags in _batches(project, threads, every):
        found = {column.id: json_value(value) for column, value in zip(every, values, strict=True)}
        yield msgspec.json.encode({"thread_id": thread.thread_id, **found, "thread_tags": tags}) + b"\n"


def _batches(
    project: Project, threads: ThreadQuerySet, columns: Sequence[Column]
) -> Iterator[tuple[Thread, list[Any], list[str]]]:
    for some in batched(threads.for_table().iterator(chunk_size=BATCH), BATCH):
        found = found_for(project, some, columns)
        tags = ThreadTag.objects.by_thread(thread.pk for thread in some)
        for thread in some:
            yield thread, values_of(thread, thread.thread_id, columns, found), tags.get(thread.pk, [])
