"""Runs as CSV and JSON lines, streamed: a batch of rows at a time, with as many queries for each batch however long the list is."""

from collections.abc import Iterator, Sequence
from itertools import batched
from typing import Any, Final

import msgspec

from apps.projects.models import Project
from apps.runs import payload
from apps.runs.listing.columns import loaded, values_of
from apps.runs.listing.lines import MARK, csv_line, json_value
from apps.runs.models import Run, RunQuerySet
from apps.runs.table.columns import COLUMNS, Column
from apps.runs.table.sorts import for_table

BATCH: Final = 200
_FIXED: Final = ("id", "trace_id", "parent_run_id", "name")


def csv_lines(project: Project, runs: RunQuerySet, columns: Sequence[Column]) -> Iterator[bytes]:
    """The columns as the page shows them, with the words of a cell whole."""
    yield MARK + csv_line([*_FIXED, *(column.id for column in columns)])
    for run, values in _batches(project, for_table(runs), columns):
        yield csv_line([*(getattr(run, name) for name in _FIXED), *values])


def json_lines(project: Project, runs: RunQuerySet, columns: Sequence[Column]) -> Iterator[bytes]:
    """All that a run's row tells, the columns beyond that are shown, and inputs, outputs, metadata and error as they were sent."""
    every = list(COLUMNS.values()) + [column for column in columns if column.id not in COLUMNS]
    for run, values in _batches(project, for_table(runs).defer(None).defer("events", "extra", "serialized"), every):
        told = {name: getattr(run, name) for name in _FIXED}
        told |= {column.id: json_value(value) for column, value in zip(every, values, strict=True)}
        told |= {"metadata": run.metadata, "error": run.error, "inputs": _raw(run.inputs), "outputs": _raw(run.outputs)}
        yield msgspec.json.encode(told) + b"\n"


def _raw(frame: bytes | memoryview | None) -> Any:
    """In one line, however the client has laid it out."""
    if frame is None:
        return None
    text = payload.unpack(frame)
    return msgspec.Raw(msgspec.json.format(text, indent=-1) if b"\n" in text or b"\r" in text else text)


def _batches(project: Project, runs: RunQuerySet, columns: Sequence[Column]) -> Iterator[tuple[Run, list[Any]]]:
    latest_first = runs.order_by("-start_time", "-id").iterator(chunk_size=BATCH)
    for some in batched(latest_first, BATCH):
        found = loaded(project, some, columns)
        for run in some:
            yield run, values_of(run, run.pk, columns, found)
