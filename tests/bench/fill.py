"""Fills a database with many conversations by COPY: a few hundred generated ones over and over, each time with other ids and times.

Needs Django. What the rows hold (payload frames, previews, tokens, the bits of `given`) is computed by the ingest's own functions.
"""

import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

import msgspec
import psycopg
from django.utils import timezone
from psycopg.types.json import Jsonb

from apps.projects.models import Project
from apps.runs.ingest import sql, store
from apps.runs.ingest.normalise import normalise, pack
from apps.runs.ingest.schema import run_decoder
from tests.bench.content import RUNS_A_TURN, TURNS, Conversations, Ids, Sent

DISTINCT = 200
"""Conversations that are generated: 3,000 runs with about 7,600 payloads."""
AT_ONCE = 40
"""Conversations whose turns lie side by side, as those of many users do."""
DAYS = 30
RUNS_A_THREAD = TURNS * RUNS_A_TURN
COLUMN = {name: index for index, name in enumerate(sql.COLUMNS)}
THREAD_MARK = b"the-thread-id"
_PAUSE = timedelta(seconds=30)


class Template(NamedTuple):
    """A run without its identity: when it starts and ends, counted from the start of its conversation, and its other columns."""

    begins: timedelta
    ends: timedelta
    metadata: bytes
    row: list[Any]


def templates(seed: int, project: Project) -> list[list[list[Template]]]:
    """conversation -> turn -> runs, the root first."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    stream = Conversations(seed, start=start, mixed=False).runs()
    found = []
    for _ in range(DISTINCT):
        runs = list(islice(stream, RUNS_A_THREAD))
        first = datetime.fromisoformat(runs[0].head["start_time"])
        made = [_template(run, first, project) for run in runs]
        found.append([made[at : at + RUNS_A_TURN] for at in range(0, RUNS_A_THREAD, RUNS_A_TURN)])
    return found


def _template(run: Sent, first: datetime, project: Project) -> Template:
    change = normalise(run_decoder.decode(msgspec.json.encode(run.head | run.fields)), patch=False, now=timezone.now())
    pack([change])
    assert change.start_time
    assert change.end_time
    assert change.metadata
    metadata = msgspec.json.encode(change.metadata | {"session_id": THREAD_MARK.decode()})
    change.project_id = project.pk
    return Template(change.start_time - first, change.end_time - first, metadata, store._row(change, project))


class Fill:
    """Adds conversations to one project; the later, the more recent."""

    def __init__(self, project: Project, seed: int, most: int) -> None:
        """`most`: the runs that will be there in the end, spread over DAYS."""
        self.pool = templates(seed, project)
        self.rng = random.Random(seed)
        self.ids = Ids(self.rng, 7)
        self.step = timedelta(days=DAYS) / (most / RUNS_A_THREAD)
        self.start = timezone.now() - timedelta(days=DAYS)
        self.threads: list[str] = []

    def grow_to(self, runs: int) -> None:
        with store.raw_cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(sql.COPY_TYPES)
            while len(self.threads) * RUNS_A_THREAD < runs:
                for row in self._block(min(AT_ONCE, -(-runs // RUNS_A_THREAD) - len(self.threads))):
                    copy.write_row(row)

    def long_thread(self, turns: int) -> str:
        """A thread of its own with so many turns, half a minute apart, the last of them now."""
        thread = f"{self.rng.getrandbits(128):032x}"
        start = timezone.now() - turns * _PAUSE
        with store.raw_cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.set_types(sql.COPY_TYPES)
            for turn in range(turns):
                runs = self.rng.choice(self.pool)[turn % TURNS]
                for row in self._turn(thread, start + turn * _PAUSE - runs[0].begins, runs):
                    copy.write_row(row)
        return thread

    def _block(self, threads: int) -> Iterator[list[Any]]:
        block = []
        for _ in range(threads):
            block.append((f"{self.rng.getrandbits(128):032x}", self.start, self.rng.choice(self.pool)))
            self.start += self.step
        self.threads += [thread for thread, _, _ in block]
        for turn in range(TURNS):
            for thread, start, turns in block:
                yield from self._turn(thread, start, turns[turn])

    def _turn(self, thread: str, start: datetime, runs: list[Template]) -> Iterator[list[Any]]:
        trace = parent = None
        path = ""
        for run in runs:
            begins, ends = start + run.begins, start + run.ends
            own = self.ids.new(begins)
            segment = f"{begins:%Y%m%dT%H%M%S%f}Z{own}"
            trace = trace or own
            yield self._row(run, thread, trace, parent, own, f"{path}{segment}", begins, ends)
            parent, path = trace, path or f"{segment}."

    @staticmethod
    def _row(
        run: Template,
        thread: str,
        trace: uuid.UUID,
        parent: uuid.UUID | None,
        own: uuid.UUID,
        dotted_order: str,
        begins: datetime,
        ends: datetime,
    ) -> list[Any]:
        row = run.row.copy()
        metadata = Jsonb(run.metadata.replace(THREAD_MARK, thread.encode()), _as_it_is)
        for column, value in zip(
            _IDENTITY, (begins, ends, ends, trace, own, parent, dotted_order, metadata), strict=True
        ):
            row[column] = value
        return row


_COPY = f"COPY runs_run ({', '.join(sql.COLUMNS)}) FROM STDIN (FORMAT BINARY)"
_IDENTITY = [
    COLUMN[name]
    for name in ("start_time", "end_time", "received_at", "trace_id", "id", "parent_run_id", "dotted_order", "metadata")
]


def _as_it_is(text: bytes) -> bytes:
    return text


def settle(connection: "psycopg.Connection[Any]") -> None:
    """What autovacuum would do, so that it does not in the middle of a measurement."""
    for table in ("runs_run", "runs_trace", "threads_thread", "projects_projecttally"):
        connection.execute(f"VACUUM (ANALYZE) {table}")
    connection.execute("CHECKPOINT")
