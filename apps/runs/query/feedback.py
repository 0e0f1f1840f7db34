"""Conditions on feedback as SQL, over a row of feedback_feedback that is called fb. Its app stands above this one, so its table is text.

Some conditions are told by the totals of threads as well: over a row of feedback_threadscore or feedback_threadlabel that is called t.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from apps.runs.query import jsonpath
from apps.runs.query.nodes import Check, Op, Pair
from apps.runs.query.texts import like_pattern

# Longer texts are not counted as labels.
LONGEST_LABEL: Final = 100

# Verdicts that their judge has replaced are history, and nothing is asked of them.
COUNTED: Final = "fb.current AND NOT fb.waiting"
_COLUMNS: Final = {"score": "fb.score", "comment": "fb.comment", "source": "fb.source_type"}
_SIGNS: Final = {Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}


class Totals(NamedTuple):
    """A condition over the totals of threads in a table."""

    table: str
    condition: str
    params: list[Any]


class Wanted(NamedTuple):
    """Some feedback, or none where it is absent, meets the condition. totals is the same over the totals, where they tell it."""

    absent: bool
    condition: str
    params: list[Any]
    totals: Totals | None = None


def wanted(pair: Pair) -> list[Wanted]:
    """All must hold. The rules are those of the other pairs: see docs/filter-language.md."""
    if pair.keys and not pair.keys_absent:
        return [_some(pair.checks, pair.keys)]
    absent = [check for check in pair.checks if check.op is Op.NEQ and check.value is not None]
    present = [check for check in pair.checks if check not in absent]
    found = [_some([_positive(check)])._replace(absent=True) for check in absent]
    if pair.keys:
        found.append(_some((), pair.keys)._replace(absent=True))
    if present:
        found.append(_some(present))
    return found


def _positive(check: Check) -> Check:
    return Check(Op.EQ, check.values, check.half)


def _some(checks: Sequence[Check], keys: Sequence[str] = ()) -> Wanted:
    conditions = ["fb.key = ANY(%s)"] if keys else []
    params: list[Any] = [list(keys)] if keys else []
    for check in checks:
        condition, values = _check(check)
        conditions.append(condition)
        params += values
    return Wanted(False, " AND ".join(conditions), params, _totals(checks, keys))


SCORES: Final = "feedback_threadscore"
LABELS: Final = "feedback_threadlabel"
# Some score is above a bound where the highest is, and below one where the lowest is.
_ENDS: Final = {Op.GT: "t.high > %s", Op.GTE: "t.high >= %s", Op.LT: "t.low < %s", Op.LTE: "t.low <= %s"}


def _totals(checks: Sequence[Check], keys: Sequence[str]) -> Totals | None:
    """Two checks may be met by different feedback, of which totals tell nothing."""
    conditions = ["t.key = ANY(%s)"] if keys else []
    params: list[Any] = [list(keys)] if keys else []
    if not checks:
        return Totals(SCORES, " AND ".join(conditions), params)
    if len(checks) > 1 or (told := _told(checks[0])) is None:
        return None
    return Totals(told.table, " AND ".join([*conditions, told.condition]), [*params, *told.params])


def _told(check: Check) -> Totals | None:
    if check.half == "score" and check.op in _ENDS:
        return Totals(SCORES, _ENDS[check.op], [check.value])
    if check.op not in (Op.EQ, Op.IN):
        return None
    values = [str(value) for value in check.values]
    if check.half == "source":
        return Totals(LABELS, "t.kind = 'source' AND t.label = ANY(%s)", [values])
    if check.half == "value" and all(map(_is_label, values)):
        return Totals(LABELS, "t.kind = 'value' AND t.label = ANY(%s)", [values])
    return None


def _is_label(text: str) -> bool:
    """Feedback with that value is counted under that very label, and no other is: 5.0 is counted as 5."""
    number = jsonpath.as_number(text)
    return 0 < len(text) <= LONGEST_LABEL and (number is None or f"{number.normalize():f}" == text)


def _check(check: Check) -> tuple[str, list[Any]]:
    """False where the feedback has no such value, but for eq null."""
    if check.half == "value":
        return "fb.value @? %s::jsonpath", [f"$ ? ({jsonpath.check_path(check)})"]
    column = _COLUMNS[check.half]
    match check.op:
        case Op.EQ | Op.NEQ if check.value is None:
            return f"{column} IS {'NOT ' if check.op is Op.NEQ else ''}NULL", []
        case Op.NEQ:
            return f"{column} <> %s", [check.value]
        case Op.LIKE:
            return f"{column} LIKE %s", [like_pattern(str(check.value))]
        case Op.EQ | Op.IN:
            return f"{column} = ANY(%s)", [list(check.values)]
    collation = "" if check.half == "score" else ' COLLATE "C"'
    return f"{column}{collation} {_SIGNS[check.op]} %s", [check.value]
