"""Tokens and costs of a root run are those of its whole trace, as answers and pages show them: here conditions learn it.

But for a root that is a model call: it shows its own, which are all there are unless it has others below it.
"""

from dataclasses import replace
from typing import Final

from apps.runs.query.nodes import And, Compare, Node, Not, Op, Or

USAGE: Final = frozenset(f"{part}_{unit}" for part in ("total", "prompt", "completion") for unit in ("tokens", "cost"))
OF_TRACE: Final = "trace."
"""Begins the name of a field that compile.py looks up in the trace's row. The language cannot say it."""
OF_SHOWN: Final = "shown."
"""Likewise: in the trace's row for a root, in its own for any other run."""


def of_traces(node: Node, prefix: str = OF_TRACE) -> Node:
    """The condition on a root, asked of its trace where it is about tokens or costs."""
    match node:
        case And(parts):
            return And(tuple(of_traces(part, prefix) for part in parts))
        case Or(parts):
            return Or(tuple(of_traces(part, prefix) for part in parts))
        case Not(part):
            return Not(of_traces(part, prefix))
        case Compare(field) if field in USAGE:
            return replace(node, field=prefix + field)
    return node


def of_shown(node: Node) -> Node:
    """The condition on any run, asked of what is shown of it."""
    return of_traces(node, OF_SHOWN)


def asks_for_roots(node: Node) -> bool:
    """Whether nothing but roots can meet it."""
    match node:
        case And(parts):
            return any(map(asks_for_roots, parts))
        case Compare("is_root" | "execution_order", check):
            return check.value is (check.op is Op.EQ)
    return False
