"""One run as the pane beside a tree shows it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.utils.safestring import SafeString

from apps.runs.attachments import Attachment
from apps.runs.events import Event, events_of
from apps.runs.find_in import marked, pattern_of
from apps.runs.jsontree import Whole, tree
from apps.runs.messages import TURN_LIMIT, Content, inputs_of, new_inputs_of, outputs_of
from apps.runs.models import Run, RunType, Status
from apps.runs.payloads import RUN_BYTES, Payload, read
from apps.runs.place import Place
from apps.runs.places import read as read_path
from apps.runs.tree import pending_for
from apps.runs.yaml_view import MAX_CHARACTERS, to_yaml

RAW_FIELDS = ("inputs", "outputs", "events", "extra", "serialized")
LOAD_BYTES = 64 * 1024 * 1024
"""Of a field that is shown because somebody asked for it although it is large."""


@dataclass(frozen=True)
class Field:
    """Inputs or outputs: as messages where there are any, as JSON or as YAML."""

    name: str
    payload: Payload
    content: Content
    place: Place

    @property
    def empty(self) -> bool:
        return not self.payload.size

    @property
    def rest(self) -> SafeString | None:
        return tree(self.content.rest) if self.content.messages and self.content.rest else None

    @property
    def form(self) -> str:
        """A field without messages, or too large for them, has nothing to render: its JSON reads best."""
        return self.place.form if self.place.form != "rendered" or self.content.messages else "json"

    def json(self, run_url: str) -> SafeString:
        steps = read_path(self.place.asked.get("path", ""))
        at = steps[1:] if steps[:1] == (self.name,) else None
        whole = Whole(f"{run_url}/{self.name}.json", self.name)
        return tree(self.payload.value, at or None, pattern_of(self.place.find), whole)

    @property
    def yaml(self) -> SafeString:
        return marked(self._yaml[0], pattern_of(self.place.find))

    @property
    def yaml_cut(self) -> int:
        """Characters that are shown of a longer text, or 0."""
        return MAX_CHARACTERS if self._yaml[1] else 0

    @cached_property
    def _yaml(self) -> tuple[str, bool]:
        return to_yaml(self.payload.value)

    @property
    def load_url(self) -> str:
        """Where a large field is shown; empty for one that is too large for that."""
        return self.place.url(load=self.name) if self.payload.size <= LOAD_BYTES else ""


@dataclass(frozen=True)
class RunView:
    run: Run
    place: Place = field(default_factory=lambda: Place("", {}))

    @property
    def talks(self) -> bool:
        """Whether it is a user who asks and an assistant who answers, as far as nothing else is said."""
        return self.run.run_type == RunType.LLM or self.run.is_root

    @cached_property
    def inputs(self) -> Field:
        payload = self._payload("inputs")
        content = inputs_of(self._rendered(payload), speaker="user" if self.talks else "input")
        return Field("inputs", payload, content, self.place)

    @cached_property
    def outputs(self) -> Field:
        payload = self._payload("outputs")
        content = outputs_of(self._rendered(payload), speaker="assistant" if self.talks else "output")
        return Field("outputs", payload, content, self.place)

    def _payload(self, name: str) -> Payload:
        return read(getattr(self.run, name), LOAD_BYTES if self.place.asked.get("load") == name else RUN_BYTES)

    def _rendered(self, payload: Payload) -> Any:
        """What is read as messages: nothing where JSON or YAML is shown, or where it would be too much."""
        return payload.value if self.place.form == "rendered" and payload.size <= RUN_BYTES else None

    @property
    def fields(self) -> list[Field]:
        return [self.inputs, self.outputs]

    @cached_property
    def metadata(self) -> SafeString | None:
        return tree(self.run.metadata, None, pattern_of(self.place.find)) if self.run.metadata else None

    @cached_property
    def events(self) -> list[Event]:
        return events_of(read(self.run.events, RUN_BYTES).value, self.run.start_time)

    @cached_property
    def details(self) -> list[tuple[str, SafeString]]:
        """Folded blocks of JSON below the conversation."""
        found = (
            ("Tokens and cost by kind", self.run.usage_details),
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
