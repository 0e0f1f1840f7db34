"""A thread read from its first turn to its last for a file, a few turns in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Final
from uuid import UUID

from django.db.models import FETCH_RAISE

from apps.projects.models import Project
from apps.runs.attachments import Attachment
from apps.runs.messages import Content, inputs_of, new_inputs_of, new_outputs_of
from apps.runs.models import Run, RunType, Trace
from apps.runs.parts import Data, Message, Text
from apps.runs.payloads import Payload, read
from apps.runs.query.compile import IS_ROOT
from apps.runs.shapes import Json
from apps.threads.hide import Hide
from apps.threads.models import Thread
from apps.threads.thread_page import turns_of
from apps.threads.turns import spoken
from apps.threads.view_paths import Paths, ThreadView, content_of

BATCH: Final = 10
"""Turns read at a time."""
MAX_PAYLOAD: Final = 32 * 1024 * 1024
"""Bytes of JSON; what is larger is told, not written."""
MAX_TEXT: Final = 4_000_000
MAX_STEPS: Final = 2_000
"""Tool and retriever runs of one batch."""
HIDDEN: Final = "(hidden)"


@dataclass(frozen=True)
class Step:
    """A tool or a retriever that ran between question and answer."""

    run: Run
    args: Payload
    result: Payload
    hidden: bool

    @property
    def answer(self) -> Json:
        """The result without the field that the SDKs wrap around what a function returned."""
        value = self.result.value
        return value["output"] if type(value) is dict and set(value) == {"output"} else value

    @property
    def latency(self) -> timedelta | None:
        return self.run.end_time - self.run.start_time if self.run.end_time else None


@dataclass(frozen=True)
class Turn:
    number: int
    trace: Trace
    asked: Payload
    answered: Payload
    input: list[Message]
    output: list[Message]
    error: str = ""
    steps: list[Step] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)

    @property
    def latency(self) -> timedelta | None:
        return self.trace.end_time - self.trace.start_time if self.trace.end_time and self.trace.start_time else None

    @property
    def messages(self) -> list[Message]:
        return [*self.input, *self.output]


def turns(thread: Thread, hide: Hide) -> Iterator[Turn]:
    """As the project's paths show them; the first with its system prompt, the others without the history sent again."""
    paths = ThreadView.objects.paths_of(thread.project) or Paths()
    number = 0
    for first in range(0, thread.turns, BATCH):
        traces = list(turns_of(thread).fetch_mode(FETCH_RAISE)[first : first + BATCH])
        batch = _Batch.of(thread.project, traces).masked(hide)
        for trace in traces:
            number += 1
            turn = batch.turn(number, trace, paths, hide)
            # Only now: paths may count for a name.
            trace.name = hide.text(trace.name or "")
            yield turn


@dataclass(frozen=True)
class _Batch:
    roots: dict[UUID, Run]
    steps: list[Run]
    attachments: dict[UUID, list[Attachment]]

    @classmethod
    def of(cls, project: Project, traces: list[Trace]) -> "_Batch":
        ids = [trace.trace_id for trace in traces]
        runs = Run.objects.in_project(project).fetch_mode(FETCH_RAISE)
        roots = {run.trace_id: run for run in runs.roots_of(ids).for_tree("inputs", "outputs")}
        kinds = (RunType.TOOL, RunType.RETRIEVER)
        steps = runs.in_traces(ids).filter(~IS_ROOT, run_type__in=kinds)
        return cls(
            roots,
            list(steps.for_tree("inputs", "outputs")[:MAX_STEPS]),
            Attachment.objects.by_trace(ids, MAX_STEPS),
        )

    def masked(self, hide: Hide) -> "_Batch":
        """The names and errors too, as they stand in the file; nothing of it is saved."""
        for run in (*self.roots.values(), *self.steps):
            run.name, run.error = hide.text(run.name), None if run.error is None else hide.text(run.error)
        for attachment in chain.from_iterable(self.attachments.values()):
            attachment.name = hide.text(attachment.name)
        return self

    def turn(self, number: int, trace: Trace, paths: Paths, hide: Hide) -> Turn:
        root = self.roots.get(trace.trace_id)
        asked, answered = (
            hide.payload(read(frame, MAX_PAYLOAD)) for frame in ((root.inputs, root.outputs) if root else (None, None))
        )
        steps = [
            Step(
                run,
                hide.payload(read(run.inputs, MAX_PAYLOAD)),
                hide.payload(read(run.outputs, MAX_PAYLOAD)),
                hide.tools,
            )
            for run in self.steps
            if run.trace_id == trace.trace_id
        ]
        before = inputs_of if number == 1 else new_inputs_of
        input_ = _configured(paths, "inputs", trace, asked.value) or before(asked.value, MAX_TEXT)
        output = _configured(paths, "outputs", trace, answered.value) or new_outputs_of(answered.value, MAX_TEXT)
        return Turn(
            number=number,
            trace=trace,
            asked=asked,
            answered=answered,
            input=_shown(_messages(input_, asked, "user"), hide),
            output=_shown(_messages(output, answered, "assistant"), hide, bool(steps)),
            error=(root.error or "") if root else hide.text(trace.error or ""),
            steps=steps,
            attachments=self.attachments.get(trace.trace_id, []),
        )


def _configured(paths: Paths, side: str, trace: Trace, value: Json) -> Content | None:
    found = paths.find(side, trace.name, value)
    return content_of(side, found, MAX_TEXT) if found else None


def _messages(content: Content, payload: Payload, speaker: str) -> list[Message]:
    if payload.skipped:
        return [Message(speaker, [Text(f"({payload.size:,} bytes, too large for a file)")])]
    if content.messages or payload.value is None:
        return content.messages
    return [Message(speaker, [Data(payload.value)])]


def _shown(messages: list[Message], hide: Hide, steps: bool = False) -> list[Message]:
    """Without what is hidden; calls and results are left out where the steps tell them."""
    if steps:
        messages = [Message(message.role, spoken(message.parts), message.name) for message in messages]
    return hide.messages(messages)
