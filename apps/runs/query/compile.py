"""A filter as a condition on the run table.

SQL's third truth value would make not(gt(latency, 5)) lose runs without a latency, so every check also asks that its
column is not null: each condition is then either true or false.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import reduce
from operator import and_, or_
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, Lookup, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, Collate, Left
from django.db.models.lookups import Exact, GreaterThan, GreaterThanOrEqual, LessThan, LessThanOrEqual
from django.db.models.sql.compiler import SQLCompiler

from apps.runs.query import feedback, jsonpath, nodes, texts
from apps.runs.query.fields import FIELDS, ORDER, Kind
from apps.runs.query.nodes import And, Check, Compare, Contains, Exists, Has, Node, Not, Op, Or, Pair, Search
from apps.runs.query.texts import like_literal, like_pattern
from apps.runs.query.totals import OF_SHOWN, OF_TRACE

THREAD_KEYS: Final = ("session_id", "conversation_id", "thread_id")
# Run.thread_id is cut with a hash past this length, so a longer id stands there in another form than in the metadata.
THREAD_ID_LENGTH: Final = 512
THREAD_ID_KEPT: Final = 480
# The index of names holds as many characters of each: an entry has an upper limit.
NAME_INDEXED: Final = 100

_TEXT = models.TextField()
_COLUMNS: Final = {"session_id": "project_id", "reference_example": "reference_example_id", "latency": "end_time"}
LOOKUPS: "Final[dict[Op, type[Lookup[Any]]]]" = {
    Op.GT: GreaterThan,
    Op.GTE: GreaterThanOrEqual,
    Op.LT: LessThan,
    Op.LTE: LessThanOrEqual,
}
_SIGNS: Final = {Op.GT: ">", Op.GTE: ">=", Op.LT: "<", Op.LTE: "<="}
_LATENCY = Func(
    F("end_time") - F("start_time"), template="EXTRACT(EPOCH FROM %(expressions)s)", output_field=models.DecimalField()
)
_STATUS: Final = {
    "error": Q(error__isnull=False),
    "success": Q(error__isnull=True, end_time__isnull=False),
    "pending": Q(error__isnull=True, end_time__isnull=True),
}

# A run whose parent was never sent stands as its own root. The first half is for the planner: it takes id = trace_id alone for
# something that hardly ever holds, and sorts all runs for a first page.
IS_ROOT: Final = Q(parent_run_id=None) | Q(id=F("trace_id"))

# Their equality is no comparison of one column.
_SPECIAL: Final = {"status", "thread_id"}


class _Operator(Lookup):
    """A PostgreSQL operator between an expression and a value."""

    sql = ""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = compiler.compile(self.rhs)
        return self.sql % (left, right), (*left_params, *right_params)


class Among(_Operator):
    """One parameter however many values, so that thousands of ids cost no more to plan than one."""

    sql = "%s = ANY(%s)"


class Like(_Operator):
    sql = "%s LIKE %s"


class ILike(_Operator):
    sql = "%s ILIKE %s"


class PathExists(_Operator):
    sql = "%s @? %s::jsonpath"


class ListContains(_Operator):
    sql = "%s @> ARRAY[%s]::text[]"


class InTexts(Func):
    """The run's row in the search table meets a condition, given as SQL.

    Of what is common, each run that is read has its own row looked up (they stand in one place, so a cluster can): a page is full soon.
    PostgreSQL would often take it for rare, as it takes a run's two ids for independent, and look for all there are.
    """

    among = "(%(run)s) IN (SELECT trace_id, id FROM runs_searchtext WHERE %(condition)s)"
    told = among[:-1] + " AND trace_id = ANY(%%s::uuid[]))"
    each = (
        "coalesce((SELECT %(condition)s FROM runs_searchtext AS own WHERE (own.trace_id, own.id) = (%(run)s)), false)"
    )
    output_field = models.BooleanField()

    def __init__(self, condition: str, params: list[Any], traces: str | None, common: bool) -> None:
        super().__init__(F("trace_id"), F("id"))
        self.condition, self.params, self.traces, self.common = condition, tuple(params), traces, common

    def as_sql(  # type: ignore[override]  # a template of its own
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        (trace, first), (run, second) = (compiler.compile(column) for column in self.get_source_expressions())
        parts = {"run": f"{trace}, {run}", "condition": self.condition}
        if self.traces is not None:
            return self.told % parts, (*first, *second, *self.params, self.traces)
        if self.common:
            return self.each % parts, (*self.params, *first, *second)
        return self.among % parts, (*first, *second, *self.params)


class InTraces(Func):
    """The trace is among those whose row meets a condition, given as SQL."""

    template = "%(expressions)s IN (SELECT trace_id FROM runs_trace WHERE %(condition)s)"
    output_field = models.BooleanField()

    def __init__(self, condition: str, params: list[Any]) -> None:
        super().__init__(F("trace_id"))
        self.condition, self.params = condition, tuple(params)

    def as_sql(  # type: ignore[override]  # a template of its own
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        (column,) = self.get_source_expressions()
        sql, params = compiler.compile(column)
        return self.template % {"expressions": sql, "condition": self.condition}, (*params, *self.params)


class TraceMeets(InTraces):
    """The same asked row by row, for an or() whose other side takes most runs without it."""

    template = "EXISTS (SELECT 1 FROM runs_trace AS trace WHERE trace.trace_id = %(expressions)s AND %(condition)s)"


class HasFeedback(Func):
    """The run has feedback that meets a condition, given as SQL.

    EXISTS, because PostgreSQL makes a join of it under NOT too; the two stand in one place (trace), so a cluster can.
    """

    template = (
        "EXISTS (SELECT 1 FROM feedback_feedback AS fb WHERE fb.place = %(trace)s AND fb.run_id = %(run)s"
        f" AND {feedback.COUNTED} AND %(condition)s)"
    )
    output_field = models.BooleanField()

    def __init__(self, condition: str, params: list[Any]) -> None:
        super().__init__(F("trace_id"), F("id"))
        self.condition, self.params = condition, tuple(params)

    def as_sql(  # type: ignore[override]  # a template of its own
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper
    ) -> tuple[str, tuple[Any, ...]]:
        (trace, first), (run, second) = (compiler.compile(column) for column in self.get_source_expressions())
        sql = self.template % {"trace": trace, "run": run, "condition": self.condition}
        return sql, (*first, *second, *self.params)


class JsonContains(_Operator):
    sql = "%s @> %s::jsonb"


def to_q(node: Node) -> Q:
    match node:
        case And(parts):
            return _all(map(to_q, parts))
        case Or(parts):
            return _any(map(to_q, parts))
        case Not(part):
            return ~to_q(part)
        case Compare(field, check, traces):
            return _compare(field, check, traces)
        case Has(field, text):
            return _known(field, ListContains(F(field), Value(text)))
        case Contains(field, text):
            return _known(field, JsonContains(F(field), Value(text)))
        case Exists(field, key):
            return _path(field, jsonpath.with_key([key]))
        case Search() if node.in_texts:
            return Q(InTexts(*texts.search(node), node.traces, node.common))
        case Search(words, fields):
            return _all(_any(_holds(field, word) for field in fields) for word in words)
        case Pair():
            return _pair(node)


def _all(conditions: Iterable[Q]) -> Q:
    return reduce(and_, conditions)


def _any(conditions: Iterable[Q]) -> Q:
    return reduce(or_, conditions)


def _known(column: str, condition: "Lookup[Any]") -> Q:
    return Q(condition) & Q(**{f"{column}__isnull": False})


def _compare(field: str, check: Check, traces: str | None = None) -> Q:
    column = _COLUMNS.get(field, field)
    if check.op is Op.NEQ:
        return ~_compare(field, Check(Op.EQ, check.values), traces)
    if field.startswith(OF_TRACE):
        return Q(InTraces(*of_trace(field.removeprefix(OF_TRACE), check)))
    if field.startswith(OF_SHOWN):
        return _of_shown(field.removeprefix(OF_SHOWN), check, traces)
    if check.op is Op.IN and field not in _SPECIAL:
        return _known(column, Among(_expression(field, column, Op.EQ), Value(list(check.values))))
    if check.op in (Op.EQ, Op.IN):
        return _any(_equal(field, column, value) for value in check.values)
    if check.op is Op.LIKE:
        return _known(column, Like(F(column), Value(like_pattern(str(check.value)))))
    return _known(column, LOOKUPS[check.op](_expression(field, column, check.op), Value(check.value)))


def of_trace(column: str, check: Check) -> tuple[str, list[Any]]:
    """A condition on the trace's row, as SQL.

    Without a model call that reports usage the trace has no tokens, and without one that has a price no cost.
    """
    known = "llm_count > unpriced_count" if column.endswith("_cost") else "llm_count > 0"
    if check.values == (None,):
        return f"NOT ({known})", []
    if check.op in (Op.EQ, Op.IN):
        return f"{known} AND {column} = ANY(%s)", [list(check.values)]
    return f"{known} AND {column} {_SIGNS[check.op]} %s", [check.value]


def _in_traces(traces: str) -> Q:
    """traces is an array as text."""
    return Q(Among(F("trace_id"), Cast(Value(traces), ArrayField(models.UUIDField()))))


def _of_shown(column: str, check: Check, traces: str | None) -> Q:
    """Of few traces, told, each run that is read is only compared; otherwise its trace is looked up."""
    whole = IS_ROOT & ~Q(run_type="llm")
    few = None if traces is None else _in_traces(traces)
    return whole & (few or Q(TraceMeets(*of_trace(column, check)))) | ~whole & _compare(column, check)


def _equal(field: str, column: str, value: nodes.Value) -> Q:
    if value is None:
        return Q(**{f"{column}__isnull": True})
    if FIELDS[field].kind in (Kind.FLAG, Kind.FIRST):
        return IS_ROOT if value else ~IS_ROOT
    if field == "status":
        return _STATUS.get(str(value), Q(pk__in=[]))
    if field == "thread_id":
        return _in_thread(str(value))
    known = _known(column, Exact(_expression(field, column, Op.EQ), Value(value)))
    return (
        known & Q(Exact(Left(F(column), NAME_INDEXED), Value(str(value)[:NAME_INDEXED]))) if field == "name" else known
    )


def _expression(field: str, column: str, op: Op) -> Combinable:
    if field == "latency":
        return _LATENCY
    if op in ORDER and FIELDS[field].kind is Kind.TEXT:
        return Collate(F(column), "C")
    return F(column)


def _in_thread(thread_id: str) -> Q:
    """The column has no index, its source has: the metadata finds the runs and the column decides among them."""
    condition = Q()
    if len(thread_id) != THREAD_ID_LENGTH and not thread_id.startswith(("{", "[")):
        condition = _path("metadata", jsonpath.with_key(THREAD_KEYS, [Check(Op.EQ, (thread_id,))]))
    return condition & _known("thread_id", Exact(F("thread_id"), Value(stored_thread_id(thread_id))))


def stored_thread_id(thread_id: str) -> str:
    """As the columns hold it."""
    if len(thread_id) <= THREAD_ID_LENGTH:
        return thread_id
    return thread_id[:THREAD_ID_KEPT] + hashlib.md5(thread_id.encode(), usedforsecurity=False).hexdigest()


def _feedback(pair: Pair) -> Q:
    return _all(
        ~Q(HasFeedback(found.condition, found.params))
        if found.absent
        else Q(HasFeedback(found.condition, found.params))
        for found in feedback.wanted(pair)
    )


def _pair(pair: Pair) -> Q:
    if pair.relation == "feedback":
        return _feedback(pair)
    if pair.keys and not pair.keys_absent:
        return _path(pair.relation, jsonpath.with_key(pair.keys, pair.checks), pair.traces, common=pair.common)
    absent = [check for check in pair.checks if check.op is Op.NEQ]
    present = [check for check in pair.checks if check.op is not Op.NEQ]
    paths = [jsonpath.anywhere([Check(Op.EQ, check.values)]) for check in absent]
    if pair.keys:
        paths.append(jsonpath.with_key(pair.keys))
    conditions = [~_path(pair.relation, path, common=True) for path in paths]
    if present:
        conditions.append(_path(pair.relation, jsonpath.anywhere(present), common=pair.common))
    return _all(conditions)


def _path(relation: str, path: str, traces: str | None = None, *, common: bool = False) -> Q:
    if relation == "metadata":
        known = _known(relation, PathExists(F(relation), Value(path)))
        return known if traces is None else known & _in_traces(traces)
    return Q(InTexts(*texts.pairs(relation, path), traces, common))


def _holds(field: str, word: str) -> Q:
    match field:
        case "tags":
            text: Combinable = Func(F(field), Value("\n"), function="array_to_string", output_field=_TEXT)
        case "metadata":
            text, word = Cast(F(field), _TEXT), json.dumps(word, ensure_ascii=False)[1:-1]
        case _:
            text = F(field)
    # No index serves this, so one condition that is never null is cheaper than two.
    return Q(ILike(Coalesce(text, Value(""), output_field=_TEXT), Value(f"%{like_literal(word)}%")))
