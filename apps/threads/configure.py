"""Setting what a project shows of its turns: the form's rows, what they would show of the latest threads, and saving them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import FETCH_RAISE, Case, F, Func, IntegerField, When
from django.db.models.lookups import LessThanOrEqual
from django.http import QueryDict

from apps.accounts.models import User
from apps.accounts.services import record
from apps.projects.models import Project
from apps.runs.models import Run
from apps.runs.payloads import read
from apps.threads.models import Thread
from apps.threads.paths import SIDES, PathError, parse
from apps.threads.view_paths import MAX_FIELDS, MAX_LABEL, MAX_RUN, Paths, ThreadView, line_of

LATEST: Final = 20
"""Threads that the preview covers."""
MAX_FRAME: Final = 64 * 1024
MAX_VALUE: Final = 256 * 1024
"""Bytes of a payload, compressed and not, past which it is not read for one line; there what the ingest found stays."""


@dataclass(frozen=True)
class Row:
    """One path as the form has it, sound or not."""

    side: str
    number: int
    path: str = ""
    label: str = ""
    run: str = ""
    also: bool = False

    @property
    def id(self) -> str:
        return f"{self.side}-{self.number}"

    @property
    def problem(self) -> PathError | None:
        if not self.path:
            return None
        try:
            parse(self.path, self.side)
        except PathError as error:
            return error
        return None

    @property
    def marked(self) -> tuple[str, str, str]:
        """The path before the place of its problem, the character there, and the path after it."""
        at = self.problem.position if self.problem else 0
        return self.path[:at], self.path[at : at + 1], self.path[at + 1 :]

    @property
    def stored(self) -> dict[str, Any]:
        return {"path": self.path, "label": self.label, "run": self.run, "also": self.also}


@dataclass(frozen=True)
class Draft:
    """The rows of the form as it was sent, empty ones too."""

    inputs: list[Row]
    outputs: list[Row]

    @classmethod
    def of(cls, data: QueryDict) -> "Draft":
        """From the form, with what its buttons `pick` and `drop` add and take away."""
        draft = cls(*(_rows(data, side) for side in SIDES))
        side, _, path = data.get("pick", "").partition(" ")
        if side in SIDES and path:
            rows: list[Row] = getattr(draft, side)
            empty = next((row.number for row in rows if not row.path), len(rows))
            rows[empty : empty + 1] = [Row(side, empty, path)]
        dropped = data.get("drop", "")
        return cls(*([row for row in getattr(draft, side) if row.id != dropped] for side in SIDES))

    @classmethod
    def saved(cls, project: Project) -> "Draft":
        view = ThreadView.objects.of(project).first()
        return cls(*([Row(side, at, **row) for at, row in enumerate(getattr(view, side, []))] for side in SIDES))

    def filled(self, side: str) -> list[Row]:
        """Those with a path, counted anew. The first stands with no other."""
        rows = [row for row in getattr(self, side) if row.path][:MAX_FIELDS]
        return [replace(row, number=at, also=row.also and at > 0) for at, row in enumerate(rows)]

    @property
    def rows(self) -> list[Row]:
        return [*self.inputs, *self.outputs]

    @property
    def is_empty(self) -> bool:
        return not any(row.path for row in self.rows)

    @property
    def problems(self) -> bool:
        return any(row.problem for row in self.rows)

    @property
    def paths(self) -> Paths:
        """Those that can be read."""
        inputs, outputs = ([row.stored for row in self.filled(side)] for side in SIDES)
        return Paths.of(inputs, outputs)

    @property
    def sides(self) -> list[tuple[str, str, list[Row]]]:
        """For the form: each side with its name and its rows, the last of them to fill in."""
        return [
            (side, name, [*rows, Row(side, len(rows))][:MAX_FIELDS])
            for side, name, rows in (
                ("inputs", "Input", self.filled("inputs")),
                ("outputs", "Output", self.filled("outputs")),
            )
        ]


def _rows(data: QueryDict, side: str) -> list[Row]:
    columns = (data.getlist(f"{side}_{name}") for name in ("path", "label", "run", "also"))
    return [
        Row(side, at, path.strip(), label.strip()[:MAX_LABEL], run.strip()[:MAX_RUN], bool(also))
        for at, (path, label, run, also) in enumerate(islice(zip(*columns, strict=False), MAX_FIELDS))
    ]


@transaction.atomic
def save(project: Project, by: User, draft: Draft) -> None:
    """A draft without paths brings the heuristics back."""
    if draft.is_empty:
        ThreadView.objects.of(project).delete()
        record(project.workspace, by, "reset what turns show", project)
        return
    sides = {side: [row.stored for row in draft.filled(side)] for side in SIDES}
    ThreadView.objects.update_or_create(project=project, defaults={**sides, "updated_by": by})
    record(project.workspace, by, "configured what turns show", project)


@dataclass(frozen=True)
class Shown:
    """What a thread shows of one side: found by a path, else what is shown without any."""

    text: str | None
    matched: bool


@dataclass(frozen=True)
class Preview:
    threads: list[tuple[Thread, Shown, Shown]]
    names: list[str]
    """Of the root runs, for the form to offer."""
    paths: Paths

    def _count(self, at: int) -> str:
        shown = [row[at] for row in self.threads]
        there = [one for one in shown if isinstance(one, Shown) and one.text is not None]
        return f"{sum(one.matched for one in there)} of {len(there)}"

    @property
    def counts(self) -> list[tuple[str, str]]:
        """How many of those that have an input or an output at all, for each side that has a path."""
        sides = ((1, "input", self.paths.inputs), (2, "output", self.paths.outputs))
        return [(self._count(at), name) for at, name, choices in sides if choices]


def preview(project: Project, paths: Paths) -> Preview:
    """What the paths show of the latest threads."""
    threads = list(Thread.objects.in_project(project).for_table()[:LATEST])
    roots = _roots(project, threads)
    lines = _lines(roots, paths)
    rows = [
        (
            thread,
            _shown(lines.get((thread.first_trace_id, "inputs")), thread.first_input),
            _shown(lines.get((thread.last_trace_id, "outputs")), thread.last_output),
        )
        for thread in threads
    ]
    return Preview(rows, sorted({run.name for run in roots if run.name}), paths)


def _shown(line: str | None, otherwise: str | None) -> Shown:
    return Shown(line, True) if line else Shown(otherwise, False)


def configured_texts(project: Project, threads: Sequence[Thread]) -> dict[str, tuple[str | None, str | None]]:
    """First input and last output by thread id, as the project's paths have them; empty where nothing is configured.

    Read from the first and the last root of each thread: for a page of threads one query by key.
    """
    paths = ThreadView.objects.paths_of(project)
    if paths is None:
        return {}
    lines = _lines(_roots(project, threads), paths)
    return {
        thread.thread_id: (
            lines.get((thread.first_trace_id, "inputs")) or thread.first_input,
            lines.get((thread.last_trace_id, "outputs")) or thread.last_output,
        )
        for thread in threads
    }


def _roots(project: Project, threads: Sequence[Thread]) -> list[Run]:
    """Of the first and the last trace of each, with inputs and outputs where they are small."""
    ids = {trace_id for thread in threads for trace_id in (thread.first_trace_id, thread.last_trace_id) if trace_id}
    small = {
        f"small_{side}": Case(When(LessThanOrEqual(_FrameLength(side), MAX_FRAME), then=F(side))) for side in SIDES
    }
    roots = Run.objects.in_project(project).roots_of(ids).only("trace_id", "id", "name")
    return list(roots.annotate(**small).fetch_mode(FETCH_RAISE))


def _lines(roots: Sequence[Run], paths: Paths) -> dict[tuple[UUID | None, str], str | None]:
    """By trace id and side."""
    lines: dict[tuple[UUID | None, str], str | None] = {}
    for run in roots:
        for side in SIDES:
            value = read(getattr(run, f"small_{side}"), MAX_VALUE).value
            lines[run.trace_id, side] = line_of(side, paths.find(side, run.name, value))
    return lines


class _FrameLength(Func):
    """Bytes of a compressed payload, which PostgreSQL knows without fetching it."""

    function = "octet_length"
    output_field = IntegerField()
