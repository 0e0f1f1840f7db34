"""What a filter means, run by run and in plain Python: the SQL must agree with it. Slow and obvious on purpose."""

import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from apps.feedback.models import Feedback
from apps.runs import payload
from apps.runs.models import Run
from apps.runs.query.nodes import And, Check, Compare, Contains, Exists, Has, Node, Not, Op, Or, Pair, Search
from apps.runs.query.totals import OF_SHOWN, OF_TRACE

ORDER = {
    Op.GT: lambda left, right: left > right,
    Op.GTE: lambda left, right: left >= right,
    Op.LT: lambda left, right: left < right,
    Op.LTE: lambda left, right: left <= right,
}


def holds(node: Node, run: Run) -> bool:
    match node:
        case And(parts):
            return all(holds(part, run) for part in parts)
        case Or(parts):
            return any(holds(part, run) for part in parts)
        case Not(part):
            return not holds(part, run)
        case Compare(field, check):
            return compare(value_of(field, run), check)
        case Has(_, text):
            return text in (run.tags or [])
        case Contains(_, text):
            return run.metadata is not None and contains(run.metadata, json.loads(text))
        case Exists(_, key):
            return bool(values_at(run.metadata, key))
        case Search(words, fields):
            return all(any(word_in(word, field, run) for field in fields) for word in words)
        case Pair("feedback"):
            given = Feedback.objects.newest().of_runs([(run.trace_id, run.id)])
            return feedback_holds(node, list(given))
        case Pair("input" | "output" as relation):
            return pair_holds(node, payload.load(getattr(run, f"{relation}s")))
        case Pair():
            return pair_holds(node, run.metadata)


def value_of(field: str, run: Run) -> Any:
    if field.startswith(OF_SHOWN):
        column = field.removeprefix(OF_SHOWN)
        return value_of(OF_TRACE + column if run.is_root and run.run_type != "llm" else column, run)
    if field.startswith(OF_TRACE):
        column, trace = field.removeprefix(OF_TRACE), run.trace
        known = trace.llm_count > (trace.unpriced_count if column.endswith("_cost") else 0)
        return getattr(trace, column) if known else None
    match field:
        case "latency":
            return run.end_time and Decimal((run.end_time - run.start_time).total_seconds()).quantize(Decimal("1e-6"))
        case "is_root" | "execution_order":
            return run.is_root
        case "session_id":
            return run.project_id
        case "reference_example":
            return run.reference_example_id
        case "status":
            return "error" if run.error is not None else "success" if run.end_time else "pending"
        case "thread_id":
            keys = ("session_id", "conversation_id", "thread_id")
            return next(
                (as_text(value) for key in keys if (value := (run.metadata or {}).get(key)) not in (None, "")), None
            )
    return getattr(run, field)


def compare(value: Any, check: Check) -> bool:
    match check.op:
        case Op.EQ | Op.IN:
            return value in check.values
        case Op.NEQ:
            return value not in check.values
        case Op.LIKE:
            return value is not None and like(value, str(check.value))
    return value is not None and ORDER[check.op](value, check.value)


def like(text: str, pattern: str) -> bool:
    steps = [{"%": ".*", "_": "."}.get(step, re.escape(step)) for step in pattern]
    return re.fullmatch("".join(steps), text, re.DOTALL) is not None


def contains(whole: Any, part: Any) -> bool:
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and contains(whole[key], part[key]) for key in part)
    if isinstance(part, list):
        return isinstance(whole, list) and all(any(contains(item, wanted) for item in whole) for wanted in part)
    return type(whole) is type(part) and whole == part


def word_in(word: str, field: str, run: Run) -> bool:
    """Of metadata alone the JSON text is searched, in which a quote is escaped."""
    match field:
        case "about":
            places = [run.name, run.error, *(run.tags or []), *(run.metadata or {}), *texts_in(run.metadata)]
            return any(folded(word) in folded(place) for place in places if place)
        case "inputs" | "outputs":
            return any(folded(word) in folded(text) for text in texts_in(payload.load(getattr(run, field))))
        case "tags":
            return any(word.lower() in tag.lower() for tag in run.tags or [])
        case "metadata":
            text = "" if run.metadata is None else json.dumps(run.metadata, ensure_ascii=False)
            return json.dumps(word.lower(), ensure_ascii=False)[1:-1] in text.lower()
    return word.lower() in (getattr(run, field) or "").lower()


def folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def texts_in(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for item in value.values():
                yield from texts_in(item)
        case list():
            for item in value:
                yield from texts_in(item)
        case str():
            yield value
        case bool() | None:
            return
        case _:
            yield str(value)


def pair_holds(pair: Pair, metadata: Any) -> bool:
    positive = [check for check in pair.checks if check.op is not Op.NEQ]
    if pair.keys and not pair.keys_absent:
        found = [value for key in pair.keys for value in values_at(metadata, key)]
        return any(all(passes(value, check) for check in pair.checks) for value in found)
    everywhere = list(all_values(metadata))
    return (
        not any(values_at(metadata, key) for key in pair.keys)
        and all(not equals(value, check.value) for value in everywhere for check in pair.checks if check.op is Op.NEQ)
        and (not positive or any(all(passes(value, check) for check in positive) for value in everywhere))
    )


def feedback_holds(pair: Pair, given: list[Feedback]) -> bool:
    if pair.keys and not pair.keys_absent:
        return any(one.key in pair.keys and all(said(one, check) for check in pair.checks) for one in given)
    negative = [check for check in pair.checks if check.op is Op.NEQ and check.value is not None]
    positive = [check for check in pair.checks if check not in negative]
    return (
        not any(one.key in pair.keys for one in given)
        and not any(said(one, replace(check, op=Op.EQ)) for one in given for check in negative)
        and (not positive or any(all(said(one, check) for check in positive) for one in given))
    )


def said(feedback: Feedback, check: Check) -> bool:
    if check.half == "value":
        return any(passes(value, check) for value in elements([feedback.value]) if value is not None)
    value = {"score": feedback.score, "comment": feedback.comment, "source": feedback.source_type}[check.half]
    if check.value is None:
        return (value is None) is (check.op is Op.EQ)
    return value is not None and compare(value, check)


def passes(value: Any, check: Check) -> bool:
    match check.op:
        case Op.EQ | Op.IN:
            return any(equals(value, wanted) for wanted in check.values)
        case Op.NEQ:
            return not equals(value, check.value)
        case Op.LIKE:
            return not isinstance(value, dict) and like(as_text(value), str(check.value))
    wanted = check.value if isinstance(check.value, Decimal) else number(str(check.value))
    if wanted is None:
        return isinstance(value, str) and ORDER[check.op](value, check.value)
    return is_number(value) and ORDER[check.op](Decimal(str(value)), wanted)


def equals(value: Any, wanted: Any) -> bool:
    if is_number(value):
        return number(str(wanted)) == Decimal(str(value))
    return not isinstance(value, dict) and as_text(value) == wanted


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def number(text: str) -> Decimal | None:
    return Decimal(text) if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text) else None


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def values_at(metadata: Any, key: str) -> list[Any]:
    """What stands at the key itself and at the dotted path; lists stand for their elements, null for nothing."""
    paths = [[key], key.split(".")] if "." in key else [[key]]
    return [value for path in paths for value in walk([metadata], path) if value is not None]


def walk(values: list[Any], path: list[str]) -> list[Any]:
    for step in path:
        values = [value[step] for value in elements(values) if isinstance(value, dict) and step in value]
    return elements(values)


def elements(values: list[Any]) -> list[Any]:
    """Of lists in lists too."""
    return [item for value in values for item in (elements(value) if isinstance(value, list) else [value])]


def all_values(value: Any) -> Iterator[Any]:
    match value:
        case None:
            return
        case dict() | list():
            for item in value.values() if isinstance(value, dict) else value:
                yield from all_values(item)
        case _:
            yield value
