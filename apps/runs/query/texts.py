"""Conditions on the search table, as SQL."""

from collections.abc import Collection, Sequence
from typing import Any

# Of a trace only one run has a word in the index, so the index tells traces, and the texts tell which of their runs match.
_IN_TRACES = "trace_id IN (SELECT trace_id FROM runs_searchtext WHERE words @@ %s::tsquery)"


def search(words: Sequence[str], columns: Collection[str], terms: Sequence[Sequence[str]]) -> tuple[str, list[Any]]:
    """The folded words all stand in the texts of the columns. A group of terms that is empty: no run has them all."""
    if not all(terms):
        return "false", []
    conditions, params = [], []
    for word in words:
        conditions.append("(" + " OR ".join(f"{column} LIKE %s" for column in columns) + ")")
        params += [f"%{like_literal(word)}%"] * len(columns)
    for group in terms:
        conditions.append(_IN_TRACES)
        params.append(any_of(group))
    return " AND ".join(conditions), params


def any_of(words: Sequence[str]) -> str:
    """As a tsquery; words of the index have no character that needs a quote."""
    return " | ".join(words)


def pairs(relation: str, path: str) -> tuple[str, list[Any]]:
    """relation is input or output, path an SQL/JSON path."""
    return f"{relation}_pairs @? %s::jsonpath", [path]


def like_literal(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
