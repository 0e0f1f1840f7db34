"""Conditions on the search table, as SQL."""

from collections.abc import Sequence
from typing import Any

from apps.runs.query.nodes import Search

# Of a trace only one run has a word in the index, so the index tells traces, and the texts tell which of their runs match.
_IN_TRACES = "trace_id IN (SELECT trace_id FROM runs_searchtext WHERE words @@ %s::tsquery)"


def search(node: Search) -> tuple[str, list[Any]]:
    """The words, which are folded, all stand in the texts of its fields."""
    conditions: list[str] = []
    params: list[Any] = []
    for word in node.words:
        conditions.append("(" + " OR ".join(f"{column} LIKE %s" for column in node.fields) + ")")
        params += [f"%{like_literal(word)}%"] * len(node.fields)
    if node.traces is not None:
        conditions.append("trace_id = ANY(%s)")
        params.append(list(node.traces))
    elif node.terms:
        conditions.append(_IN_TRACES)
        params.append(any_of(node.terms))
    return " AND ".join(conditions), params


def any_of(words: Sequence[str]) -> str:
    """As a tsquery; words of the index have no character that needs a quote."""
    return " | ".join(words)


def pairs(relation: str, path: str) -> tuple[str, list[Any]]:
    """relation is input or output, path an SQL/JSON path."""
    return f"{relation}_pairs @? %s::jsonpath", [path]


def like_pattern(pattern: str) -> str:
    """PostgreSQL refuses a pattern that ends in a lone backslash; here such a one stands for itself."""
    lone = (len(pattern) - len(pattern.rstrip("\\"))) % 2
    return pattern + "\\" * lone


def like_literal(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
