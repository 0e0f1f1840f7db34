"""The turns of a thread as its overview shows them: what was asked, what was done, what was answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from uuid import UUID

from apps.runs.attachments import Attachment
from apps.runs.messages import TURN_LIMIT, Content, new_inputs_of, new_outputs_of
from apps.runs.models import Run, RunType, Status, Trace
from apps.runs.parts import Message, Part
from apps.runs.payloads import TURN_BYTES, Payload, read
from apps.runs.preview import call_line
from apps.runs.shapes import Json
from apps.runs.tree import pending_for
from apps.threads.hide import NOTHING, Hide
from apps.threads.models import IDLE
from apps.threads.view_paths import Paths, content_of

MAX_STEPS = 20
MOST_STEPS = 900
"""Steps and model calls read for one window."""
MAX_ATTACHMENTS = 300


@dataclass(frozen=True)
class Step:
    """A tool or retriever run between question and answer."""

    run: Run
    hide: Hide = NOTHING

    @property
    def name(self) -> str:
        return self.hide.text(self.run.name)

    @property
    def line(self) -> str:
        """The arguments, as far as one line holds them."""
        return call_line("", self.hide.payload(read(self.run.inputs, TURN_BYTES)).value, 120)[1:-1]

    @property
    def latency(self) -> timedelta | None:
        return self.run.end_time - self.run.start_time if self.run.end_time else None


@dataclass(frozen=True)
class Turn:
    number: int
    trace: Trace
    root: Run | None
    """None while only children have arrived."""
    steps: list[Step] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    """That its model calls name, each once."""
    steps_left_out: bool = False
    """Whether an earlier turn of the window took so many steps that those of this one were not read."""
    pause: timedelta | None = None
    """Since the turn before, where it is long enough to be told."""
    attachments: list[Attachment] = field(default_factory=list)
    """Of any run of the trace."""
    paths: Paths | None = None
    """What the project shows of its turns, where that was configured."""
    hide: Hide = NOTHING

    @cached_property
    def asked(self) -> Payload:
        return self.hide.payload(read(self.root.inputs if self.root else None, TURN_BYTES))

    @cached_property
    def answered(self) -> Payload:
        return self.hide.payload(read(self.root.outputs if self.root else None, TURN_BYTES))

    @cached_property
    def input(self) -> Content:
        if configured := self._configured("inputs", self.asked.value):
            return configured
        return self.hide.content(new_inputs_of(self.asked.value, TURN_LIMIT))

    @cached_property
    def output(self) -> Content:
        """The calls are left out where the tool runs themselves are shown."""
        if configured := self._configured("outputs", self.answered.value):
            return configured
        content = self.hide.content(new_outputs_of(self.answered.value, TURN_LIMIT))
        if not self.steps:
            return content
        messages = [Message(message.role, spoken(message.parts), message.name) for message in content.messages]
        return Content([message for message in messages if message.parts], content.rest, content.earlier)

    def _configured(self, side: str, value: Json) -> Content | None:
        """None where nothing was configured, or the paths lead to nothing here."""
        found = self.paths.find(side, self.trace.name, value) if self.paths else []
        return self.hide.content(content_of(side, found)) if found else None

    @property
    def name(self) -> str:
        return self.hide.text(self.trace.name or "")

    @property
    def error(self) -> str:
        return self.hide.text((self.root and self.root.error) or "")

    @property
    def shown_steps(self) -> list[Step]:
        return self.steps[:MAX_STEPS]

    @property
    def hidden_steps(self) -> int:
        return max(0, len(self.steps) - MAX_STEPS)

    @property
    def latency(self) -> timedelta | None:
        return self.trace.end_time - self.trace.start_time if self.trace.end_time and self.trace.start_time else None

    @property
    def failed(self) -> bool:
        return self.trace.status == Status.ERROR

    @property
    def pending_for(self) -> timedelta | None:
        return pending_for(self.root) if self.root else None


def spoken(parts: list[Part]) -> list[Part]:
    """Without calls and results, where the tool runs themselves are shown."""
    return [part for part in parts if part.kind not in ("call", "result")]


def read_turns(
    traces: Sequence[Trace],
    roots: Mapping[UUID, Run],
    steps: Sequence[Run],
    before: Trace | None,
    first: int,
    paths: Paths | None = None,
    hide: Hide = NOTHING,
) -> list[Turn]:
    """`before` is the turn before the first of `traces`, whose number is `first`. Of the steps at most MOST_STEPS are given."""
    attachments = Attachment.objects.by_trace((trace.trace_id for trace in traces), MAX_ATTACHMENTS)
    runs_of: dict[UUID, list[Run]] = {}
    for run in [*roots.values(), *steps]:
        runs_of.setdefault(run.trace_id, []).append(run)
    cut = len(steps) >= MOST_STEPS and steps[-1].dotted_order
    earlier = [before, *traces]
    return [
        Turn(
            number=first + index,
            trace=trace,
            root=(root := roots.get(trace.trace_id)),
            steps=[
                Step(run, hide)
                for run in runs_of.get(trace.trace_id, [])
                if run is not root and run.run_type != RunType.LLM
            ],
            models=list(dict.fromkeys(run.model for run in runs_of.get(trace.trace_id, []) if run.model)),
            steps_left_out=bool(cut and root and root.dotted_order > cut),
            pause=_pause(earlier[index], trace),
            # Those of other runs are what tools answered.
            attachments=[
                each for each in attachments.get(trace.trace_id, []) if not hide or (root and each.run_id == root.id)
            ],
            paths=paths,
            hide=hide,
        )
        for index, trace in enumerate(traces)
    ]


def _pause(before: Trace | None, trace: Trace) -> timedelta | None:
    if before is None or before.last_activity is None or trace.start_time is None:
        return None
    pause = trace.start_time - before.last_activity
    return pause if pause >= IDLE else None
