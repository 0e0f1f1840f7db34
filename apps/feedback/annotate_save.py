"""A verdict from the panel's form to the store, and back again."""

from collections.abc import Mapping
from typing import Any, Final

import pydantic

from apps.accounts.models import User
from apps.feedback import services
from apps.feedback.annotate import NOT_APPLICABLE, Kind, Row, Target
from apps.feedback.keys import BadFeedback
from apps.feedback.models import Feedback
from apps.feedback.wire import Verdict, verdict

MADE: Final = "made"
"""The undo of a verdict that was the first one: it is taken back."""
_ASKED: Final = ("score", "value", "comment", "correction", "extra")


def answer(target: Target, user: User, row: Row, form: Any) -> tuple[str, str]:
    """Save, clear or undo, as the form's do= asks. Returns what takes it back again, and what was wrong."""
    try:
        match form.get("do", "save"):
            case "undo":
                undo(target, row, form.get("undo", ""))
                return "", ""
            case "clear":
                return clear(target, row), ""
        return save(target, user, row, form), ""
    except BadFeedback as error:
        return "", str(error).removeprefix("score: ").removeprefix("value: ")
    except services.Gone as error:
        return "", str(error)


def save(target: Target, user: User, row: Row, form: Any) -> str:
    """Write what the form says; an empty one takes the verdict back. Returns what `undo` needs. Raises BadFeedback."""
    values = values_of(row, form)
    mine = row.mine
    if all(values[name] is None for name in _ASKED):
        return clear(target, row)
    if mine is None:
        services.record(target.project.workspace, target.draft(user, row.key, values))
        return MADE
    if all(getattr(mine, name) == values[name] for name in _ASKED):
        return str(form.get("undo", ""))
    undo = services.snapshot(_owned(mine, target))
    services.change(mine, **values, **target.turns)
    return undo


def clear(target: Target, row: Row) -> str:
    """Take one's own verdict back. Returns what `undo` needs."""
    return services.remove(_owned(row.mine, target)) if row.mine else ""


def undo(target: Target, row: Row, token: str) -> None:
    """Bring back the former verdict, or none. Raises services.Gone."""
    if token != MADE:
        services.restore(target.project.workspace, token)
    elif row.mine:
        services.remove(_owned(row.mine, target))


def _owned(feedback: Feedback, target: Target) -> Feedback:
    feedback.workspace = target.project.workspace
    return feedback


def values_of(row: Row, form: Any) -> dict[str, Any]:
    """score, value, comment, correction and extra, None where nothing was said. Raises BadFeedback."""
    chosen = form.getlist("choice")
    given = _given(row, form, [each for each in chosen if each != "na"])
    applies_not = "na" in chosen and given.get("score") is None and given.get("value") is None
    try:
        found = verdict(Verdict(comment=form.get("comment", "").strip() or None, **given))
    except pydantic.ValidationError as error:
        raise BadFeedback(error.errors()[0]["msg"]) from None
    return {**found, "extra": NOT_APPLICABLE if applies_not else None}


def _given(row: Row, form: Mapping[str, str], chosen: list[str]) -> dict[str, Any]:
    match row.kind:
        case Kind.YES_NO:
            return {"score": chosen[0]} if chosen and chosen[0] in ("0", "1") else {}
        case Kind.LABELS:
            return _labels(row, chosen)
        case Kind.NUMBER:
            return {"score": form.get("score", "").strip() or None}
        case Kind.TEXT:
            return {"value": form.get("text", "").strip() or None}
        case Kind.CORRECTION:
            return {"correction": row.correction.read(form.get("text", ""))} if row.correction else {}
    return {}


def _labels(row: Row, chosen: list[str]) -> dict[str, Any]:
    """choice is the place of a category in the configuration."""
    categories = (row.config.categories if row.config else None) or []
    found = [categories[int(each)] for each in chosen if each.isdecimal() and int(each) < len(categories)]
    if not found:
        return {}
    if row.multiple:
        return {"value": [item["label"] for item in found if item["label"] is not None]}
    return {"score": found[0]["value"], "value": found[0]["label"]}
