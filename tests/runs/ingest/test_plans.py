"""Statements of the write path are planned once a connection, on whatever lies in the tables then; the plan must be good for what comes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from apps.runs.ingest import rehome, sql, store
from apps.runs.ingest.deliver import deliver
from tests.factories import WorkspaceFactory
from tests.runs.ingest.wire import patch_of, wire_run

# Reading a project by one of these to find a few of its runs takes the longer the more it has.
OF_A_WHOLE_PROJECT = {"run_latest", "run_named", "run_errored", "run_open", "trace_latest", "thread_latest"}


def empty() -> None:
    pass


def small_but_for_the_index_of_threads() -> None:
    workspace = WorkspaceFactory()
    runs = [wire_run(at=at, seconds=None, thread=f"{at % 40:032}") for at in range(110)]
    deliver(workspace, runs)
    deliver(workspace, [], [patch_of(run, end_time=run["start_time"], extra=run["extra"]) for run in runs])


def many_small_projects() -> None:
    deliver(WorkspaceFactory(), [wire_run(at=at, thread=str(at), session_name=f"app-{at}") for at in range(120)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE runs_run, runs_trace, threads_thread, projects_project")


@pytest.fixture(params=[empty, small_but_for_the_index_of_threads, many_small_projects])
def filled(request: pytest.FixtureRequest, db: None) -> None:
    """New tables: those that other tests have used keep their pages and statistics."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE runs_run, runs_trace, threads_thread CASCADE")
    request.param()


def plan_of(statement: str, settings: str) -> Any:
    names: dict[str, str] = {}
    numbered = re.sub(r"%\((\w+)\)s", lambda match: names.setdefault(match[1], f"${len(names) + 1}"), statement)
    with transaction.atomic(), store.raw_cursor() as cursor:
        cursor.execute(sql.PLAN_ONCE)
        cursor.execute(settings)
        cursor.execute(f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {numbered}".replace("%%", "%"))
        return cursor.fetchone()[0][0]["Plan"]


def indexes_of(plan: Any) -> Iterator[str]:
    if "Index Name" in plan:
        yield plan["Index Name"]
    for part in plan.get("Plans", ()):
        yield from indexes_of(part)


@pytest.mark.parametrize(
    ("statement", "settings"),
    [
        pytest.param(sql.REFRESH_THREADS, sql.IN_ORDER, id="threads"),
        pytest.param(sql.UPDATE_TRACES, "SELECT", id="traces"),
        pytest.param(rehome.FIND, "SELECT", id="provisional"),
    ],
)
def test_no_batch_reads_a_whole_project(filled: None, statement: str, settings: str) -> None:
    used = set(indexes_of(plan_of(statement, settings)))
    assert used
    assert not used & OF_A_WHOLE_PROJECT
