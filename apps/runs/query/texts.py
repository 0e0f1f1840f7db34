"""Conditions on the search table, as SQL."""

from typing import Any

from apps.runs.query.nodes import Search


def search(node: Search) -> tuple[str, list[Any]]:
    """The words, which are folded, all stand in the texts of its fields."""
    conditions: list[str] = []
    params: list[Any] = []
    for word in node.words:
        # Quicker than LIKE the longer the word is.
        conditions.append("(" + " OR ".join(f"strpos({column}, %s) > 0" for column in node.fields) + ")")
        params += [word] * len(node.fields)
    return " AND ".join(conditions), params


def pairs(relation: str, path: str) -> tuple[str, list[Any]]:
    """relation is input or output, path an SQL/JSON path."""
    return f"{relation}_pairs @? %s::jsonpath", [path]


def like_pattern(pattern: str) -> str:
    """PostgreSQL refuses a pattern that ends in a lone backslash; here such a one stands for itself."""
    lone = (len(pattern) - len(pattern.rstrip("\\"))) % 2
    return pattern + "\\" * lone


def like_literal(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
