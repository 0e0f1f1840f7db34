"""What lower apps need of those built on them: they call `ports.feedback` and `ports.outdated`, where these put themselves when ready.

Stats are by feedback key, in the shape of the API. Cursors are psycopg's own, inside the writer's transaction and locks.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from apps.projects.models import Project

type Stats = dict[str, dict[str, Any]]
type RunKey = tuple[UUID, UUID]
type Refusal = tuple[str, str]


NO_FEEDBACK: tuple[Stats, Stats] = ({}, {})


class FeedbackPort:
    """Without the feedback app there is no feedback."""

    def receive(self, workspace: Any, parts: Sequence[tuple[str, bytes]]) -> list[Refusal]:
        """Store multipart parts, (id, JSON text) each. Returns (id, reason) of those that were not taken."""
        return []

    def runs_written(self, cursor: Any, workspace_id: UUID, runs: Collection[RunKey]) -> None:
        """Link the feedback that has waited for these runs, given as (trace id, run id)."""

    def traces_merged(self, cursor: Any, into: Mapping[UUID, UUID]) -> None:
        """The runs of these traces go to others."""

    def traces_moved(self, cursor: Any, traces: Collection[UUID]) -> None:
        """The thread or the project of these traces may be another now."""

    def traces_gone(self, cursor: Any, traces: Collection[UUID]) -> None:
        """These traces have no runs any more."""

    def threads_gone(self, cursor: Any, threads: Collection[UUID]) -> None:
        """The traces of these threads, given by their uuids, were deleted; some threads may still have others."""

    def drift(self, *, fix: bool) -> Iterator[tuple[str, str]]:
        """(kind, key) of each row that is not what it should be."""
        yield from ()

    def of_runs(self, runs: Iterable[RunKey]) -> dict[RunKey, Stats]:
        return {}

    def of_threads(self, project_id: UUID, thread_ids: Collection[str]) -> dict[str, tuple[Stats, Stats]]:
        """By thread id: over all runs of the thread, and about the thread as a whole."""
        return {}

    def of_run_query(self, runs: Any) -> Stats:
        """Over all runs of a queryset."""
        return {}

    def of_thread_query(self, threads: Any) -> Stats:
        """About the threads of a queryset as a whole."""
        return {}

    def of_projects(self, project_ids: Collection[UUID]) -> dict[UUID, tuple[Stats, Stats]]:
        """By project: over all its runs, and about the project as a whole."""
        return {}


feedback: FeedbackPort = FeedbackPort()


def _none(project: Project, days: int) -> int:
    return 0


outdated: Callable[[Project, int], int] = _none
"""How many threads of the project would go if it kept them for so many days."""


def combined(own: Stats, whole: Stats) -> Stats:
    """feedback_stats of a thread: those of its runs, and of keys that only the thread as a whole has, those."""
    both = {**whole, **own}
    return {key: {**stats, "contains_thread_feedback": key in whole} for key, stats in sorted(both.items())}
