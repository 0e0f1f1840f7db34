"""The merge rules of the contract, one by one."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.accounts.models import Workspace
from apps.runs import payload
from apps.runs.ingest.deliver import deliver
from apps.runs.models import Run, Trace
from tests.runs.ingest.wire import START, patch_of, wire_run

pytestmark = pytest.mark.django_db


def stored(run: dict) -> Run:
    return Run.objects.get(id=run["id"])


def test_a_later_value_overrides_an_earlier_one(workspace: Workspace) -> None:
    run = wire_run(seconds=None)
    deliver(workspace, [run])
    deliver(workspace, [], [patch_of(run, outputs={"answer": "new"}, end_time="2026-03-01T12:00:09Z")])
    assert payload.load(stored(run).outputs) == {"answer": "new"}
    assert stored(run).status == "success"


def test_null_and_absent_fields_change_nothing(workspace: Workspace) -> None:
    run = wire_run(tags=["a"], error="boom")
    deliver(workspace, [run])
    deliver(workspace, [], [patch_of(run, tags=None, error=None, name=None, inputs=None, end_time=None)])
    after = stored(run)
    assert (after.tags, after.error, after.name) == (["a"], "boom", "chat")
    assert after.end_time == START + timedelta(seconds=1)


def test_a_late_post_leaves_what_a_patch_has_set(workspace: Workspace) -> None:
    run = wire_run(seconds=None, outputs={"answer": "from the post"})
    deliver(workspace, [], [patch_of(run, outputs={"answer": "from the patch"}, end_time="2026-03-01T12:00:09Z")])
    deliver(workspace, [run])
    after = stored(run)
    assert payload.load(after.outputs) == {"answer": "from the patch"}
    assert payload.load(after.inputs) == {"question": "What is a thread?"}
    assert after.name == "chat"


@pytest.mark.parametrize("empty", [{}, []])
@pytest.mark.parametrize("field", ["inputs", "outputs", "events", "extra", "tags"])
def test_an_empty_value_never_replaces_a_full_one(workspace: Workspace, field: str, empty: object) -> None:
    run = wire_run(outputs={"a": 1}, events=[{"name": "start"}], extra={"runtime": {"sdk": "x"}}, tags=["t"])
    deliver(workspace, [run])
    before = getattr(stored(run), field)
    deliver(workspace, [], [patch_of(run, **{field: empty})])
    assert before is not None
    assert getattr(stored(run), field) == before


def test_metadata_is_merged_key_by_key_in_either_order(workspace: Workspace) -> None:
    one, two = (
        wire_run(extra={"metadata": {"a": 1, "both": "post"}}),
        wire_run(extra={"metadata": {"a": 1, "both": "post"}}),
    )
    patches = [patch_of(run, extra={"metadata": {"b": 2, "both": "patch"}}) for run in (one, two)]
    deliver(workspace, [one])
    deliver(workspace, [], patches)
    deliver(workspace, [two])
    expected = {"a": 1, "b": 2, "both": "patch"}
    assert stored(one).metadata == expected
    assert stored(two).metadata == expected


def test_a_post_and_its_patch_in_one_request_become_one_run(workspace: Workspace) -> None:
    run = wire_run(seconds=None)
    deliver(workspace, [run], [patch_of(run, end_time="2026-03-01T12:00:02Z", outputs={"answer": "yes"})])
    assert stored(run).status == "success"
    assert Trace.objects.get().run_count == 1


def test_a_patch_alone_makes_a_run_with_defaults(workspace: Workspace) -> None:
    run = wire_run()
    deliver(workspace, [], [patch_of(run, outputs={"x": 1})])
    after = stored(run)
    assert (after.name, after.run_type, after.status) == ("", "chain", "pending")
    assert after.start_time == START
    assert after.project.name == "default"


def test_a_patch_without_a_project_stays_in_the_project_of_its_trace(workspace: Workspace) -> None:
    run = wire_run(seconds=None)
    deliver(workspace, [run])
    deliver(workspace, [], [patch_of(run, end_time="2026-03-01T12:00:02Z")])
    assert stored(run).project.name == "app"
    assert Trace.objects.get().project.name == "app"


def test_a_post_after_its_patch_moves_the_run_to_its_project(workspace: Workspace) -> None:
    run = wire_run()
    deliver(workspace, [], [patch_of(run, end_time="2026-03-01T12:00:02Z")])
    deliver(workspace, [run])
    assert stored(run).project.name == "app"
    assert Trace.objects.get().project.name == "app"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"error": "ValueError: no", "end_time": "2026-03-01T12:00:02Z"}, "error"),
        ({"error": "ValueError: no"}, "error"),
        ({"end_time": "2026-03-01T12:00:02Z"}, "success"),
        ({}, "pending"),
    ],
)
def test_status_follows_error_and_end(workspace: Workspace, fields: dict, status: str) -> None:
    run = wire_run(seconds=None, **fields)
    deliver(workspace, [run])
    assert stored(run).status == status


def test_an_end_before_the_start_is_kept_as_sent(workspace: Workspace) -> None:
    run = wire_run(end_time="1970-01-01T00:00:01Z")
    assert deliver(workspace, [run]).rejected == []
    assert stored(run).end_time == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize("odd", [".", "x.y", "20260301T120000000000Z", 5, ["x"], "9" * 70_000])
def test_a_dotted_order_that_is_none_counts_as_not_given(workspace: Workspace, odd: object) -> None:
    run = wire_run()
    assert deliver(workspace, [{**run, "dotted_order": odd}]).rejected == []
    assert Run.objects.get().dotted_order == run["dotted_order"]


def test_a_year_before_1000_is_padded_in_the_order(workspace: Workspace) -> None:
    deliver(workspace, [wire_run(start_time="0099-02-03T04:05:06Z", dotted_order=None)])
    assert Run.objects.get().dotted_order.startswith("00990203T040506000000Z")


def test_a_dotted_order_that_disagrees_with_the_start_is_kept_as_sent(workspace: Workspace) -> None:
    run = wire_run()
    run["dotted_order"] = f"19700101T000000000000Z{run['id']}"
    deliver(workspace, [run])
    assert stored(run).dotted_order == run["dotted_order"]


@pytest.mark.parametrize(
    "sent",
    [
        "2026-03-01T12:00:00.5+00:00",
        "2026-03-01T14:00:00.500+02:00",
        "2026-03-01T12:00:00.500Z",
        "2026-03-01T12:00:00.500000",
        1772366400500,
        1772366400.5,
    ],
)
def test_every_form_of_time_is_read_as_utc(workspace: Workspace, sent: object) -> None:
    run = wire_run(start_time=sent)
    deliver(workspace, [run])
    assert stored(run).start_time == datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)


def test_ids_without_dashes_are_the_same_ids(workspace: Workspace) -> None:
    run = wire_run()
    deliver(workspace, [{**run, "id": run["id"].replace("-", ""), "trace_id": run["trace_id"].upper()}])
    assert str(stored(run).trace_id) == run["trace_id"]


def test_nul_and_lone_surrogates_are_replaced_everywhere(workspace: Workspace) -> None:
    run = wire_run(name="a\x00b", error="e\x00", tags=["t\x00"])
    run["extra"] = {"metadata": {"k\x00ey": "v\x00", "thread_id": "x\x00y"}}
    deliver(workspace, [run])
    after = stored(run)
    assert (after.name, after.error, after.tags) == ("a\ufffdb", "e\ufffd", ["t\ufffd"])
    assert after.metadata == {"k\ufffdey": "v\ufffd", "thread_id": "x\ufffdy"}
    assert after.thread_id == "x\ufffdy"


def test_one_bad_run_leaves_the_other_ninety_nine(workspace: Workspace) -> None:
    runs = [wire_run(at=index) for index in range(100)]
    runs[41]["run_type"] = "banana"
    outcome = deliver(workspace, runs)
    assert outcome.accepted == 99
    assert [(bad.run_id, "banana" in bad.reason) for bad in outcome.rejected] == [(runs[41]["id"], True)]
    assert Run.objects.count() == 99


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "not-a-uuid"),
        ("trace_id", 7),
        ("start_time", "yesterday"),
        ("end_time", [1]),
        ("run_type", 3),
        ("run_type", ["llm"]),
        ("run_type", {}),
        ("start_time", 1e300),
    ],
)
def test_a_bad_field_is_named(workspace: Workspace, field: str, value: object) -> None:
    outcome = deliver(workspace, [{**wire_run(), field: value}])
    assert outcome.accepted == 0
    assert field in outcome.rejected[0].reason


def test_another_workspaces_trace_cannot_be_written_to(workspace: Workspace) -> None:
    theirs = wire_run()
    deliver(workspace, [theirs])
    other = Workspace.objects.create(name="other")
    child = wire_run(theirs)
    outcome = deliver(other, [child, wire_run()])
    assert outcome.accepted == 1
    assert outcome.rejected[0].run_id == child["id"]
    assert Trace.objects.get(trace_id=theirs["id"]).run_count == 1


def test_another_workspaces_project_id_is_refused(workspace: Workspace) -> None:
    run = wire_run()
    deliver(workspace, [run])
    project_id = str(stored(run).project_id)
    other = Workspace.objects.create(name="other")
    outcome = deliver(other, [{**wire_run(), "session_id": project_id}])
    assert "not a project of this workspace" in outcome.rejected[0].reason


def test_a_child_that_names_another_project_stays_in_the_roots_trace(workspace: Workspace) -> None:
    root = wire_run()
    deliver(workspace, [root, wire_run(root, session_name="elsewhere")])
    trace = Trace.objects.get()
    assert (trace.run_count, trace.project.name) == (2, "app")
