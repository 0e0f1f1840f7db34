"""What a configured key accepts, and how a verdict under it is completed."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from apps.accounts.models import Workspace
from apps.common.sql import Statement, columns_of
from apps.feedback.draft import Draft
from apps.feedback.models import FeedbackKey, KeyType

NOTE = "note"
CORRECTION = "correction"
MAX_KEY = 180
MAX_JSON_BYTES = 200_000
MAX_CATEGORIES = 200
_SHAPE = ("type", "min", "max", "categories", "multiple")


class BadFeedback(ValueError):
    """This feedback cannot be stored; the sentence says why."""


class BadConfig(ValueError):
    """This is no configuration of a key; the sentence says why."""


def shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """The columns of a FeedbackKey from a feedback_config of the API. Raises BadConfig."""
    kind = config.get("type")
    if kind not in KeyType.values:
        raise BadConfig(f"type: one of {', '.join(KeyType.values)}")
    low, high = _bound(config.get("min"), "min"), _bound(config.get("max"), "max")
    if kind != KeyType.CONTINUOUS:
        low = high = None
    if low is not None and high is not None and low >= high:
        raise BadConfig("min: must be below max")
    categories = _categories(config.get("categories")) if kind == KeyType.CATEGORICAL else None
    multiple = bool(config.get("allows_multiple_categories")) and kind == KeyType.CATEGORICAL
    return {"type": kind, "min": low, "max": high, "categories": categories, "multiple": multiple}


def _bound(value: Any, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise BadConfig(f"{name}: a number")
    return float(value)


def _categories(given: Any) -> list[dict[str, Any]]:
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_CATEGORIES:
        raise BadConfig(f"categories: between 1 and {MAX_CATEGORIES} of {{value, label}}")
    found = [_category(item) for item in given]
    for name in ("value", "label"):
        used = [item[name] for item in found if item[name] is not None]
        if len(set(used)) < len(used):
            raise BadConfig(f"categories: each {name} once")
    return found


def _category(item: Any) -> dict[str, Any]:
    value = _bound(item.get("value"), "categories: value") if isinstance(item, dict) else None
    label = item.get("label") if isinstance(item, dict) else None
    if value is None or not (
        label is None or (isinstance(label, str) and 0 < len(label) <= 100 and "\x00" not in label)
    ):
        raise BadConfig("categories: each with a number as value and a text of up to 100 characters, or null, as label")
    return {"value": value, "label": label}


def config_json(config: FeedbackKey) -> dict[str, Any]:
    """As the API calls it feedback_config."""
    return {
        "type": config.type,
        "min": config.min,
        "max": config.max,
        "categories": config.categories,
        "allows_multiple_categories": config.multiple,
    }


def same(config: FeedbackKey, shape: dict[str, Any]) -> bool:
    return all(getattr(config, name) == shape[name] for name in _SHAPE)


_CONFIGS: Final = Statement(
    FeedbackKey,
    columns_of(FeedbackKey),
    f"SELECT {', '.join(columns_of(FeedbackKey))} FROM feedback_feedbackkey WHERE workspace_id = %s AND key = ANY(%s)",
)


def configs_of(workspace: Workspace, keys: Iterable[str]) -> dict[str, FeedbackKey]:
    """By key, of those that are configured."""
    named = list(set(keys))
    return {config.key: config for config in _CONFIGS.rows(workspace.pk, named)} if named else {}


def conform(draft: Draft, config: FeedbackKey | None) -> None:
    """Complete the verdict by the key's configuration: a label gets its number and a number its label. Raises BadFeedback."""
    if config is None or draft.error:
        return
    match config.type:
        case KeyType.CONTINUOUS:
            _within(draft, config)
        case KeyType.BOOLEAN:
            _yes_or_no(draft, config)
        case KeyType.CATEGORICAL:
            _categorise(draft, config)


def _within(draft: Draft, config: FeedbackKey) -> None:
    for bound, name, wrong in ((config.min, "at least", -1), (config.max, "at most", 1)):
        if draft.score is None or bound is None:
            continue
        if (draft.score - Decimal(str(bound))) * wrong > 0:
            raise BadFeedback(f"score: {config.key} is {name} {bound:g}, not {draft.score.normalize():f}")


def _yes_or_no(draft: Draft, config: FeedbackKey) -> None:
    if draft.score is None and isinstance(draft.value, bool):
        draft.score = Decimal(draft.value)
    if draft.score is not None and draft.score not in (0, 1):
        raise BadFeedback(f"score: {config.key} is 0 or 1, not {draft.score:f}")


def _categorise(draft: Draft, config: FeedbackKey) -> None:
    categories = config.categories or []
    by_label = {item["label"]: Decimal(str(item["value"])) for item in categories if item["label"] is not None}
    by_value = {Decimal(str(item["value"])): item["label"] for item in categories}
    given = draft.value if isinstance(draft.value, list) and config.multiple else [draft.value]
    for label in given:
        if label is not None and (not isinstance(label, str) or label not in by_label):
            raise BadFeedback(
                f"value: {config.key} is one of {', '.join(by_label) or 'no label'}, not {str(label)[:80]}"
            )
    if draft.score is not None and draft.score not in by_value:
        numbers = ", ".join(f"{value.normalize():f}" for value in by_value)
        raise BadFeedback(f"score: {config.key} is one of {numbers}, not {draft.score:f}")
    if draft.score is None and isinstance(draft.value, str):
        draft.score = by_label[draft.value]
    elif draft.score is not None and draft.value is None:
        draft.value = by_value[draft.score]
