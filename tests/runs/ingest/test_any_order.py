"""Any order of arrival, any split over requests, twice or not: the same rows, and rollups without drift."""

import contextlib
import itertools
import random
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.db import connection, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Workspace
from apps.projects.models import Project
from apps.runs.ingest import sql, store
from apps.runs.ingest.deliver import Incoming, accept
from apps.runs.ingest.reconcile import reconcile
from apps.runs.ingest.schema import run_decoder
from apps.runs.models import Run, Trace
from apps.threads.models import Thread
from tests.factories import WorkspaceFactory
from tests.runs.ingest.wire import Wire, wire_run

EXAMPLES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ROWS = ("runs_run", "runs_trace", "threads_thread", "projects_projecttally")
COLUMNS = [column for column in sql.COLUMNS if column != "received_at"]

type Change = tuple[Wire, bool]

_THREADS = st.sampled_from([None, "a", "b"])
_USAGE = st.sampled_from(
    [None, {"input_tokens": 3, "output_tokens": 4}, {"input_tokens": 1, "output_tokens": 1, "total_cost": 0.1}]
)
_KINDS = st.sampled_from(["chain", "llm", "llm", "tool"])


@st.composite
def runs_with_patches(draw: st.DrawFn) -> list[Change]:
    """Up to three traces of up to five runs; each run is a post and, mostly, a patch with the rest of it."""
    changes: list[Change] = []
    for trace in range(draw(st.integers(1, 3))):
        known: list[Wire] = []
        for index in range(draw(st.integers(1, 5))):
            parent = draw(st.sampled_from(known)) if known else None
            run_id = uuid.UUID(int=trace * 100 + index + 1)
            run = wire_run(parent, id=run_id, at=trace * 100 + index, seconds=None, run_type=draw(_KINDS))
            known.append(run)
            changes += _changes_of(draw, run)
    return changes


def _changes_of(draw: st.DrawFn, run: Wire) -> Iterator[Change]:
    late: Wire = {
        key: run[key] for key in ("id", "trace_id", "parent_run_id", "dotted_order", "run_type", "session_name")
    }
    late["end_time"] = run["start_time"].replace("T12", "T13")
    if draw(st.booleans()):
        late["error"] = "boom"
    if usage := draw(_USAGE):
        late["outputs"] = {"text": "x", "usage_metadata": usage}
    for change in (run, late):
        metadata = {"session_id": draw(_THREADS), f"k{draw(st.integers(0, 2))}": draw(st.integers(0, 9))}
        change["extra"] = {"metadata": metadata, "runtime": {"sdk": "test"}}
    run["tags"] = draw(st.sampled_from([None, ["x"], []]))
    yield run, False
    if draw(st.integers(0, 3)):
        yield late, True


def incoming(changes: list[Change]) -> list[Incoming]:
    return [Incoming(run_decoder.decode(msgspec.json.encode(run)), patch) for run, patch in changes]


def rows() -> list[dict[str, Any]]:
    return [
        {name: bytes(value) if isinstance(value, memoryview) else value for name, value in row.items()}
        for row in Run.objects.order_by("trace_id", "id").values(*COLUMNS)
    ]


@contextlib.contextmanager
def undone() -> Iterator[Workspace]:
    """A workspace for one example; nothing of the example stays."""
    with transaction.atomic():
        yield WorkspaceFactory(name="w")
        transaction.set_rollback(True)


def cleared() -> None:
    with connection.cursor() as cursor:
        for table in ROWS:
            cursor.execute(f"DELETE FROM {table}")


def requests(draw: st.DrawFn, changes: list[Change]) -> list[list[Change]]:
    """The changes, some twice, shuffled and cut into requests."""
    again = draw(st.lists(st.sampled_from(changes), max_size=4))
    shuffled = draw(st.permutations(changes + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(shuffled)), max_size=4)))
    return [shuffled[start:end] for start, end in itertools.pairwise([0, *cuts, len(shuffled)])]


@pytest.mark.django_db
@EXAMPLES
@given(data=st.data())
def test_any_order_gives_the_rows_of_delivery_in_order(data: st.DataObject) -> None:
    changes = data.draw(runs_with_patches())
    with undone() as workspace:
        project = Project.objects.create(workspace=workspace, name="app")
        for change in changes:
            accept(workspace, incoming([change]))
        expected = rows()
        cleared()
        for request in data.draw(st.composite(requests)(changes)):
            accept(workspace, incoming(request))
        assert rows() == expected
        assert list(reconcile()) == []
        assert {run.project_id for run in Run.objects.all()} == {project.pk}


@pytest.mark.django_db
@EXAMPLES
@given(data=st.data())
def test_deleted_traces_leave_no_trace_in_the_totals(data: st.DataObject) -> None:
    changes = data.draw(runs_with_patches())
    with undone() as workspace:
        for request in data.draw(st.composite(requests)(changes)):
            accept(workspace, incoming(request))
            if traces := sorted(Trace.objects.values_list("pk", flat=True)):
                store.delete_traces([data.draw(st.sampled_from(traces))])
        assert list(reconcile()) == []
        accept(workspace, incoming(changes))
        assert list(reconcile()) == []


def twelve_turns() -> list[Change]:
    """Of three threads, each run as a post and a patch."""
    changes: list[Change] = []
    for turn in range(12):
        root = wire_run(at=turn, thread=f"t{turn % 3}", seconds=None)
        for run in (
            root,
            *(wire_run(root, at=turn, run_type="llm", thread=f"t{turn % 3}", seconds=None) for _ in range(3)),
        ):
            usage = {"usage_metadata": {"input_tokens": 1, "output_tokens": 1}}
            end = {"end_time": run["start_time"].replace("T12", "T13"), "outputs": usage}
            changes += [(run, False), ({**run, **end}, True)]
    return changes


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(6))
def test_three_writers_of_the_same_traces_agree_with_one(seed: int) -> None:
    chance = random.Random(seed)
    workspace: Workspace = WorkspaceFactory()
    changes = twelve_turns()
    project = Project.objects.create(workspace=workspace, name="app")
    for change in changes:
        accept(workspace, incoming([change]))
    expected = rows()
    cleared()
    problems: list[BaseException] = []

    def send(part: list[Change]) -> None:
        try:
            while part:
                count = chance.randint(1, 8)
                accept(workspace, incoming(part[:count]))
                part = part[count:]
        except BaseException as error:
            problems.append(error)
        finally:
            connections.close_all()

    shuffled = [chance.sample(changes, len(changes)) for _ in range(3)]
    senders = [threading.Thread(target=send, args=(part,)) for part in shuffled]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert problems == []
    assert rows() == expected
    assert list(reconcile()) == []
    assert Thread.objects.in_project(project).count() == 3
