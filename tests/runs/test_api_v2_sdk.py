"""The v2 resources of the Python SDK, through its own client and classes."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from langsmith import Client

from apps.projects.models import Project
from apps.runs.wire_v2 import RUN_FIELDS
from apps.threads.wire_v2 import AGGREGATE_STATS, THREAD_STATS, TURN_FIELDS
from tests.factories import ApiKeyFactory
from tests.threads.test_api_v2 import model_call
from tests.threads.wire import send, turns

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture
def now() -> datetime:
    return timezone.now() - timedelta(minutes=30)


@pytest.fixture
def story(now: datetime) -> tuple[Project, list[dict[str, Any]]]:
    """Three turns of the thread a/b, a model call in the first."""
    key = ApiKeyFactory()
    three = turns("a/b", 3, start=now)
    return send(key.workspace, *three, model_call(three[0], 5, 0.25)), three


type Use = Callable[[Client], Awaitable[None]]


@pytest.fixture
def ask(live_server: Any, story: tuple[Project, Any]) -> Iterator[Callable[[Use], None]]:
    """Runs an asynchronous use of the client to its end."""
    key = ApiKeyFactory(workspace=story[0].workspace)
    client = Client(api_url=f"{live_server.url}/api/v1", api_key=key.secret, auto_batch_tracing=False)
    yield lambda use: asyncio.run(use(client))
    client.cleanup()


def test_runs_are_queried_over_all_pages(ask: Any, story: Any) -> None:
    project, three = story

    async def use(client: Client) -> None:
        pages = client.runs.query(project_ids=[str(project.pk)], selects=["ID"], is_root=True, page_size=2)
        assert [found.id async for found in pages] == [turn["id"] for turn in reversed(three)]

    ask(use)


def test_a_run_is_retrieved_with_every_field(ask: Any, story: Any) -> None:
    project, three = story

    async def use(client: Client) -> None:
        found = await client.runs.retrieve(three[0]["id"], project_id=str(project.pk), selects=list(RUN_FIELDS))
        assert (found.name, found.run_type, found.status) == ("agent", "CHAIN", "SUCCESS")
        assert found.start_time == datetime.fromisoformat(three[0]["start_time"])
        assert found.inputs == {"question": "question 1"}
        assert found.thread_id == "a/b"
        url = await client.runs.get_url(three[0]["id"], project_id=str(project.pk), trace_id=three[0]["id"])
        assert url.url is not None
        assert f"/projects/p/{project.pk}/r/{three[0]['id']}" in url.url

    ask(use)


def test_traces_are_queried_and_their_runs_listed(ask: Any, story: Any) -> None:
    project, three = story

    async def use(client: Client) -> None:
        pages = client.traces.query(project_id=str(project.pk), selects=["ID", "TOTAL_TOKENS"])
        traces = [found async for found in pages]
        assert [found.root_run.id for found in traces] == [turn["id"] for turn in reversed(three)]
        assert [found.trace_aggregates.total_tokens for found in traces] == [0, 0, 5]
        listed = await client.traces.list_runs(three[0]["id"], project_id=str(project.pk), selects=["NAME"])
        assert {found.name for found in listed.items} == {"agent", "llm"}

    ask(use)


def test_threads_are_queried_with_all_four_filters(ask: Any, story: Any) -> None:
    project, three = story

    async def use(client: Client) -> None:
        pages = client.threads.query(
            project_id=str(project.pk),
            filter='eq(name, "agent")',
            trace_filter='eq(status, "success")',
            tree_filter='eq(run_type, "llm")',
            thread_filter="gt(turn_count, 2)",
        )
        (thread,) = [found async for found in pages]
        assert (thread.thread_id, thread.count, thread.total_tokens, thread.total_cost) == ("a/b", 3, 5, 0.25)
        assert thread.first_trace_id == three[0]["id"]

    ask(use)


def test_a_thread_with_a_slash_is_read_turn_by_turn(ask: Any, story: Any) -> None:
    project, three = story

    async def use(client: Client) -> None:
        pages = client.threads.list_traces("a/b", project_id=str(project.pk), selects=list(TURN_FIELDS), page_size=2)
        found = [(trace.trace_id, trace.turn_number, trace.inputs) async for trace in pages]
        numbered = [(turn["id"], number, turn["inputs"]) for number, turn in enumerate(three, start=1)]
        assert found == numbered[::-1]

    ask(use)


def test_stats_of_a_thread_and_of_all_threads_are_read(ask: Any, story: Any) -> None:
    project, _ = story

    async def use(client: Client) -> None:
        one = await client.threads.stats("a/b", session_id=str(project.pk), selects=list(THREAD_STATS))
        assert (one.turns, one.total_tokens, one.latency_p50_seconds) == (3, 5, 1.5)
        assert one.prompt_token_details is not None
        assert one.prompt_token_details.raw == {"cache_read": 1}
        every = await client.threads.aggregate_stats(project_id=str(project.pk), select=list(AGGREGATE_STATS))
        assert (every.thread_count, every.trace_count, every.total_cost) == (1, 3, 0.25)

    ask(use)


def test_queries_are_streamed(ask: Any, story: Any) -> None:
    project, three = story

    async def use(client: Client) -> None:
        threads = client.threads.streaming.query_items(project_id=str(project.pk))
        assert [found.thread_id async for found in threads] == ["a/b"]
        runs = client.runs.streaming.query_v2_items(
            project_ids=[str(project.pk)], is_root=True, page_size=2, selects=["ID", "INPUTS"]
        )
        assert [found.id async for found in runs] == [turn["id"] for turn in reversed(three)]
        traces = client.traces.streaming.query_items(project_id=str(project.pk), selects=["NAME"])
        assert [found.root_run.name async for found in traces] == ["agent"] * 3

    ask(use)


def test_an_unknown_run_is_not_found(ask: Any, story: Any) -> None:
    project, _ = story

    async def use(client: Client) -> None:
        with pytest.raises(Exception, match="404"):
            await client.runs.retrieve(str(uuid.uuid4()), project_id=str(project.pk))

    ask(use)
