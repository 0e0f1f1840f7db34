"""Totals by thread equal a recomputation, whatever happens to feedback, runs and threads and in whatever order."""

import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts.models import Workspace
from apps.feedback import services
from apps.feedback.aggregate import Summary, columns_of
from apps.feedback.draft import Draft
from apps.feedback.models import Feedback, ThreadLabel, ThreadScore
from apps.projects.models import Project
from apps.runs.ingest import store
from apps.runs.ingest.deliver import deliver
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run, Trace
from tests.factories import EPOCH, WorkspaceFactory
from tests.threads.wire import run

EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
RUNS = [uuid.UUID(int=number) for number in range(1, 7)]
FEEDBACK = [uuid.UUID(int=number) for number in range(100, 108)]
KEYS = ["good", "tone"]
SCORES = st.sampled_from([None, Decimal(0), Decimal(1), Decimal("0.5"), Decimal("-3.25"), Decimal("0.000001")])
VALUES = st.sampled_from([None, "yes", "no", ["a", "b"], True, 5, {"deep": [1]}, "x" * 101])
JUDGES = st.sampled_from([{}, {"metadata": {"judge": "j1"}}, {"metadata": {"judge": "j2"}}, {"user_id": "u"}])


def verdicts(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "key": draw(st.sampled_from(KEYS)),
        "score": draw(SCORES),
        "value": draw(VALUES),
        "comment": draw(st.sampled_from([None, "hm"])),
        "error": draw(st.booleans()),
        "source": draw(JUDGES),
        "source_type": draw(st.sampled_from(["api", "model"])),
        "created_at": EPOCH + timedelta(seconds=draw(st.integers(0, 5))),
    }


def give(draw: st.DrawFn, workspace: Workspace, project: Project) -> None:
    """On a run that may be there or not, or on a thread, under an id that may be in use."""
    target: dict[str, Any] = {"run_id": draw(st.sampled_from(RUNS))}
    if draw(st.integers(0, 3)) == 0:
        target = {"thread_id": draw(st.sampled_from(["a", "b"])), "project_id": project.pk}
    services.record(workspace, Draft(id=draw(st.sampled_from(FEEDBACK)), **target, **verdicts(draw)))


def change(draw: st.DrawFn, workspace: Workspace, project: Project) -> None:
    for feedback in Feedback.objects.with_id(draw(st.sampled_from(FEEDBACK))):
        values = verdicts(draw)
        services.change(feedback, **{name: values[name] for name in ("score", "value", "comment", "source")})


def remove(draw: st.DrawFn, workspace: Workspace, project: Project) -> None:
    for feedback in Feedback.objects.with_id(draw(st.sampled_from(FEEDBACK))):
        undo = services.remove(feedback)
        if draw(st.booleans()):
            services.restore(workspace, undo)


def send(draw: st.DrawFn, workspace: Workspace, project: Project) -> None:
    """A root, or a child that only names its parent; its thread may change the thread of the whole trace."""
    run_id = draw(st.sampled_from(RUNS))
    thread = draw(st.sampled_from([None, "a", "b"]))
    sent = run(id=str(run_id), thread_id=thread, project=project.name, start=EPOCH + timedelta(seconds=run_id.int))
    parent = draw(st.sampled_from([None, *RUNS]))
    if parent is not None and parent != run_id:
        for name in ("trace_id", "dotted_order"):
            del sent[name]
        sent["parent_run_id"] = str(parent)
    deliver(workspace, [sent])


def delete(draw: st.DrawFn, workspace: Workspace, project: Project) -> None:
    if traces := sorted(Trace.objects.values_list("pk", flat=True)):
        store.delete_traces([draw(st.sampled_from(traces))])


ACTIONS = [give, give, give, change, remove, send, send, send, delete]


@contextmanager
def undone() -> Iterator[Workspace]:
    with transaction.atomic():
        yield WorkspaceFactory(name="w")
        transaction.set_rollback(True)


def recomputed(project: Project) -> dict[tuple[str, str], dict[str, Summary]]:
    """By (thread id, level) and key, from the rows and the traces as they are."""
    threads = dict(Trace.objects.in_project(project).values_list("trace_id", "thread_id"))
    stored = set(Run.objects.values_list("trace_id", "id"))
    newest: dict[Any, Feedback] = {}
    for row in Feedback.objects.order_by("created_at", "id"):
        if row.level == "run" and (row.place, row.run_id) not in stored:
            continue
        voice = row.author or row.id
        newest[row.place, row.run_id, row.key, voice] = row
    found: dict[tuple[str, str], dict[str, Summary]] = defaultdict(dict)
    for row in newest.values():
        thread = row.thread_id if row.level == "thread" else threads[row.place]
        if thread is not None:
            found[thread, row.level].setdefault(row.key, Summary()).add(row)
    return found


def plain(summary: Summary) -> dict[str, Any]:
    return {name: value for name, value in summary.__dict__.items() if name != "samples"}


def told(project: Project) -> dict[tuple[str, str], dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
    for thread, keys in columns_of(project, ["a", "b"]).items():
        for key, summary in keys.items():
            for level, side in (("run", summary.runs), ("thread", summary.whole)):
                if side.count:
                    found[thread, level][key] = plain(side)
    return found


@pytest.mark.django_db
@EXAMPLES
@given(data=st.data())
def test_totals_equal_a_recomputation_after_whatever_happened(data: st.DataObject) -> None:
    with undone() as workspace:
        project = Project.objects.create(workspace=workspace, name="app")
        for _ in range(data.draw(st.integers(3, 14))):
            data.draw(st.composite(data.draw(st.sampled_from(ACTIONS)))(workspace, project))
            expected = recomputed(project)
            assert told(project) == {at: {key: plain(s) for key, s in keys.items()} for at, keys in expected.items()}
        assert list(reconcile()) == []


@pytest.mark.django_db
def test_reconcile_tells_and_repairs_totals_that_are_off(workspace: Workspace) -> None:
    project = scored(workspace)
    ThreadScore.objects.update(total=99)
    ThreadLabel.objects.all().delete()
    assert {(drift.kind, drift.key.split("/")[-1]) for drift in reconcile()} == {("feedback total", "good")}
    assert len(list(reconcile(fix=True))) == 1
    assert list(reconcile()) == []
    assert columns_of(project, ["a"])["a"]["good"].runs.labels == {"yes": 2}


@pytest.mark.django_db
def test_reconcile_tells_and_repairs_feedback_that_stands_elsewhere(workspace: Workspace) -> None:
    project = scored(workspace)
    Feedback.objects.update(thread=None, current=False)
    kinds = [drift.kind for drift in reconcile(fix=True)]
    assert kinds.count("feedback") == 2
    assert list(reconcile()) == []
    assert columns_of(project, ["a"])["a"]["good"].runs.count == 2


@pytest.mark.django_db
def test_reconcile_links_feedback_that_still_waits(workspace: Workspace) -> None:
    project = scored(workspace)
    Feedback.objects.update(waiting=True, thread=None, project=None)
    ThreadScore.objects.all().delete()
    ThreadLabel.objects.all().delete()
    assert [drift.kind for drift in reconcile(fix=True)].count("feedback") == 2
    assert list(reconcile()) == []
    assert columns_of(project, ["a"])["a"]["good"].runs.count == 2


def scored(workspace: Workspace) -> Project:
    """One thread with two scored runs."""
    sent = [run(thread_id="a"), run(thread_id="a")]
    deliver(workspace, sent)
    for each in sent:
        services.record(workspace, Draft(key="good", run_id=uuid.UUID(each["id"]), score=Decimal(1), value="yes"))
    return Project.objects.get(workspace=workspace, name="p")


def at_once(number: int, work: Callable[[int], None]) -> None:
    """That many writers at the same time, each on a connection of its own."""
    problems: list[BaseException] = []

    def run_one(at: int) -> None:
        try:
            work(at)
        except BaseException as error:
            problems.append(error)
        finally:
            connections.close_all()

    writers = [threading.Thread(target=run_one, args=(at,)) for at in range(number)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert problems == []
    # A feedback and its run, written at the same moment, may miss one another: reconcile links them, as the worker does.
    assert all(drift.key.startswith("of run ") for drift in reconcile(fix=True) if drift.kind == "feedback")
    assert list(reconcile()) == []


@pytest.mark.django_db(transaction=True)
def test_several_writers_on_one_thread_lose_nothing() -> None:
    workspace: Workspace = WorkspaceFactory()
    sent = [run(thread_id="a") for _ in range(4)]

    def work(number: int) -> None:
        for step, each in enumerate(sent[number:] + sent[:number]):
            deliver(workspace, [each])
            draft = Draft(key="good", run_id=uuid.UUID(each["id"]), score=Decimal(number * 4 + step))
            feedback = services.record(workspace, draft)
            if step == 3:
                services.remove(feedback)

    at_once(4, work)
    summary = columns_of(Project.objects.get(name="p"), ["a"])["a"]["good"].runs
    assert (summary.count, summary.low, summary.high) == (12, Decimal(0), Decimal(14))


LABELS = [None, "kind", "rude", ["kind", "rude"]]


def something(rng: random.Random, workspace: Workspace, project: Project) -> None:
    """One write of any kind, which another writer may be in the midst of undoing."""
    run_id, thread = rng.choice(RUNS), rng.choice(["a", "b"])
    about: dict[str, Any] = rng.choice([{"run_id": run_id}, {"thread_id": thread, "project_id": project.pk}])
    said = {"score": rng.choice([None, Decimal(0), Decimal("0.5"), Decimal(1)]), "value": rng.choice(LABELS)}
    given = next(iter(Feedback.objects.with_id(rng.choice(FEEDBACK)).select_related("workspace")), None)
    match rng.choice(["give", "give", "change", "remove", "send", "send", "delete"]):
        case "change" if given:
            services.change(given, **said)
        case "remove" if given:
            services.remove(given)
        case "send":
            start = EPOCH + timedelta(seconds=run_id.int)
            deliver(workspace, [run(id=str(run_id), thread_id=thread, project=project.name, start=start)])
        case "delete":
            store.delete_traces([run_id])
        case _:
            judge = rng.choice([{}, {"metadata": {"judge": "j"}}])
            services.record(workspace, Draft(rng.choice(KEYS), id=rng.choice(FEEDBACK), source=judge, **about, **said))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(3))
def test_totals_equal_a_recomputation_whatever_several_writers_do_at_once(seed: int) -> None:
    workspace: Workspace = WorkspaceFactory()
    project = Project.objects.create(workspace=workspace, name="app")

    def work(number: int) -> None:
        rng = random.Random(10 * seed + number)
        for _ in range(25):
            with suppress(services.Gone):
                something(rng, workspace, project)

    at_once(4, work)
    expected = recomputed(project)
    assert told(project) == {at: {key: plain(s) for key, s in keys.items()} for at, keys in expected.items()}
