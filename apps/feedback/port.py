"""What feedback does for the apps below it; see apps/projects/ports.py."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from apps.feedback import aggregate, following, reconcile
from apps.feedback.queues import following as queues
from apps.projects.ports import FeedbackPort, Refusal, RunKey, Stats


class Port(FeedbackPort):
    def receive(self, workspace: Any, parts: Sequence[tuple[str, bytes]]) -> list[Refusal]:
        from apps.feedback.receive import receive  # it brings the API's types, which the worker does without

        return receive(workspace, parts)

    def runs_written(self, cursor: Any, workspace_id: UUID, runs: Collection[RunKey]) -> None:
        following.runs_written(cursor, workspace_id, runs)

    def traces_merged(self, cursor: Any, into: Mapping[UUID, UUID]) -> None:
        following.traces_merged(cursor, into)
        queues.traces_merged(cursor, into)

    def traces_moved(self, cursor: Any, traces: Collection[UUID]) -> None:
        following.traces_moved(cursor, traces)

    def traces_gone(self, cursor: Any, traces: Collection[UUID]) -> None:
        following.traces_gone(cursor, traces)
        queues.traces_gone(cursor, traces)

    def threads_gone(self, cursor: Any, threads: Collection[UUID]) -> None:
        following.threads_gone(cursor, threads)
        queues.threads_gone(cursor, threads)

    def drift(self, *, fix: bool) -> Iterator[tuple[str, str]]:
        return reconcile.drift(fix=fix)

    def of_runs(self, runs: Iterable[RunKey]) -> dict[RunKey, Stats]:
        return aggregate.of_runs(runs)

    def of_threads(self, project_id: UUID, thread_ids: Collection[str]) -> dict[str, tuple[Stats, Stats]]:
        return aggregate.of_threads(project_id, thread_ids)

    def of_run_query(self, runs: Any) -> Stats:
        return aggregate.of_run_query(runs)

    def of_thread_query(self, threads: Any) -> Stats:
        return aggregate.of_thread_query(threads)

    def of_projects(self, project_ids: Collection[UUID]) -> dict[UUID, tuple[Stats, Stats]]:
        return aggregate.of_projects(project_ids)
