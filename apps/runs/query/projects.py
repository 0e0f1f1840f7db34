"""Conditions on projects: the filter of the API's list of projects, in the language that filters runs too."""

from functools import reduce
from operator import and_, or_
from typing import Final

import msgspec
from django.db.models import F, Q, Value

from apps.runs.query.compile import Like
from apps.runs.query.fields import Field, Kind
from apps.runs.query.nodes import And, Check, Compare, Contains, Exists, FilterError, Has, Node, Not, Op, Or, Search
from apps.runs.query.parse import compared, conditions, field_among, no_operator, run_node, two, words_of
from apps.runs.query.syntax import Call, syntax
from apps.runs.query.texts import like_pattern

PROJECT_FIELDS: Final = {
    field.name: field
    for field in (
        Field("id", Kind.ID, "project", nullable=False),
        Field("name", Kind.TEXT, "name", nullable=False),
        Field("description", Kind.TEXT, "description", nullable=False),
        Field("start_time", Kind.TIME, "start", nullable=False),
        Field("end_time", Kind.TIME, "end"),
        Field("reference_dataset_id", Kind.ID, "dataset"),
        Field("metadata", Kind.JSON, "metadata"),
    )
}
_OPERATORS: Final = ("and", "or", "not", *(op.value for op in Op), "has", "exists", "search")
_SEARCHED: Final = ("name", "description")
_LOOKUPS: Final = {Op.EQ: "exact", Op.GT: "gt", Op.GTE: "gte", Op.LT: "lt", Op.LTE: "lte"}


def projects_matching(text: str) -> Q:
    """Raises FilterError, which says where and what was expected."""
    return _q(_node(syntax(text)))


def _node(call: Call) -> Node:
    match call.name:
        case "and":
            return And(tuple(_node(part) for part in conditions(call)))
        case "or":
            return Or(tuple(_node(part) for part in conditions(call)))
        case "not":
            return Not(_node(*conditions(call, most=1)))
        case "has" | "exists":
            field_among(PROJECT_FIELDS, two(call)[0])
            return run_node(call)
        case "search" if len(call.args) == 1:
            return Search(words_of(call.args[0]), _SEARCHED)
        case "search":
            raise FilterError('search takes one argument here: search("words")', call.at)
        case name if name in _OPERATORS:
            named, argument = two(call)
            return compared(field_among(PROJECT_FIELDS, named), argument, Op(name), call)
    raise no_operator(call, _OPERATORS)


def _q(node: Node) -> Q:
    """Each condition is either true or false, so that not(…) includes projects without a value."""
    match node:
        case And(parts):
            return reduce(and_, map(_q, parts))
        case Or(parts):
            return reduce(or_, map(_q, parts))
        case Not(part):
            return ~_q(part)
        case Compare(field, check):
            return _compare(field, check)
        case Contains(_, text):
            return Q(extra__metadata__contains=msgspec.json.decode(text))
        case Exists(_, key):
            return Q(extra__metadata__has_key=key)
        case Search(words, columns):
            found = (reduce(or_, (Q(**{f"{column}__icontains": word}) for column in columns)) for word in words)
            return reduce(and_, found)
        case Has():
            raise FilterError("Projects have no tags")
    raise FilterError("This condition does not go with projects")


def _compare(field: str, check: Check) -> Q:
    match check.op:
        case Op.NEQ:
            return ~_compare(field, Check(Op.EQ, check.values))
        case Op.EQ if check.value is None:
            return Q(**{f"{field}__isnull": True})
        case Op.IN:
            return Q(**{f"{field}__in": list(check.values)})
        case Op.LIKE:
            return Q(Like(F(field), Value(like_pattern(str(check.value)))))
    return Q(**{f"{field}__{_LOOKUPS[check.op]}": check.value, f"{field}__isnull": False})
