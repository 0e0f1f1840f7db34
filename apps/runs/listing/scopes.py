"""What a condition may be about, and the fields and operators that the builder offers there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.utils.module_loading import import_string

from apps.runs.query.fields import FIELDS, Field, Kind
from apps.runs.query.nodes import Node
from apps.runs.query.parse import parse

KINDS: Final = ("threads", "runs")
ANYWHERE: Final = "text"

# What each operator is called, and by kind of value where another word reads better.
OPERATORS: Final = {
    "is": "is",
    "isnt": "is not",
    "in": "is one of",
    "notin": "is none of",
    "has": "contains",
    "hasnt": "does not contain",
    "starts": "starts with",
    "gt": "is over",
    "gte": "is at least",
    "lt": "is under",
    "lte": "is at most",
    "includes": "includes",
    "excludes": "does not include",
    "words": "has the words",
    "nowords": "lacks the words",
    "set": "is there",
    "unset": "is absent",
}
MOMENTS: Final = {"gt": "is after", "gte": "is from", "lt": "is before", "lte": "is until"}
WITHOUT_VALUE: Final = frozenset({"set", "unset"})
WITH_SEVERAL: Final = frozenset({"in", "notin"})
_ORDER: Final = ("gt", "gte", "lt", "lte")
_AMOUNT: Final = ("gt", "gte", "lt", "lte", "is", "isnt")
_KINDS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.TEXT: ("is", "isnt", "in", "notin", "has", "hasnt", "starts"),
    Kind.ID: ("is", "isnt", "in", "notin"),
    Kind.TIME: _ORDER,
    Kind.NUMBER: _AMOUNT,
    Kind.MONEY: _AMOUNT,
    Kind.SECONDS: _AMOUNT,
    Kind.FLAG: ("is",),
    Kind.LIST: ("includes", "excludes"),
    Kind.PAYLOAD: ("words", "nowords"),
    Kind.SCORE: (*_AMOUNT, "set", "unset"),
    Kind.PAIRED: ("is", "isnt", "in", "notin", "has", "hasnt", "starts", *_ORDER, "set", "unset"),
}
_SEARCHED: Final = frozenset({"name", "error"})
_FEEDBACK: Final = ("feedback_score", "feedback_value", "feedback_comment")
# What a run shows of itself, in the order of the menu.
_GROUPS: Final = (
    ("Content", (ANYWHERE, "inputs", "outputs", "error", "input", "output")),
    ("Run", ("name", "run_type", "status", "tags", "metadata", "is_root")),
    ("Figures", ("latency", "total_tokens", "prompt_tokens", "completion_tokens", "total_cost")),
    ("Time", ("start_time", "end_time", "first_token_time")),
    ("Feedback", _FEEDBACK),
    ("Ids", ("thread_id", "trace_id", "id", "parent_run_id", "reference_example_id")),
)
_THREAD_GROUPS: Final = (
    ("Content", (ANYWHERE, "first_inputs", "last_outputs", "last_error", "thread_id")),
    ("Turns", ("turn_count", "num_errored_turns", "run_count")),
    ("Figures", ("trace_latency_p50", "trace_latency_p99", "thread_duration", "total_tokens", "prompt_tokens",
                 "completion_tokens", "total_cost")),
    ("Feedback", _FEEDBACK),
    ("Time", ("last_activity", "min_start_time", "max_start_time")),
)  # fmt: skip


# Labels and hints of filter and of tree_filter.
_RUN_SCOPES: Final = {
    "threads": (
        ("any run", "Some run of the thread; the same run meets all of these"),
        ("another run", "Some run of the thread, perhaps another"),
    ),
    "runs": (("the run", "The run that is listed"), ("run beside it", "Some run of the same trace")),
}


@dataclass(frozen=True, slots=True)
class Offer:
    """A field of the builder's menu. relation is set where it needs a key, half then says which part of the pair it asks for."""

    name: str
    label: str
    kind: Kind
    operators: tuple[str, ...]
    relation: str = ""
    half: str = "value"

    def operator_labels(self) -> list[tuple[str, str]]:
        words = OPERATORS | (MOMENTS if self.kind is Kind.TIME else {})
        return [(op, words[op]) for op in self.operators]


@dataclass(frozen=True, slots=True)
class Scope:
    """name is the parameter of the URL; groups are (heading, fields) for the menu."""

    name: str
    label: str
    hint: str
    parse: Callable[[str], Node]
    fields: Mapping[str, Field]
    groups: tuple[tuple[str, tuple[Offer, ...]], ...]

    def offers(self) -> dict[str, Offer]:
        return {offer.name: offer for _, group in self.groups for offer in group}


@cache
def scopes(kind: str) -> dict[str, Scope]:
    """By parameter, for a list of threads or of runs, in the order of the menu."""
    # By name: runs may not import threads.
    thread_fields = import_string("apps.threads.filtering.THREAD_FIELDS")
    parse_thread = import_string("apps.threads.filtering.parse_thread_filter")
    groups, thread_groups = _offers(_GROUPS, FIELDS), _offers(_THREAD_GROUPS, thread_fields)
    own, other = _RUN_SCOPES[kind]
    found = (
        Scope("filter", *own, parse, FIELDS, groups),
        Scope("trace_filter", "root run", "The first run of a trace: a turn as a whole", parse, FIELDS, groups),
        Scope("tree_filter", *other, parse, FIELDS, groups),
        Scope("thread_filter", "thread", "The conversation as a whole", parse_thread, thread_fields, thread_groups),
    )
    return {scope.name: scope for scope in found}


def _offers(
    groups: tuple[tuple[str, tuple[str, ...]], ...], fields: Mapping[str, Field]
) -> tuple[tuple[str, tuple[Offer, ...]], ...]:
    return tuple((heading, tuple(_offer(name, fields) for name in names)) for heading, names in groups)


def _offer(name: str, fields: Mapping[str, Field]) -> Offer:
    if name == ANYWHERE:
        return Offer(name, "anything said", Kind.PAYLOAD, ("words", "nowords"))
    if name in _FEEDBACK:
        half = name.removeprefix("feedback_")
        kind = Kind.SCORE if half == "score" else Kind.TEXT
        return Offer(name, name.replace("_", " "), kind, _KINDS[kind], "feedback", half)
    if f"{name}_value" in FIELDS and fields is FIELDS:
        labels = {"input": "input value", "output": "output value"}
        return Offer(name, labels.get(name, name), Kind.PAIRED, _KINDS[Kind.PAIRED], relation=name)
    field = fields[name]
    operators = _KINDS[field.kind]
    if field.name in _SEARCHED and fields is FIELDS:
        operators += ("words",)
    if field.nullable:
        operators += ("set", "unset")
    return Offer(name, "tags" if name == "tags" else field.phrase, field.kind, operators)
