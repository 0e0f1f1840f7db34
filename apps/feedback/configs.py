"""Changes of the configurations of feedback keys."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import User, Workspace
from apps.accounts.services import record
from apps.feedback.keys import MAX_KEY, BadConfig, config_json, same, shape_of
from apps.feedback.models import FeedbackKey, KeyType

FEWEST_CATEGORIES: Final = 2
"""That may remain when some are taken out."""


class Differs(ValueError):
    """The key has another configuration."""


def configure(
    workspace: Workspace,
    key: str,
    config: dict[str, Any],
    *,
    lower_is_better: bool | None = None,
    by: User | None = None,
) -> tuple[FeedbackKey, bool]:
    """The key's configuration, made from this one if it has none, and whether it was made. Raises BadConfig."""
    if not 0 < len(key) <= MAX_KEY:
        raise BadConfig(f"feedback_key: between 1 and {MAX_KEY} characters")
    shape = shape_of(config)
    with transaction.atomic():
        found, made = FeedbackKey.objects.get_or_create(
            workspace=workspace, key=key, defaults={**shape, "is_lower_score_better": bool(lower_is_better)}
        )
        if made:
            record(workspace, by, "configured feedback", key)
    return found, made


def create(
    workspace: Workspace, key: str, config: dict[str, Any], lower_is_better: bool | None, by: User | None
) -> FeedbackKey:
    """Raises BadConfig, or Differs where the key is configured otherwise."""
    found, made = configure(workspace, key, config, lower_is_better=lower_is_better, by=by)
    if not made and not (same(found, shape_of(config)) and lower_is_better in (None, found.is_lower_score_better)):
        raise Differs(f"{key} has another configuration; change it with PATCH.")
    return found


@transaction.atomic
def change(
    config: FeedbackKey, shape: dict[str, Any] | None, lower_is_better: bool | None, by: User | None
) -> FeedbackKey:
    """What was given before stays as it is. Raises BadConfig."""
    for name, value in (shape_of(shape) if shape else {}).items():
        setattr(config, name, value)
    if lower_is_better is not None:
        config.is_lower_score_better = lower_is_better
    config.save()
    record(config.workspace, by, "changed the configuration of feedback", config.key)
    return config


def with_categories(config: FeedbackKey, add: Sequence[Any], remove: Collection[float]) -> dict[str, Any]:
    """The configuration with these categories more and without those of these values, as the API has it. Raises BadConfig."""
    if config.type != KeyType.CATEGORICAL:
        raise BadConfig(f"type: {config.key} has no categories")
    kept = [item for item in config.categories or [] if item["value"] not in remove]
    if remove and len(kept) + len(add) < FEWEST_CATEGORIES:
        raise BadConfig(f"categories: at least {FEWEST_CATEGORIES} must remain")
    return config_json(config) | {"categories": [*kept, *add]}


@transaction.atomic
def delete(config: FeedbackKey, by: User | None) -> None:
    """The feedback under the key stays."""
    record(config.workspace, by, "deleted the configuration of feedback", config.key)
    config.delete()
