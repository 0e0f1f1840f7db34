"""The reads of the Python SDK, through its own client and classes."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from langsmith import Client
from langsmith.utils import LangSmithAuthError, LangSmithConflictError, LangSmithNotFoundError

from apps.projects.models import Project
from tests.factories import EPOCH, ApiKeyFactory, ProjectFactory, RunFactory, TraceFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore::langsmith._internal._beta_decorator.LangSmithDeprecationWarning"),
]


@pytest.fixture
def project() -> Project:
    return ProjectFactory(name="story")


@pytest.fixture
def client(live_server: Any, project: Project) -> Iterator[Client]:
    key = ApiKeyFactory(workspace=project.workspace)
    client = Client(api_url=f"{live_server.url}/api/v1", api_key=key.secret, info={}, auto_batch_tracing=False)
    yield client
    client.cleanup()


def test_runs_of_a_conversation_are_listed_with_their_payload(client: Client, project: Project) -> None:
    root = RunFactory(project=project, thread_id="c 1")
    llm = RunFactory(
        parent=root,
        run_type="llm",
        thread_id="c 1",
        inputs={"messages": [{"role": "user", "content": "hi"}]},
        outputs={"choices": [{"message": {"content": "hello"}}]},
        total_cost=Decimal("0.0000015"),
    )
    RunFactory(project=project, run_type="llm", thread_id="c 2")
    asked = 'and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "c 1"))'
    (run,) = client.list_runs(project_name="story", filter=asked, run_type="llm")
    assert run.id == llm.id
    assert run.inputs["messages"][0]["content"] == "hi"
    assert run.outputs is not None
    assert run.outputs["choices"][0]["message"] == {"content": "hello"}
    assert run.start_time == llm.start_time
    assert run.metadata["session_id"] == "c 1"
    assert run.total_cost == Decimal("0.0000015")
    assert run.parent_run_ids == [root.id]
    assert run == client.read_run(llm.id)


def test_more_runs_than_a_page_are_all_listed(client: Client, project: Project) -> None:
    made = {RunFactory(project=project).id for _ in range(130)}
    listed = [run.id for run in client.list_runs(project_name="story")]
    assert len(listed) == 130
    assert set(listed) == made


def test_a_selection_of_three_fields_still_parses(client: Client, project: Project) -> None:
    RunFactory(project=project)
    (run,) = client.list_runs(project_name="story", select=["trace_id", "name", "run_type"])
    assert (run.name, run.inputs) == ("agent", {})


def test_a_run_is_read_with_its_children(client: Client, project: Project) -> None:
    root = RunFactory(project=project)
    child = RunFactory(parent=root)
    grandchild = RunFactory(parent=child)
    read = client.read_run(root.id, load_child_runs=True)
    assert read.child_runs is not None
    (first,) = read.child_runs
    assert first.id == child.id
    assert [run.id for run in first.child_runs or []] == [grandchild.id]


def test_an_unknown_run_is_not_found(client: Client) -> None:
    with pytest.raises(LangSmithNotFoundError):
        client.read_run(uuid.uuid4())


def test_threads_are_listed_and_read(client: Client, project: Project) -> None:
    now = datetime.now(UTC)
    threads = {'a "quoted" id': 2, "b": 1}
    for thread_id, turns in threads.items():
        for turn in range(turns):
            root = RunFactory(project=project, thread_id=thread_id, start_time=now - timedelta(minutes=9 - turn))
            TraceFactory(root=root)
            RunFactory(parent=root, thread_id=thread_id)
    listed = client.list_threads(project_name="story")
    assert {thread["thread_id"]: thread["count"] for thread in listed} == threads
    turns = list(client.read_thread(thread_id='a "quoted" id', project_name="story", is_root=True))
    assert len(turns) == 2
    assert turns[0].start_time < turns[1].start_time


def test_projects_are_made_listed_and_deleted(client: Client) -> None:
    made = client.create_project("mine", description="d", metadata={"team": "a"})
    assert made.metadata == {"team": "a"}
    with pytest.raises(LangSmithConflictError):
        client.create_project("mine")
    assert client.create_project("mine", upsert=True).id == made.id
    assert {project.name for project in client.list_projects()} == {"mine", "story", "default"}
    assert [project.id for project in client.list_projects(metadata={"team": "a"})] == [made.id]
    changed = client.update_project(made.id, name="yours", end_time=EPOCH)
    assert changed.end_time == EPOCH
    assert client.has_project("yours")
    client.delete_project(project_name="yours")
    assert not client.has_project("yours")
    with pytest.raises(LangSmithNotFoundError):
        client.read_project(project_id=made.id)


def test_stats_parse(client: Client, project: Project) -> None:
    root = RunFactory(project=project, start_time=EPOCH, end_time=EPOCH + timedelta(seconds=2))
    TraceFactory(root=root, llm_count=1, total_cost=Decimal("0.25"))
    read = client.read_project(project_name="story", include_stats=True)
    assert (read.run_count, read.latency_p50, read.total_cost) == (1, timedelta(seconds=2), Decimal("0.25"))


def test_the_address_of_a_run_needs_only_what_the_api_tells(client: Client, project: Project) -> None:
    run = client.read_run(RunFactory(project=project).id)
    address = client.get_run_url(run=run)
    assert address.endswith(f"/o/{project.workspace_id}/projects/p/{project.pk}/r/{run.id}?poll=true")


def test_a_bad_filter_and_a_bad_key_raise_the_sdks_own_errors(client: Client, live_server: Any) -> None:
    with pytest.raises(Exception, match="did you mean name"):
        list(client.list_runs(project_name="story", filter="eq(nme, 1)"))
    stranger = Client(api_url=f"{live_server.url}/api/v1", api_key="tl_wrong", info={}, auto_batch_tracing=False)
    with pytest.raises(LangSmithAuthError):
        list(stranger.list_projects())
