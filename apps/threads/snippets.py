"""Where the words of a search stand in a thread, each in a line of its latest turn that has them."""

from collections.abc import Sequence

from django.db import connection

from apps.projects.models import Project
from apps.runs.listing.snippets import COLUMNS, Snippet, given, snippet
from apps.runs.query import texts
from apps.runs.query.nodes import Node, Search
from apps.runs.search.find import prepared
from apps.threads.models import Thread

# The latest turn that has the words in what was asked and answered, else in any of its runs: a word of the system prompt, which every
# model call has, tells nothing about the conversation.
_FOUND = f"""
SELECT DISTINCT ON (trace.thread_id) trace.thread_id, {COLUMNS}
FROM runs_trace AS trace JOIN runs_searchtext AS text ON text.trace_id = trace.trace_id
JOIN runs_run AS run ON run.trace_id = text.trace_id AND run.id = text.id
WHERE trace.project_id = %s AND trace.thread_id = ANY(%s)
    AND (SELECT {{condition}} FROM runs_searchtext AS own WHERE own.trace_id = text.trace_id AND own.id = text.id)
ORDER BY trace.thread_id, text.id = text.trace_id DESC, trace.start_time DESC, text.id
"""


def snippets_of(project: Project, threads: Sequence[Thread], asked: Node | None) -> dict[str, Snippet]:
    """By thread id, in one query."""
    search = prepared(asked) if asked and threads else None
    if not isinstance(search, Search):
        return {}
    condition, params = texts.search(search)
    with connection.cursor() as cursor:
        cursor.execute(
            _FOUND.replace("{condition}", condition),
            [*given(search.words[0]), project.pk, [thread.thread_id for thread in threads], *params],
        )
        return {thread_id: snippet(found, search.words) for thread_id, *found in cursor.fetchall()}
