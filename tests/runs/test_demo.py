import re
from collections import Counter
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import DjangoDbBlocker

from apps.accounts.models import Workspace
from apps.feedback.models import Feedback
from apps.projects.models import Project
from apps.runs import payload
from apps.runs.demo import load
from apps.runs.ingest.reconcile import reconcile
from apps.runs.models import Run, Trace
from apps.threads.models import Thread
from tests.factories import WorkspaceFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def loaded(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Workspace]:
    """Loaded and committed once for the module."""
    with django_db_blocker.unblock():
        workspace = WorkspaceFactory()
        load(workspace)
    yield workspace
    with django_db_blocker.unblock():
        call_command("flush", interactive=False, verbosity=0)


def threads_of(workspace: Workspace) -> dict[str, Thread]:
    return {thread.thread_id: thread for thread in Thread.objects.filter(project__workspace=workspace)}


def test_about_forty_threads_in_three_projects_are_loaded(loaded: Workspace) -> None:
    names = Counter(thread.project.name for thread in threads_of(loaded).values())
    assert set(names) == {"sample-support-agent", "sample-rag", "sample-coding-agent"}
    assert 35 <= names.total() <= 45


def test_load_says_how_many_threads_it_wrote() -> None:
    workspace = WorkspaceFactory()
    assert load(workspace) == len(threads_of(workspace))


def test_loading_twice_writes_once(loaded: Workspace) -> None:
    before = sorted(Run.objects.values_list("id", "start_time"))
    assert load(loaded) == 0
    assert sorted(Run.objects.values_list("id", "start_time")) == before


def test_two_workspaces_each_get_their_own(loaded: Workspace) -> None:
    other = WorkspaceFactory()
    load(other)
    assert threads_of(other).keys() == threads_of(loaded).keys()
    assert Project.objects.in_workspace(other).count() == 3


def test_every_run_is_accepted_and_rollups_agree(loaded: Workspace) -> None:
    assert not Run.objects.filter(provisional=True).exists()
    assert Trace.objects.filter(thread_id=None).count() == 0
    assert list(reconcile()) == []


def test_nothing_lies_in_the_future(loaded: Workspace) -> None:
    now = timezone.now()
    assert all(thread.last_activity and thread.last_activity <= now for thread in threads_of(loaded).values())


def test_each_turn_reads_well_in_a_list(loaded: Workspace) -> None:
    """Every thread shows what was asked first and, unless its last turn failed or still runs, what was answered last."""
    for thread in threads_of(loaded).values():
        assert thread.first_input
        assert not thread.first_input.startswith("{")
        if thread.last_output is None:
            last = Trace.objects.get(pk=thread.last_trace_id)
            assert last.status in ("error", "pending"), thread.thread_id


def test_a_thread_of_120_turns_is_there(loaded: Workspace) -> None:
    assert threads_of(loaded)["stocktake-2026-11-leeds"].turns == 120


def test_some_threads_are_carried_by_the_root_alone(loaded: Workspace) -> None:
    thread = threads_of(loaded)["hb-2149-onboarding"]
    assert thread.carried_count == thread.turns
    assert thread.run_count > thread.carried_count
    assert thread.total_tokens > thread.carried_tokens


def test_a_turn_still_runs(loaded: Workspace) -> None:
    assert Trace.objects.filter(status="pending", thread_id="chat-90be14").count() == 1


def test_errors_carry_a_stack_trace(loaded: Workspace) -> None:
    errors = Run.objects.exclude(error=None).values_list("error", flat=True)
    assert len(errors) >= 8
    assert all("Traceback (most recent call last):" in error for error in errors)


def test_tools_of_one_round_overlap(loaded: Workspace) -> None:
    trace = Trace.objects.filter(thread_id="chat-8f31c2").earliest("start_time")
    first, second = Run.objects.filter(trace_id=trace.pk, run_type="tool").order_by("dotted_order")
    assert first.start_time < second.start_time < first.end_time


def test_streamed_answers_have_a_first_token(loaded: Workspace) -> None:
    streamed = Run.objects.filter(run_type="llm").exclude(first_token_time=None)
    assert streamed.count() > 10
    assert all(run.start_time < run.first_token_time < run.end_time for run in streamed)


def test_the_image_is_a_png(loaded: Workspace) -> None:
    root = Run.objects.filter(thread_id="chat-3c90fa", parent_run_id=None).earliest("start_time")
    _, image = payload.load(root.inputs)["messages"][0]["content"]
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


@pytest.mark.parametrize(
    "script", ["\u0600-\u06ff", "\u0590-\u05ff", "\u3040-\u30ff", "\u4e00-\u9fff", "\uac00-\ud7af"]
)
def test_scripts_of_the_world_are_there(loaded: Workspace, script: str) -> None:
    assert any(re.search(f"[{script}]", thread.first_input or "") for thread in threads_of(loaded).values())


def test_agents_nest(loaded: Workspace) -> None:
    depths = [run.dotted_order.count(".") for run in Run.objects.filter(thread_id="task-311-rate-limit")]
    assert max(depths) == 2


def test_costs_of_the_client_are_kept(loaded: Workspace) -> None:
    assert threads_of(loaded)["task-311-rate-limit"].total_cost


def test_cached_tokens_are_told_apart(loaded: Workspace) -> None:
    details = [run.usage_details for run in Run.objects.filter(thread_id="editor-7712").order_by("start_time")]
    assert "cache_creation" in details[0]["prompt"]
    assert all("cache_read" in later["prompt"] for later in details[1:])


def test_users_and_a_judge_said_what_they_think_of_the_answers(loaded: Workspace) -> None:
    said = Feedback.objects.in_workspace(loaded)
    assert set(said.values_list("key", flat=True)) == {"user_score", "usefulness", "voice"}
    assert said.count() > 100
    assert not said.filter(waiting=True).exists()
