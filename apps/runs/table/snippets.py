"""Where the words of a search stand in the runs of a page."""

from collections.abc import Sequence

from django.db import connection

from apps.projects.ports import RunKey
from apps.runs.listing.snippets import COLUMNS, Snippet, given, snippet
from apps.runs.models import Run
from apps.runs.query.nodes import Node, Search
from apps.runs.search.text import fold

_FOUND = f"""
SELECT run.trace_id, run.id, {COLUMNS}
FROM unnest(%s::uuid[], %s::uuid[]) AS wanted (trace_id, id)
JOIN runs_searchtext AS text ON text.trace_id = wanted.trace_id AND text.id = wanted.id
JOIN runs_run AS run ON run.trace_id = wanted.trace_id AND run.id = wanted.id
"""


def snippets_of(runs: Sequence[Run], asked: Node | None) -> dict[RunKey, Snippet]:
    """By key, in one query: the runs were found by these words."""
    if not isinstance(asked, Search) or not runs:
        return {}
    words = [fold(word) for word in asked.words]
    ids = [[run.trace_id for run in runs], [run.id for run in runs]]
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [*given(words[0]), *ids])
        return {(trace_id, run_id): snippet(found, words) for trace_id, run_id, *found in cursor.fetchall()}
