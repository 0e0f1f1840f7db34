"""What a project shows of its turns: paths into the inputs and outputs of a run, tried in order."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from django.db import models

from apps.accounts.models import User
from apps.common.sql import Written
from apps.projects.models import Project
from apps.runs import shapes
from apps.runs.messages import TURN_LIMIT, Content, inputs_of, outputs_of, text
from apps.runs.parts import Data, Message
from apps.runs.preview import LIMIT, compact, one_line, preview_inputs, preview_outputs
from apps.runs.shapes import Json
from apps.threads.paths import Path, PathError, parse

MAX_FIELDS: Final = 20
MAX_LABEL: Final = 60
MAX_RUN: Final = 200


@dataclass(frozen=True)
class Field:
    path: Path
    label: str = ""


@dataclass(frozen=True)
class Choice:
    """Fields shown together, for the runs of that name; without a name for any."""

    fields: tuple[Field, ...]
    run: str = ""

    def found(self, value: Json) -> "list[Found]":
        found = (Found(field.label, field.path.find(value)) for field in self.fields)
        return [one for one in found if one.value is not None]


@dataclass(frozen=True)
class Found:
    label: str
    value: Json


@dataclass(frozen=True)
class Paths:
    inputs: tuple[Choice, ...] = ()
    outputs: tuple[Choice, ...] = ()

    @classmethod
    def of(cls, inputs: Iterable[dict[str, Any]], outputs: Iterable[dict[str, Any]]) -> Self:
        """From rows as they are stored: path, label, run, and `also` for one that is shown together with the row before."""
        return cls(_choices(inputs, "inputs"), _choices(outputs, "outputs"))

    def find(self, side: str, run: str, value: Json) -> list[Found]:
        """What the first choice that finds anything finds; empty where none does."""
        choices: tuple[Choice, ...] = getattr(self, side)
        found = (choice.found(value) for choice in choices if not choice.run or choice.run == run)
        return next((one for one in found if one), [])


def content_of(side: str, found: Sequence[Found], limit: int = TURN_LIMIT) -> Content:
    """What was found as messages, each under its label. Values that are messages stay messages."""
    return Content([message for one in found for message in _messages(side, one, limit)])


def line_of(side: str, found: Sequence[Found]) -> str | None:
    """What was found, in one line of at most LIMIT characters."""
    read = preview_inputs if side == "inputs" else preview_outputs
    lines = (read(_joined(one.value)) for one in found)
    return one_line(" · ".join(line for line in lines if line), LIMIT)


def _choices(rows: Iterable[dict[str, Any]], side: str) -> tuple[Choice, ...]:
    choices: list[Choice] = []
    for row in rows:
        try:
            field = Field(parse(row["path"], side), row.get("label", ""))
        except PathError:  # it could be read when it was saved, by another version
            continue
        if row.get("also") and choices:
            choices[-1] = Choice((*choices[-1].fields, field), choices[-1].run)
        else:
            choices.append(Choice((field,), row.get("run", "")))
    return tuple(choices)


def _messages(side: str, one: Found, limit: int) -> list[Message]:
    value, speaker = _joined(one.value), "user" if side == "inputs" else "assistant"
    if type(value) is str:
        return [Message(speaker, [text(value, limit)], one.label)]
    if type(value) in (int, float, bool):
        return [Message(speaker, [text(compact(value, limit), limit)], one.label)]
    content = (inputs_of if side == "inputs" else outputs_of)(value, limit)
    spoken = shapes.messages_of(value) or shapes.message(value)
    if not content.messages or (content.rest and not spoken):
        return [Message(speaker, [Data(value)], one.label)]
    return [Message(message.role, message.parts, one.label or message.name) for message in content.messages]


def _joined(value: Json) -> Json:
    """Texts that a wildcard found, one below the other."""
    if type(value) is list and value and all(type(item) is str for item in value):
        return "\n\n".join(value)
    return value


class ThreadViewQuerySet(models.QuerySet["ThreadView"]):
    def of(self, project: Project) -> Self:
        return self.filter(project=project)

    def paths_of(self, project: Project) -> Paths | None:
        """None where nothing was configured."""
        rows = _PATHS.rows(project.pk)
        return Paths.of(*rows[0]) if rows else None


class ThreadView(models.Model):
    """There is one where somebody has configured the project; without it heuristics find what was said."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, primary_key=True, related_name="thread_view")
    inputs = models.JSONField(default=list)
    outputs = models.JSONField(default=list)
    updated_at = models.DateTimeField(auto_now=True)
    updated_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = ThreadViewQuerySet.as_manager()

    def __str__(self) -> str:
        return f"What {self.project} shows of its turns"


_PATHS = Written(lambda project: ThreadView.objects.of(Project(project)).values_list("inputs", "outputs"), uuid.uuid4())
