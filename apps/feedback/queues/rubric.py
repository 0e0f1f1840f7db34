"""The rubric of a queue: what its reviewers are to say, key by key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from apps.accounts.models import Workspace
from apps.feedback.keys import MAX_KEY, configs_of
from apps.feedback.models import FeedbackKey

MOST_KEYS: Final = 50
LONGEST_TEXT: Final = 2_000
MOST_TEXTS: Final = 200


class BadRubric(ValueError):
    """The sentence says what is wrong."""


@dataclass(frozen=True)
class RubricRow:
    """texts says what each label stands for, score_texts each score. config is null for a key without a configuration."""

    key: str
    description: str = ""
    required: bool = False
    texts: dict[str, str] = field(default_factory=dict)
    score_texts: dict[str, str] = field(default_factory=dict)
    config: FeedbackKey | None = None


def rubric_from(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What is stored of rubric_items as the API has them. Raises BadRubric."""
    rows = [_row(item) for item in items]
    keys = [row["feedback_key"] for row in rows]
    if len(rows) > MOST_KEYS:
        raise BadRubric(f"rubric_items: at most {MOST_KEYS}")
    if len(set(keys)) < len(keys):
        raise BadRubric("rubric_items: each feedback_key once")
    return rows


def _row(item: Mapping[str, Any]) -> dict[str, Any]:
    key = item.get("feedback_key")
    if not isinstance(key, str) or not 0 < len(key.strip()) <= MAX_KEY:
        raise BadRubric(f"rubric_items: each with a feedback_key of up to {MAX_KEY} characters")
    return {
        "feedback_key": key.strip(),
        "description": _text(item.get("description"), "description"),
        "value_descriptions": _texts(item.get("value_descriptions"), "value_descriptions"),
        "score_descriptions": _texts(item.get("score_descriptions"), "score_descriptions"),
        "is_required": bool(item.get("is_required")),
    }


def _text(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise BadRubric(f"rubric_items: {name} is a text of up to {LONGEST_TEXT:,} characters")
    return value


def _texts(value: Any, name: str) -> list[list[str]]:
    """As a list, because jsonb does not keep the order of an object."""
    if value is None:
        return []
    if not isinstance(value, Mapping) or len(value) > MOST_TEXTS:
        raise BadRubric(f"rubric_items: {name} has up to {MOST_TEXTS} texts by name")
    return [[str(label)[:MAX_KEY], _text(text, name)] for label, text in value.items()]


def rows_of(workspace: Workspace, stored: Iterable[Mapping[str, Any]]) -> list[RubricRow]:
    """With the configurations of the keys, in the order of the rubric."""
    listed = list(stored)
    configs = configs_of(workspace, (row["feedback_key"] for row in listed))
    return [
        RubricRow(
            row["feedback_key"],
            row["description"],
            row["is_required"],
            dict(row["value_descriptions"]),
            dict(row["score_descriptions"]),
            configs.get(row["feedback_key"]),
        )
        for row in listed
    ]
