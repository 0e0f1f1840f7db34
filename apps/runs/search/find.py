"""What a query does before it looks into the search tables: it has waiting runs indexed, and finds words by their parts."""

import json
from dataclasses import replace
from typing import Final

from django.db import connection

from apps.runs.query.nodes import And, Node, Not, Or, Pair, Search
from apps.runs.query.texts import any_of, like_literal
from apps.runs.search import index
from apps.runs.search.text import Clue, clues_of, fold

MAX_EXPANSION: Final = 1_000
"""A part that stands in more different words is left to the reading of texts: it is so common that a page is full soon."""
MAX_CLUES: Final = 40
_ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM runs_searchtext WHERE words @@ %s::tsquery"
_CONTAINING = "SELECT word FROM runs_searchword WHERE word LIKE %s LIMIT %s"


def prepared(node: Node) -> Node:
    """The same condition, with what the index has for its searches. Runs written before this call are found."""
    if not _looks_into_texts(node):
        return node
    index.catch_up()
    return _with_terms(node)


def _looks_into_texts(node: Node) -> bool:
    match node:
        case And(parts) | Or(parts):
            return any(map(_looks_into_texts, parts))
        case Not(part):
            return _looks_into_texts(part)
        case Search():
            return node.in_texts
        case Pair(relation):
            return relation in ("input", "output")
    return False


def _with_terms(node: Node) -> Node:
    match node:
        case And(parts):
            return And(tuple(map(_with_terms, parts)))
        case Or(parts):
            return Or(tuple(map(_with_terms, parts)))
        case Not(part):
            return Not(_with_terms(part))
        case Search() if node.in_texts:
            words = tuple(map(fold, node.words))
            clues = dict.fromkeys(clue for word in words for clue in clues_of(word))
            found = map(_containing, list(clues)[:MAX_CLUES])
            return replace(node, words=words, terms=_rarest([group for group in found if group is not None]))
    return node


def _rarest(groups: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """One group is enough to find the traces. Of several, PostgreSQL takes common words together for a rare thing, and the long way."""
    if len(groups) < 2 or not all(groups):
        return tuple(groups)
    return (min(groups, key=_estimated),)


def _estimated(group: tuple[str, ...]) -> float:
    """How many rows have one of the words, by PostgreSQL's statistics."""
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATE, [any_of(group)])
        plan = cursor.fetchone()[0]
    return float((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def _containing(clue: Clue) -> tuple[str, ...] | None:
    """The indexed words that have this part; None when there are too many."""
    if not (clue.open_before or clue.open_after):
        return (clue.text,)
    pattern = f"{'%' * clue.open_before}{like_literal(clue.text)}{'%' * clue.open_after}"
    with connection.cursor() as cursor:
        cursor.execute(_CONTAINING, [pattern, MAX_EXPANSION + 1])
        words = tuple(row[0] for row in cursor.fetchall())
    return None if len(words) > MAX_EXPANSION else words
