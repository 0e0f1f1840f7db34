"""A feedback on its way to the database, whatever it came as."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils import timezone

from apps.feedback.models import Feedback, Level
from apps.runs.query.feedback import LONGEST_LABEL

MOST_LABELS: Final = 100


@dataclass
class Draft:
    """About a run (run_id), a thread (thread_id in project_id) or a project (project_id alone).

    source is {metadata, user_id, user_name} as sent; user_id is the member who gave it in the pages.
    """

    key: str
    score: Decimal | None = None
    value: Any = None
    comment: str | None = None
    correction: Any = None
    run_id: uuid.UUID | None = None
    trace_id: uuid.UUID | None = None
    thread_id: str | None = None
    project_id: uuid.UUID | None = None
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    source_type: str = "api"
    source: dict[str, Any] = field(default_factory=dict)
    user_id: int | None = None
    error: bool = False
    extra: Any = None
    group_id: uuid.UUID | None = None
    comparative_id: uuid.UUID | None = None
    first_turn: int | None = None
    last_turn: int | None = None
    created_at: datetime = field(default_factory=timezone.now)
    modified_at: datetime = field(default_factory=timezone.now)

    @property
    def level(self) -> Level:
        if self.run_id is not None:
            return Level.RUN
        return Level.PROJECT if self.thread_id is None else Level.THREAD

    @property
    def author(self) -> str | None:
        """Names the judge: the member, else metadata.judge, else user_id of the source. None where it does not say who it is."""
        if self.user_id is not None:
            return f"member {self.user_id}"
        metadata = self.source.get("metadata")
        judge = metadata.get("judge") if isinstance(metadata, dict) else None
        named = judge if isinstance(judge, str) and judge else self.source.get("user_id")
        # The colon keeps a program from passing for a member.
        return f"{self.source_type}: {named}"[:300] if named else None

    @classmethod
    def of(cls, stored: Feedback) -> "Draft":
        names = (name for name in cls.__dataclass_fields__ if name not in ("project_id", "source", "user_id"))
        values = {name: getattr(stored, name) for name in names}
        return cls(**values, project_id=stored.project_id, source=dict(stored.source or {}), user_id=stored.user_id)


def labels_of(value: Any) -> list[str]:
    """What is counted of a value: a text, number or truth value, or each of a list. Long texts are no labels."""
    items = value if isinstance(value, list) else [value]
    found = (text for item in items[:MOST_LABELS] if (text := _label(item)))
    return list(dict.fromkeys(found))


def _label(item: Any) -> str | None:
    match item:
        case bool():
            return "true" if item else "false"
        case int() | float():
            return f"{Decimal(str(item)).normalize():f}"
        case str() if 0 < len(item) <= LONGEST_LABEL:
            return item
    return None
