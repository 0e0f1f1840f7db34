"""What a query does before it looks into the search tables: it has waiting runs indexed, and finds words by their parts."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from django.db import connection, transaction

from apps.runs.query import jsonpath
from apps.runs.query.compile import of_trace
from apps.runs.query.jsonpath import as_number
from apps.runs.query.nodes import And, Compare, Node, Not, Op, Or, Pair, Search
from apps.runs.query.texts import like_literal
from apps.runs.query.totals import OF_SHOWN
from apps.runs.search import index, keys
from apps.runs.search.text import UNREAD, Clue, clues_of, fold

MAX_EXPANSION: Final = 1_000
"""A part that stands in more different words is left to the reading of texts: it is so common that a page is full soon."""
MAX_CLUES: Final = 40
MAX_TRACES: Final = 8_000
FEW_TRACES: Final = 2_000
MOST_DOUBTED: Final = 50_000
"""Runs that PostgreSQL expects of a metadata pair, up to which a few of its hundred sampled values may have misled it."""
MAX_TRIES: Final = 2
# PostgreSQL knows well how common a few words are.
FEW_WORDS: Final = 5
MAX_ESTIMATE: Final = 2 * MAX_TRACES
_TRACES = """
SELECT count(*), coalesce(array_agg(trace_id)::text, '{{}}') FROM (SELECT trace_id FROM {} LIMIT %s) AS found
"""
_ESTIMATE = "EXPLAIN (FORMAT JSON) SELECT FROM {}"
_WORDS = "runs_searchtext WHERE words && %s::int4[]"
_METADATA = "runs_run WHERE metadata @? %s::jsonpath"
_CONTAINING = "SELECT word FROM runs_searchword WHERE word LIKE %s LIMIT %s"


def with_few_traces(node: Node) -> Node:
    """Conditions on tokens and costs told the traces that meet them, where PostgreSQL expects few.

    A page of such runs is full late or never, and to look each root's trace up costs ten times what comparing it does.
    """
    match node:
        case And(parts):
            return And(tuple(map(with_few_traces, parts)))
        case Or(parts):
            return Or(tuple(map(with_few_traces, parts)))
        case Not(part):
            return Not(with_few_traces(part))
        case Compare(field, check) if field.startswith(OF_SHOWN):
            op = Op.EQ if check.op is Op.NEQ else check.op
            condition, params = of_trace(field.removeprefix(OF_SHOWN), replace(check, op=op))
            return replace(node, traces=_few(f"runs_trace WHERE {condition}", params))
    return node


def _few(rows: str, params: list[Any]) -> str | None:
    if _estimated(rows, params) > FEW_TRACES:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_TRACES.format(rows), [*params, FEW_TRACES + 1])
        count, traces = cursor.fetchone()
    return None if count > FEW_TRACES else str(traces)


def prepared(node: Node) -> Node:
    """The same condition, with what the index has for its searches. Runs written before this call are found."""
    if _looks_into_texts(node):
        index.catch_up()
    return _with_hints(node, negated=False)


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


def _with_hints(node: Node, *, negated: bool) -> Node:
    """negated: inside not(), where most runs match as a rule."""
    match node:
        case And(parts):
            return And(tuple(_with_hints(part, negated=negated) for part in parts))
        case Or(parts):
            return Or(tuple(_with_hints(part, negated=negated) for part in parts))
        case Not(part):
            return Not(_with_hints(part, negated=True))
        case Search() if node.in_texts:
            return _of_search(node)
        case Pair("input" | "output", (_, *_) as asked, False) if _have_numbers(asked):
            traces = _told([_of_pair(node)])
            return replace(node, traces=traces, common=traces is None)
        case Pair("input" | "output"):
            return replace(node, common=negated)
        case Pair("metadata", (_, *_), False, checks) if not negated and any(c.op in (Op.EQ, Op.IN) for c in checks):
            return replace(node, traces=_of_metadata(node))
    return node


def _of_search(search: Search) -> Search:
    words = tuple(map(fold, search.words))
    clues = dict.fromkeys(clue for word in words for clue in clues_of(word))
    quick = [clue for clue in clues if clue.is_quick]
    found = map(_containing, (quick or list(clues))[:MAX_CLUES])
    traces = _told([_numbers(keys.of_words(map(str.encode, group))) for group in found if group is not None])
    return replace(search, words=words, traces=traces, common=traces is None)


def _of_metadata(pair: Pair) -> str | None:
    """Taken for common, a pair is looked for from the newest run back, which takes long where it is rare: then its traces are told."""
    params = [jsonpath.with_key(pair.keys, pair.checks)]
    return _traces_of(_METADATA, params) if FEW_TRACES < _estimated(_METADATA, params) <= MOST_DOUBTED else None


def _have_numbers(paths: Iterable[str]) -> bool:
    """Whether the index has all runs' numbers of these; an empty step of a path is not told from none."""
    steps = {step for path in paths for step in path.split(".")}
    return "" not in steps and UNREAD.isdisjoint(steps) and not index.is_behind()


def _of_pair(pair: Pair) -> tuple[int, ...]:
    """Numbers of which the trace of a run that matches has one: of its keys, or of these with the values that it equals."""
    paths = [keys.of_path(pair.relation, key) for key in pair.keys]
    values = next((check.values for check in pair.checks if check.op in (Op.EQ, Op.IN)), None)
    if values is None:
        return _numbers(paths)
    texts = dict.fromkeys(text for value in values for text in _forms(str(value)))
    return _numbers(keys.of_value(path, text) for path in paths for text in texts)


def _numbers(found: Iterable[int]) -> tuple[int, ...]:
    return tuple(keys.signed(found))


def _forms(text: str) -> Iterator[str]:
    """As a text, and as the number that is written so."""
    yield text
    if (number := as_number(text)) is not None:
        yield keys.spelled(float(number))


def _told(groups: Sequence[tuple[int, ...]]) -> str | None:
    """The traces that have a number of the rarest group, as an array's text; None where they are too many to tell.

    Told, because PostgreSQL takes many rare words together for a common one, and two common words together for a rare thing.
    """
    if not all(groups):
        return "{}"
    estimates = {group: _estimated(_WORDS, [list(group)]) for group in groups}
    likely = [group for group in estimates if len(group) > FEW_WORDS or estimates[group] < MAX_ESTIMATE]
    # Of many words the estimate is far too high, so they come first.
    for group in sorted(likely, key=lambda group: (len(group) <= FEW_WORDS, estimates[group]))[:MAX_TRIES]:
        if (traces := _traces_of(_WORDS, [list(group)])) is not None:
            return traces
    return None


def _estimated(rows: str, params: list[Any]) -> float:
    """How many there are, by PostgreSQL's statistics."""
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATE.format(rows), params)
        plan = cursor.fetchone()[0]
    return float((json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]["Plan Rows"])


def _traces_of(rows: str, params: list[Any]) -> str | None:
    """By an index; None when there are too many."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(_TRACES.format(rows), [*params, MAX_TRACES + 1])
        count, traces = cursor.fetchone()
        cursor.execute("SET LOCAL enable_seqscan = on")
    return None if count > MAX_TRACES else traces


def _containing(clue: Clue) -> tuple[str, ...] | None:
    """The indexed words that have this part; None when there are too many."""
    if not (clue.open_before or clue.open_after):
        return (clue.text,)
    pattern = f"{'%' * clue.open_before}{like_literal(clue.text)}{'%' * clue.open_after}"
    with connection.cursor() as cursor:
        cursor.execute(_CONTAINING, [pattern, MAX_EXPANSION + 1])
        words = tuple(row[0] for row in cursor.fetchall())
    return None if len(words) > MAX_EXPANSION else words
