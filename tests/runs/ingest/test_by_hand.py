"""create_run and update_run by hand: no trace_id, no dotted_order, parents that come later."""

import uuid

import pytest

from apps.accounts.models import Workspace
from apps.runs.ingest.deliver import deliver
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run, Trace

pytestmark = pytest.mark.django_db


def by_hand(parent: str | None = None, **fields: object) -> dict:
    return {
        "id": str(uuid.uuid4()),
        "name": "hand",
        "run_type": "chain",
        "session_name": "app",
        "start_time": 1772366400000,
        "parent_run_id": parent,
    } | fields


def trace_ids() -> set[str]:
    return {str(trace_id) for trace_id in Run.objects.values_list("trace_id", flat=True)}


def test_a_root_is_its_own_trace(workspace: Workspace) -> None:
    root = by_hand()
    deliver(workspace, [root])
    run = Run.objects.get()
    assert str(run.trace_id) == root["id"]
    assert run.dotted_order == f"20260301T120000000000Z{root['id']}"


def test_a_child_joins_the_trace_of_its_stored_parent(workspace: Workspace) -> None:
    root = by_hand()
    deliver(workspace, [root])
    child = by_hand(root["id"])
    deliver(workspace, [child])
    assert trace_ids() == {root["id"]}
    assert Run.objects.get(id=child["id"]).dotted_order.startswith(f"20260301T120000000000Z{root['id']}.")


def test_a_child_joins_its_parent_in_the_same_request(workspace: Workspace) -> None:
    root = by_hand()
    deliver(workspace, [root, by_hand(root["id"])])
    assert trace_ids() == {root["id"]}


def test_a_child_before_its_parent_moves_when_the_parent_comes(workspace: Workspace) -> None:
    root = by_hand()
    child = by_hand(root["id"], extra={"metadata": {"session_id": "t"}})
    grandchild = by_hand(child["id"])
    deliver(workspace, [child])
    deliver(workspace, [grandchild])
    deliver(workspace, [root])
    assert trace_ids() == {root["id"]}
    assert Trace.objects.get().run_count == 3
    assert Run.objects.get(id=grandchild["id"]).dotted_order.count(".") == 2
    assert list(reconcile()) == []


def test_an_update_finds_its_run_without_a_trace_id(workspace: Workspace) -> None:
    root = by_hand()
    child = by_hand(root["id"])
    deliver(workspace, [root, child])
    deliver(workspace, [], [{"id": child["id"], "outputs": {"a": 1}, "end_time": 1772366401000}])
    assert Run.objects.get(id=child["id"]).status == "success"
    assert Run.objects.count() == 2


def test_an_update_before_its_run_moves_to_the_trace_that_the_post_tells(workspace: Workspace) -> None:
    root = by_hand()
    child = by_hand(root["id"])
    deliver(workspace, [], [{"id": child["id"], "outputs": {"a": 1}, "end_time": 1772366401000}])
    deliver(workspace, [root])
    deliver(workspace, [child])
    run = Run.objects.get(id=child["id"])
    assert (str(run.trace_id), run.status, run.name) == (root["id"], "success", "hand")
    assert Trace.objects.get().run_count == 2
    assert list(reconcile()) == []


def test_a_chain_without_end_is_cut_where_its_path_would_grow_too_long(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.runs.ingest.deliver.MAX_DOTTED_ORDER", 100)
    runs = [by_hand()]
    for _ in range(3):
        runs.append(by_hand(runs[-1]["id"]))
    deliver(workspace, runs)
    assert max(len(run.dotted_order) for run in Run.objects.all()) < 200
    assert Run.objects.count() == 4


def test_reconcile_moves_a_child_whose_parent_came_at_the_same_moment(workspace: Workspace) -> None:
    root, child = by_hand(), by_hand(str(uuid.uuid4()))
    deliver(workspace, [root, child])
    Run.objects.filter(id=child["id"]).update(parent_run_id=root["id"])
    assert [drift.kind for drift in reconcile(fix=True)] == ["run"]
    assert trace_ids() == {root["id"]}
    assert list(reconcile()) == []
