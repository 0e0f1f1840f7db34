"""The threads before and after one in the list that the reader came from."""

from dataclasses import dataclass

from apps.common.paging import preceding
from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.threads.models import Thread
from apps.threads.narrow import narrowed
from apps.threads.sorts import DEFAULT_SORT, MOST_COUNTED, ordered, sort_of


@dataclass(frozen=True)
class Neighbours:
    """Thread ids, None at either end. position counts from 1; it is 0, and total None, where nobody has counted."""

    above: str | None = None
    below: str | None = None
    position: int = 0
    total: int | None = None

    @property
    def many(self) -> bool:
        """Whether there are more than were counted."""
        return self.total is not None and self.total > MOST_COUNTED


def neighbours(project: Project, thread: Thread, query: str) -> Neighbours:
    """In the list with that query string. A thread that has left it has the neighbours of the whole project, and no position."""
    asked = Asked.of_query(query)
    threads = narrowed(project, asked)
    # An order by values that are gathered from all turns is too dear for two neighbours.
    sort = sort_of(DEFAULT_SORT if (found := sort_of(asked.sort)).column.pairs else found.text)
    rows, terms = ordered(threads, sort)
    here = rows.filter(pk=thread.pk).first()
    if here is None:
        return Neighbours(*Thread.objects.in_project(project).beside(thread))
    backwards = [term.reversed() for term in terms]
    before, after = preceding(rows, terms, here), preceding(rows, backwards, here)
    above = before.order_by(*(term.order_by() for term in backwards)).first()
    below = after.order_by(*(term.order_by() for term in terms)).first()
    position = before[: MOST_COUNTED + 1].count() + 1
    return Neighbours(
        above.thread_id if above else None,
        below.thread_id if below else None,
        position if position <= MOST_COUNTED else 0,
        threads.order_by()[: MOST_COUNTED + 1].count(),
    )
