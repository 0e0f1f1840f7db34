"""What a query does before it looks into the search tables: it has waiting runs indexed, and finds words by their parts."""

import json
from dataclasses import replace
from typing import Final
from uuid import UUID

from django.db import connection, transaction

from apps.runs.query.nodes import And, Node, Not, Or, Pair, Search
from apps.runs.query.texts import any_of, like_literal
from apps.runs.search import index
from apps.runs.search.text import Clue, clues_of, fold

MAX_EXPANSION: Final = 1_000
"""A part that stands in more different words is left to the reading of texts: it is so common that a page is full soon."""
MAX_CLUES: Final = 40
MAX_TRACES: Final = 8_000
MAX_TRIES: Final = 2
# PostgreSQL knows well how common a few words are.
FEW_WORDS: Final = 5
MAX_ESTIMATE: Final = 2 * MAX_TRACES
_TRACES = "SELECT trace_id FROM runs_searchtext WHERE words @@ %s::tsquery LIMIT %s"
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
            quick = [clue for clue in clues if clue.is_quick]
            found = map(_containing, (quick or list(clues))[:MAX_CLUES])
            return _narrowed(replace(node, words=words), [group for group in found if group is not None])
    return node


def _narrowed(search: Search, groups: list[tuple[str, ...]]) -> Search:
    """With the traces that have a word of the rarest group, or that group where they are too many to tell.

    Told, because PostgreSQL takes many rare words together for a common one and walks through all runs, and two common words together
    for a rare thing and collects most traces.
    """
    if not all(groups):
        return replace(search, traces=())
    estimates = {group: _estimated(group) for group in groups}
    likely = [group for group in estimates if len(group) > FEW_WORDS or estimates[group] < MAX_ESTIMATE]
    # Of many words the estimate is far too high, so they come first.
    for group in sorted(likely, key=lambda group: (len(group) <= FEW_WORDS, estimates[group]))[:MAX_TRIES]:
        if (traces := _traces_with(group)) is not None:
            return replace(search, traces=traces)
    return replace(search, terms=min(estimates, key=lambda group: estimates[group], default=()))


def _estimated(group: tuple[str, ...]) -> float:
    """How many rows have one of the words, by PostgreSQL's statistics."""
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATE, [any_of(group)])
        plan = cursor.fetchone()[0]
    return float((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def _traces_with(group: tuple[str, ...]) -> tuple[UUID, ...] | None:
    """The traces that have one of the words; None when there are too many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(_TRACES, [any_of(group), MAX_TRACES + 1])
        traces = tuple(row[0] for row in cursor.fetchall())
        cursor.execute("SET LOCAL enable_seqscan = on")
    return None if len(traces) > MAX_TRACES else traces


def _containing(clue: Clue) -> tuple[str, ...] | None:
    """The indexed words that have this part; None when there are too many."""
    if not (clue.open_before or clue.open_after):
        return (clue.text,)
    pattern = f"{'%' * clue.open_before}{like_literal(clue.text)}{'%' * clue.open_after}"
    with connection.cursor() as cursor:
        cursor.execute(_CONTAINING, [pattern, MAX_EXPANSION + 1])
        words = tuple(row[0] for row in cursor.fetchall())
    return None if len(words) > MAX_EXPANSION else words
