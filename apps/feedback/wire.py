"""Feedback as the API takes and shows it."""

import math
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

import msgspec
from django.utils import timezone
from ninja import Schema
from pydantic import Field

from apps.feedback.draft import Draft
from apps.feedback.keys import MAX_JSON_BYTES, MAX_KEY, BadFeedback, config_json
from apps.feedback.models import SCORE_PLACES, Feedback, FeedbackKey
from apps.projects.values import storable
from apps.projects.wire import Moment, Text

MAX_COMMENT: Final = 20_000
MAX_VALUE_BYTES: Final = 20_000
MAX_SCORE: Final = 10**15
MAX_TURN: Final = 2**31 - 1
_SMALLEST: Final = Decimal(1).scaleb(-SCORE_PLACES)


class Verdict(Schema):
    """What is said; all optional."""

    score: Any = Field(None, description="a number, or true and false for 1 and 0; six decimal places are kept")
    value: Any = Field(None, description="a label, text, number, truth value, list of these, or an object")
    comment: Text | None = None
    correction: Any = Field(None, description="what should have been answered: a text or an object")


class GivenFeedback(Verdict):
    """About a run (run_id), a thread (thread_id and session_id) or a project (session_id alone)."""

    id: uuid.UUID | None = Field(None, description="one that is there already is replaced")
    key: Text = Field("unnamed", description=f"at most {MAX_KEY} characters")
    run_id: uuid.UUID | None = Field(None, description="the run need not have arrived")
    trace_id: uuid.UUID | None = Field(None, description="of the run; stands for its root where run_id is left out")
    session_id: uuid.UUID | None = Field(None, description="the project")
    thread_id: Text | None = Field(None, description="the feedback is about this thread of the project as a whole")
    feedback_source: dict[str, Any] | None = Field(
        None, description="type (api, model, app), metadata (its judge names the judge), user_id, user_name"
    )
    feedback_config: dict[str, Any] | None = Field(None, description="configures the key if it has no configuration")
    feedbackConfig: dict[str, Any] | None = Field(None, description="the same, as the TypeScript SDK spells it")
    first_turn: int | None = Field(None, description="the first turn of the thread that the judge saw, counted from 1")
    last_turn: int | None = Field(None, description="the last one")
    error: bool | None = Field(None, description="the judge failed")
    extra: dict[str, Any] | None = Field(
        None, description="kept as it is; its thread_id and turn_range ([first, last]) count as those of the body"
    )
    feedback_group_id: uuid.UUID | None = None
    comparative_experiment_id: uuid.UUID | None = None
    created_at: Moment | None = None
    modified_at: Moment | None = None


def drafted(given: GivenFeedback) -> Draft:
    """Raises BadFeedback."""
    key = given.key.strip()
    if not 0 < len(key) <= MAX_KEY:
        raise BadFeedback(f"key: between 1 and {MAX_KEY} characters")
    extra = _json(given.extra, "extra")
    source = given.feedback_source or {}
    created = given.created_at or timezone.now()
    run_id = given.run_id or given.trace_id
    first, last = _turns(given)
    return Draft(
        key=key,
        **verdict(given),
        id=given.id or uuid.uuid4(),
        run_id=run_id,
        trace_id=given.trace_id,
        thread_id=None if run_id else _thread_id(given),
        project_id=given.session_id,
        source_type=_short(source.get("type")) or "api",
        source=_source(source),
        error=bool(given.error),
        extra=extra,
        group_id=given.feedback_group_id,
        comparative_id=given.comparative_experiment_id,
        first_turn=first,
        last_turn=last,
        created_at=created,
        modified_at=given.modified_at or created,
    )


def verdict(given: Verdict) -> dict[str, Any]:
    """score, value, comment and correction as a Draft has them. Raises BadFeedback."""
    if given.comment is not None and len(given.comment) > MAX_COMMENT:
        raise BadFeedback(f"comment: at most {MAX_COMMENT:,} characters")
    return {
        "score": score_of(given.score),
        "value": _json(given.value, "value", MAX_VALUE_BYTES),
        "comment": given.comment or None,
        "correction": _json(given.correction, "correction"),
    }


def score_of(given: Any) -> Decimal | None:
    """Rounded to six places. Raises BadFeedback."""
    if given is None or given == "":
        return None
    try:
        number = float(given) if isinstance(given, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not abs(number) < MAX_SCORE:
        raise BadFeedback(f"score: {str(given)[:40]!r} is not a number below {MAX_SCORE:,}")
    return Decimal(str(number)).quantize(_SMALLEST) + 0


def _json(value: Any, name: str, most: int = MAX_JSON_BYTES) -> Any:
    if value is None:
        return None
    if not storable(value):
        raise BadFeedback(f"{name}: nests too deep, or holds what cannot be stored")
    try:
        size = len(msgspec.json.encode(value))
    except (TypeError, ValueError, UnicodeError, OverflowError):
        raise BadFeedback(f"{name}: not JSON") from None
    if size > most:
        raise BadFeedback(f"{name}: at most {most:,} bytes of JSON, not {size:,}")
    return value


def _source(source: Mapping[str, Any]) -> dict[str, Any]:
    metadata = _json(source.get("metadata"), "feedback_source.metadata")
    found = {
        "metadata": metadata,
        "user_id": _short(source.get("user_id")),
        "user_name": _short(source.get("user_name")),
    }
    return {name: value for name, value in found.items() if value}


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else "" if value is None else str(value)
    return text.replace("\x00", "")[:200].encode(errors="replace").decode()


def _thread_id(given: GivenFeedback) -> str | None:
    told = given.thread_id or (given.extra or {}).get("thread_id")
    if not told:
        return None
    if given.session_id is None:
        raise BadFeedback("session_id: a thread needs its project")
    return _json(told, "thread_id") if isinstance(told, str) else str(told)


def _turns(given: GivenFeedback) -> tuple[int | None, int | None]:
    turns = [given.first_turn, given.last_turn]
    told = (given.extra or {}).get("turn_range")
    if turns == [None, None] and isinstance(told, list) and len(told) == 2:
        turns = told
    for turn in turns:
        if turn is not None and (isinstance(turn, bool) or not isinstance(turn, int) or not 1 <= turn <= MAX_TURN):
            raise BadFeedback("first_turn, last_turn: numbers of turns, counted from 1")
    first, last = turns
    if first is not None and last is not None and first > last:
        raise BadFeedback("first_turn: not after last_turn")
    return first, last


def feedback_json(feedback: Feedback) -> dict[str, Any]:
    """With its user loaded."""
    source = feedback.source or {}
    user = feedback.user if feedback.user_id is not None else None
    return {
        "id": feedback.id,
        "created_at": zulu(feedback.created_at),
        "modified_at": zulu(feedback.modified_at),
        "run_id": feedback.run_id,
        "trace_id": feedback.trace_id,
        "session_id": feedback.project_id,
        "thread_id": feedback.thread_id,
        "level": feedback.level,
        "key": feedback.key,
        "score": number(feedback.score),
        "value": feedback.value,
        "comment": feedback.comment,
        "correction": feedback.correction,
        "feedback_source": {
            "type": feedback.source_type,
            "metadata": source.get("metadata") or {},
            "user_id": str(user.pk) if user else source.get("user_id"),
            "user_name": str(user) if user else source.get("user_name"),
        },
        "error": feedback.error,
        "extra": feedback.extra,
        "feedback_group_id": feedback.group_id,
        "comparative_experiment_id": feedback.comparative_id,
        "first_turn": feedback.first_turn,
        "last_turn": feedback.last_turn,
        "is_current": feedback.current,
        "start_time": None,
    }


def named_config_json(config: FeedbackKey) -> dict[str, Any]:
    """The configuration of a key with the key and the workspace it is for."""
    return {
        "id": config.pk,
        "feedback_key": config.key,
        "feedback_config": config_json(config),
        "tenant_id": config.workspace_id,
        "modified_at": zulu(config.modified_at),
        "is_lower_score_better": config.is_lower_score_better,
    }


def number(score: Decimal | None) -> int | float | None:
    if score is None:
        return None
    return int(score) if score == score.to_integral_value() else float(score)


def zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
