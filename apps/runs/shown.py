"""The runs that the page of a thread shows, by statements that are written once."""

import uuid
from collections.abc import Sequence
from typing import Final

from apps.common.sql import Statement, Written
from apps.projects.models import Project
from apps.runs.models import IN_TREE, Run, RunQuerySet, Trace

_TREE: Final = ", ".join(IN_TREE)

# A trace has few steps beside its model calls, whose inputs are the whole conversation.
_TURNS: Final = Statement(
    Run,
    (*IN_TREE, "inputs", "outputs"),
    f"""
SELECT {_TREE}, inputs, outputs FROM runs_run WHERE project_id = %s AND trace_id = ANY(%s) AND id = ANY(%s)
UNION ALL
(SELECT {_TREE}, CASE WHEN run_type <> 'llm' THEN inputs END, NULL FROM runs_run
WHERE project_id = %s AND trace_id = ANY(%s) AND parent_run_id IS NOT NULL AND id <> trace_id
    AND run_type IN ('tool', 'retriever', 'llm')
ORDER BY dotted_order, id LIMIT %s)
""",
)


def of_turns(project: Project, traces: Sequence[uuid.UUID], most_steps: int) -> tuple[dict[uuid.UUID, Run], list[Run]]:
    """The roots by their traces, and in preorder what an agent does between question and answer: its tools with their inputs, and its
    model calls without."""
    ids = list(traces)
    found = _TURNS.rows(project.pk, ids, ids, project.pk, ids, most_steps)
    roots = {run.trace_id: run for run in found if run.id == run.trace_id}
    return roots, [run for run in found if run.id != run.trace_id]


_ROWS: Final = Statement(
    Run,
    IN_TREE,
    f"SELECT {_TREE} FROM runs_run WHERE project_id = %s AND trace_id = ANY(%s) ORDER BY dotted_order, id LIMIT %s",
)


def in_tree(project: Project, traces: Sequence[uuid.UUID], most: int) -> list[Run]:
    """The runs of these traces with what the rows of a tree show, trace after trace by the start of their roots, each in preorder."""
    return _ROWS.rows(project.pk, list(traces), most)


def _of_thread(project: uuid.UUID, thread_id: str, run_id: uuid.UUID) -> RunQuerySet:
    within = Project(project)
    traces = Trace.objects.in_project(within).in_thread(thread_id).order_by().values("trace_id")
    return Run.objects.in_project(within).filter(trace_id__in=traces).with_id(run_id)


_OF_THREAD: Final = Written(_of_thread, uuid.uuid4(), "thread", uuid.uuid4())


def of_thread(project: Project, thread_id: str, run_id: uuid.UUID) -> Run | None:
    """With all that was sent; None for what is no run of the thread."""
    return next(iter(_OF_THREAD(project.pk, thread_id, run_id)), None)
