"""Conditions on whole threads: thread_filter of the API, in the language that filters runs too, with fields of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import Any, Final

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact, IsNull
from django.db.models.sql.compiler import SQLCompiler

from apps.projects.models import Project
from apps.runs.query import feedback
from apps.runs.query.compile import LOOKUPS, Among, ILike, Like, stored_thread_id
from apps.runs.query.fields import FIELDS, Field, Kind
from apps.runs.query.nodes import And, Check, Compare, FilterError, Node, Not, Op, Or, Pair, Search
from apps.runs.query.parse import (
    Half,
    condition_on,
    conditions,
    field_among,
    no_operator,
    paired,
    run_node,
    two,
    words_of,
)
from apps.runs.query.syntax import Call, syntax
from apps.runs.query.texts import like_literal, like_pattern
from apps.threads.tagging import ThreadTag

_TEXT = models.TextField()
_SEARCHED: Final = ("thread_id", "first_input", "last_output", "last_error")
ANY_RUN, ANY_ROOT, TAG = "any_run", "any_root", "thread_tag"
_OPERATORS: Final = ("and", "or", "not", *(op.value for op in Op), "search", ANY_RUN, ANY_ROOT)


def priced(column: str) -> Case:
    """Null where no run has a price, which is not the same as free."""
    return Case(When(llm_count__gt=F("unpriced_count"), then=F(column)), output_field=models.DecimalField())


DURATION = Func(
    F("last_activity") - F("first_start"),
    template="EXTRACT(EPOCH FROM %(expressions)s)",
    output_field=models.DecimalField(),
)

# (field, its kind, whether it may be null, what it is of the thread's row)
_ROWS: Final[tuple[tuple[str, Kind, bool, Combinable], ...]] = (
    ("thread_id", Kind.TEXT, False, F("thread_id")),
    ("turn_count", Kind.NUMBER, False, F("turns")),
    ("num_errored_turns", Kind.NUMBER, False, F("errored_turns")),
    ("run_count", Kind.NUMBER, False, F("run_count")),
    ("thread_duration", Kind.SECONDS, True, DURATION),
    ("trace_latency_p50", Kind.SECONDS, True, F("latency_p50")),
    ("trace_latency_p99", Kind.SECONDS, True, F("latency_p99")),
    ("total_tokens", Kind.NUMBER, False, F("total_tokens")),
    ("prompt_tokens", Kind.NUMBER, False, F("prompt_tokens")),
    ("completion_tokens", Kind.NUMBER, False, F("completion_tokens")),
    ("total_cost", Kind.MONEY, True, priced("total_cost")),
    ("prompt_cost", Kind.MONEY, True, priced("prompt_cost")),
    ("completion_cost", Kind.MONEY, True, priced("completion_cost")),
    ("min_start_time", Kind.TIME, True, F("first_start")),
    ("max_start_time", Kind.TIME, True, F("last_start")),
    ("last_activity", Kind.TIME, True, F("last_activity")),
    ("last_error", Kind.TEXT, True, F("last_error")),
    ("first_inputs", Kind.TEXT, True, F("first_input")),
    ("last_outputs", Kind.TEXT, True, F("last_output")),
    (TAG, Kind.TEXT, True, F("pk")),
)
# The names that the API's answers give the same things.
_ALIASES: Final = {
    "count": "turn_count",
    "turns": "turn_count",
    "errored_turns": "num_errored_turns",
    "duration": "thread_duration",
    "latency_p50": "trace_latency_p50",
    "latency_p99": "trace_latency_p99",
    "start_time": "max_start_time",
    "first_start_time": "min_start_time",
    "last_start_time": "max_start_time",
    "error": "last_error",
}
_EXPRESSIONS: Final = {name: expression for name, _, _, expression in _ROWS}
# What a sentence calls them, where the name alone does not say it.
_PHRASES: Final = {
    "thread_id": "id",
    "turn_count": "turns",
    "num_errored_turns": "errored turns",
    "run_count": "runs",
    "thread_duration": "duration",
    "trace_latency_p50": "median latency",
    "trace_latency_p99": "P99 latency",
    "prompt_tokens": "input tokens",
    "completion_tokens": "output tokens",
    "total_cost": "cost",
    "prompt_cost": "input cost",
    "completion_cost": "output cost",
    "min_start_time": "first start",
    "max_start_time": "last start",
    "first_inputs": "first input",
    "last_outputs": "last output",
}
_OWN: Final = {
    name: Field(name, kind, _PHRASES.get(name, name.replace("_", " ")), nullable=null) for name, kind, null, _ in _ROWS
}
_FEEDBACK: Final = {name: field for name, field in FIELDS.items() if field.relation == "feedback"}
THREAD_FIELDS: Final = _OWN | {alias: _OWN[name] for alias, name in _ALIASES.items()} | _FEEDBACK


class Having(Func):
    """The thread meets a condition on its uuid, given as SQL in which {thread} stands for that, once."""

    output_field = models.BooleanField()

    def __init__(self, sql: str, params: list[Any]) -> None:
        super().__init__(F("id"))
        self.sql, self.params = sql, tuple(params)

    def as_sql(  # type: ignore[override]  # a template of its own
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        (expression,) = self.get_source_expressions()
        thread, params = compiler.compile(expression)
        return self.sql.replace("{thread}", thread), (*params, *self.params)


# EXISTS, because a thread and its totals stand in one place.
_IN_TOTALS: Final = "EXISTS (SELECT 1 FROM {table} AS t WHERE t.thread = {thread} AND {condition})"
_WITH_FEEDBACK: Final = "fb.thread FROM feedback_feedback AS fb WHERE fb.thread IS NOT NULL AND fb.project_id = %s AND "


def _has_totals(totals: feedback.Totals) -> Q:
    sql = _IN_TOTALS.replace("{table}", totals.table).replace("{condition}", totals.condition)
    return Q(Having(sql, totals.params))


def _has_feedback(condition: str, params: list[Any], project: Project, *, denied: bool) -> Q:
    """Where it is denied, PostgreSQL holds the threads in memory, once each, and looks every row up there."""
    found = f"SELECT {'DISTINCT ' if denied else ''}{_WITH_FEEDBACK}{feedback.COUNTED} AND {condition}"
    return Q(Having(f"{{thread}} IN ({found})", [project.pk, *params]))


@dataclass(frozen=True, slots=True)
class AnyRun:
    """Some run of the thread, or some root of its traces, meets the condition, which is one on runs."""

    part: Node
    roots: bool

    @property
    def operator(self) -> str:
        return ANY_ROOT if self.roots else ANY_RUN


type ThreadNode = Node | AnyRun


def parse_thread_filter(text: str) -> Node:
    """Raises FilterError, which says where and what was expected."""
    return _node(syntax(text))


def _node(call: Call) -> Node:
    found = _read(call)
    return paired([found])[0] if isinstance(found, Half) else found


def _read(call: Call) -> Node | Half:
    match call.name:
        case "and":
            return And(tuple(paired(_read(part) for part in conditions(call))))
        case "or":
            return Or(tuple(_node(part) for part in conditions(call)))
        case "not":
            return Not(_node(*conditions(call, most=1)))
        case "search":
            if len(call.args) != 1:
                raise FilterError('search takes one argument here: search("words")', call.at)
            return Search(words_of(call.args[0]), _SEARCHED)
        case "any_run" | "any_root":
            part, *_ = conditions(call, most=1)
            # It stands among the nodes of runs, which know nothing of threads.
            return AnyRun(run_node(part), call.name == ANY_ROOT)  # type: ignore[return-value]
        case name if name in _OPERATORS:
            named, argument = two(call)
            return condition_on(field_among(THREAD_FIELDS, named), argument, Op(name), call)
        case "has" | "exists":
            raise FilterError(
                f"{call.name} does not go with threads; ask the runs with any_run(…), filter or tree_filter", call.at
            )
    raise no_operator(call, _OPERATORS)


def to_thread_q(node: ThreadNode, project: Project, *, denied: bool = False) -> Q:
    """Each condition is either true or false, so that not(…) includes threads without a value. denied: it will stand under NOT."""
    match node:
        case And(parts):
            return reduce(and_, (to_thread_q(part, project, denied=denied) for part in parts))
        case Or(parts):
            return reduce(or_, (to_thread_q(part, project, denied=denied) for part in parts))
        case Not(part):
            return ~to_thread_q(part, project, denied=not denied)
        case Pair():
            return _pair(node, project, denied=denied)
        case AnyRun(part, roots):
            return _any_run(part, project, roots=roots)
        case Compare("thread_tag", check):
            return _tagged(check, project)
        case Compare(field, check):
            return _compare(field, check)
        case Search(words, columns):
            return reduce(and_, (_found(word, columns) for word in words))
    raise FilterError("This condition does not go with threads")


def _pair(pair: Pair, project: Project, *, denied: bool) -> Q:
    """Over the feedback on all runs of the thread and on the thread as a whole."""
    return reduce(and_, (_feedback(found, project, denied=denied) for found in feedback.wanted(pair)))


def _feedback(found: feedback.Wanted, project: Project, *, denied: bool) -> Q:
    """What threads must not have is looked up in their totals where these tell it: a row each, instead of all feedback that is denied."""
    negative = found.absent is not denied
    if negative and found.totals:
        condition = _has_totals(found.totals)
    else:
        condition = _has_feedback(found.condition, found.params, project, denied=negative)
    return ~condition if found.absent else condition


def _any_run(condition: Node, project: Project, *, roots: bool) -> Q:
    from apps.runs.models import Run, Trace  # the models of threads stand on this module, and these on theirs

    runs = Run.objects.in_project(project)
    traces = Trace.objects.in_project(project).of_runs((runs.roots() if roots else runs).matching(condition))
    return Q(thread_id__in=traces.in_some_thread().values("thread_id"))


def _tagged(check: Check, project: Project) -> Q:
    """Some tag of the thread meets the check; null asks for threads without any."""
    tags = ThreadTag.objects.in_project(project)
    if check.op is Op.NEQ:
        return ~_tagged(Check(Op.EQ, check.values), project)
    if check.op is Op.EQ and check.value is None:
        return ~Q(pk__in=tags.values("thread"))
    match check.op:
        case Op.EQ:
            condition = Q(tag=check.value)
        case Op.IN:
            condition = Q(tag__in=check.values)
        case Op.LIKE:
            condition = Q(Like(F("tag"), Value(like_pattern(str(check.value)))))
        case _:
            condition = Q(LOOKUPS[check.op](F("tag"), Value(check.value)))
    return Q(pk__in=tags.filter(condition).values("thread"))


def _compare(field: str, check: Check) -> Q:
    expression = _EXPRESSIONS[field]
    values = [stored_thread_id(str(value)) if field == "thread_id" else value for value in check.values]
    match check.op:
        case Op.NEQ:
            return ~_compare(field, Check(Op.EQ, check.values))
        case Op.EQ if check.value is None:
            return Q(IsNull(expression, True))
        case Op.EQ:
            condition = Q(Exact(expression, Value(values[0])))
        case Op.IN:
            condition = Q(Among(expression, Value(values)))
        case Op.LIKE:
            condition = Q(Like(expression, Value(like_pattern(str(values[0])))))
        case _:
            condition = Q(LOOKUPS[check.op](expression, Value(values[0])))
    return condition & Q(IsNull(expression, False))


def _found(word: str, columns: Iterable[str]) -> Q:
    pattern = Value(f"%{like_literal(word)}%")
    texts = (Coalesce(F(column), Value(""), output_field=_TEXT) for column in columns)
    return reduce(or_, (Q(ILike(text, pattern)) for text in texts))
