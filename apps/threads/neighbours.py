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
    """Thread ids, None at either end. before: how many rows stand above it; total: how many there are; None where nobody has counted.
    Where total_is_exact is not, both counts stopped past MOST_COUNTED; before always does."""

    above: str | None = None
    below: str | None = None
    before: int | None = None
    total: int | None = None
    total_is_exact: bool = False

    @property
    def place(self) -> str:
        """7 of 212, or as much of it as was counted."""
        if self.before is None or self.total is None:
            return ""
        position = f"{self.before + 1:,}" if self.before < MOST_COUNTED else f"{MOST_COUNTED:,}+"
        # A thread that arrives between two counts would be the 3rd of 2.
        total = max(self.total, self.before + 1)
        return f"{position} of {f'{MOST_COUNTED:,}+' if not self.total_is_exact and total > MOST_COUNTED else f'{total:,}'}"


def neighbours(project: Project, thread: Thread, query: str = "") -> Neighbours:
    """In the list with that query string. A thread that has left it has the neighbours of the whole project, and no position."""
    asked = Asked.of_query(query)
    if is_plain(asked):
        return Neighbours(*Thread.objects.beside(thread, MOST_COUNTED), total_is_exact=True)
    return _in_list(project, thread, asked) or uncounted(thread)


def uncounted(thread: Thread) -> Neighbours:
    """Those of the whole project in the usual order."""
    return Neighbours(*Thread.objects.beside(thread, 0)[:2])


def is_plain(asked: Asked) -> bool:
    """Whether it is the whole project in the usual order, whose neighbours and place cost a few steps along one index."""
    return not asked.is_narrow and sort_of(asked.sort).text == DEFAULT_SORT


def _in_list(project: Project, thread: Thread, asked: Asked) -> Neighbours | None:
    threads = narrowed(project, asked)
    # An order by values that are gathered from all turns is too dear for two neighbours.
    sort = sort_of(DEFAULT_SORT if (found := sort_of(asked.sort)).column.pairs else found.text)
    rows, terms = ordered(threads, sort)
    here = rows.filter(pk=thread.pk).first()
    if here is None:
        return None
    backwards = [term.reversed() for term in terms]
    before, after = preceding(rows, terms, here), preceding(rows, backwards, here)
    above = before.order_by(*(term.order_by() for term in backwards)).first()
    below = after.order_by(*(term.order_by() for term in terms)).first()
    return Neighbours(
        above.thread_id if above else None,
        below.thread_id if below else None,
        before[:MOST_COUNTED].count(),
        threads.order_by()[: MOST_COUNTED + 1].count() if asked.is_narrow else project.totals().thread_count,
        total_is_exact=not asked.is_narrow,
    )
