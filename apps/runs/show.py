"""One run as the pane beside a tree shows it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.utils.safestring import SafeString

from apps.runs.attachments import Attachment
from apps.runs.jsontree import tree
from apps.runs.messages import TURN_LIMIT, Content, inputs_of, new_inputs_of, outputs_of
from apps.runs.models import Run, RunType, Status
from apps.runs.payloads import RUN_BYTES, Payload, read
from apps.runs.tree import pending_for

RAW_FIELDS = ("inputs", "outputs", "events", "extra", "serialized")


@dataclass(frozen=True)
class Field:
    """Inputs or outputs: as messages where there are any, always as JSON."""

    name: str
    payload: Payload
    content: Content

    @property
    def empty(self) -> bool:
        return not self.payload.size

    @property
    def rest(self) -> SafeString | None:
        return tree(self.content.rest) if self.content.messages and self.content.rest else None


@dataclass(frozen=True)
class RunView:
    run: Run

    @property
    def talks(self) -> bool:
        """Whether it is a user who asks and an assistant who answers, as far as nothing else is said."""
        return self.run.run_type == RunType.LLM or self.run.parent_run_id is None

    @cached_property
    def inputs(self) -> Field:
        payload = read(self.run.inputs, RUN_BYTES)
        return Field("inputs", payload, inputs_of(payload.value, speaker="user" if self.talks else "input"))

    @cached_property
    def outputs(self) -> Field:
        payload = read(self.run.outputs, RUN_BYTES)
        return Field("outputs", payload, outputs_of(payload.value, speaker="assistant" if self.talks else "output"))

    @property
    def fields(self) -> list[Field]:
        return [self.inputs, self.outputs]

    @cached_property
    def details(self) -> list[tuple[str, SafeString]]:
        """Folded blocks of JSON below the conversation."""
        found = (
            ("Metadata", self.run.metadata),
            ("Tokens and cost by kind", self.run.usage_details),
            ("Events", read(self.run.events, RUN_BYTES).value),
            ("Runtime and parameters", read(self.run.extra, RUN_BYTES).value),
            ("Serialized", read(self.run.serialized, RUN_BYTES).value),
        )
        return [(name, tree(value)) for name, value in found if value]

    @cached_property
    def attachments(self) -> list[Attachment]:
        return Attachment.objects.of_run(self.run)

    @property
    def raw_fields(self) -> list[str]:
        return [name for name in RAW_FIELDS if getattr(self.run, name) is not None]

    @property
    def latency(self) -> float | None:
        """Seconds."""
        return (self.run.end_time - self.run.start_time).total_seconds() if self.run.end_time else None

    @property
    def first_token(self) -> timedelta | None:
        first: datetime | None = self.run.first_token_time
        return first - self.run.start_time if first else None

    @property
    def failed(self) -> bool:
        return bool(self.run.status == Status.ERROR)

    @property
    def pending_for(self) -> timedelta | None:
        return pending_for(self.run)


def history(run: Run) -> Content:
    """The messages that a turn's overview hides because an earlier turn has shown them."""
    value = read(run.inputs, RUN_BYTES).value
    every, new = inputs_of(value, TURN_LIMIT).messages, new_inputs_of(value).messages
    return Content(every[: len(every) - len(new)])


def error_head(error: str) -> str:
    """The line of an error that says what went wrong: the last one of a Python traceback, else the first."""
    lines = [line.strip() for line in error[:100_000].strip().splitlines() if line.strip()]
    if not lines:
        return ""
    traceback = next((at for at, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")), -1)
    if traceback == 0:
        return lines[-1][:300]
    return lines[0][:300]
