"""Annotation queues by the Python SDK: each check_… is one behaviour."""

import asyncio
import uuid
import warnings
from datetime import datetime
from typing import Any

from harness import options, raises, report
from langsmith import Client, traceable, utils

warnings.simplefilter("ignore", DeprecationWarning)
client = Client()
NEW = hasattr(client, "list_runs_from_annotation_queue")
THREAD = f"thread {uuid.uuid4()}"


def sent(number: int) -> list[Any]:
    """That many runs in the project of this process, as the server has them."""
    ids = [uuid.uuid4() for _ in range(number)]

    @traceable(client=client, name="answer", metadata={"thread_id": THREAD})
    def answer(question: str) -> str:
        return question.upper()

    for run_id in ids:
        answer("why?", langsmith_extra={"run_id": run_id, "project_name": options["project"]})
    client.tracing_queue.join()
    client.flush()
    return [client.read_run(run_id) for run_id in ids]


def new_queue(**fields: Any) -> Any:
    return client.create_annotation_queue(name=f"queue {uuid.uuid4()}", **fields)


def check_a_queue_is_created_read_changed_and_deleted() -> None:
    queue_id = uuid.uuid4()
    made = new_queue(description="d", queue_id=queue_id, rubric_instructions="Be strict.")
    assert (made.id, made.description) == (queue_id, "d")
    read = client.read_annotation_queue(queue_id)
    assert (read.name, read.rubric_instructions) == (made.name, "Be strict.")
    client.update_annotation_queue(queue_id, name="another", description="e", rubric_instructions="Be kind.")
    read = client.read_annotation_queue(queue_id)
    assert (read.name, read.description, read.rubric_instructions) == ("another", "e", "Be kind.")
    client.delete_annotation_queue(queue_id)
    raises(utils.LangSmithNotFoundError, lambda: client.read_annotation_queue(queue_id))


def check_queues_are_listed() -> None:
    made = [new_queue() for _ in range(2)]
    ids = [queue.id for queue in made]
    assert {queue.id for queue in client.list_annotation_queues(queue_ids=ids)} == set(ids)
    assert [queue.id for queue in client.list_annotation_queues(name=made[0].name)] == [ids[0]]
    assert [queue.id for queue in client.list_annotation_queues(name_contains=made[1].name[8:])] == [ids[1]]
    assert len(list(client.list_annotation_queues(limit=1))) == 1


def check_a_run_is_reviewed_and_shown_again() -> None:
    """As the person who made the key."""
    if NEW:
        asyncio.run(_reviewed())


async def _reviewed() -> None:
    (run,), queue = sent(1), new_queue()
    client.add_runs_to_annotation_queue(queue.id, run_ids=[run.id])
    items, queue_id = client.annotation_queues.items, str(queue.id)
    (item,) = [each async for each in items.list(queue_id, status="needs_my_review")]
    await items.create_status(item.id, status="completed")
    (done,) = client.list_runs_from_annotation_queue(queue.id, status="completed")
    assert (done.id, done.last_reviewed_time is None) == (run.id, False)
    assert (await client.annotation_queues.retrieve_total_archived(queue_id)).size == 1
    await client.annotation_queues.create_run_status(item.id, status=None)
    assert [each.id for each in client.list_runs_from_annotation_queue(queue.id, status="needs_my_review")] == [run.id]


def check_runs_are_added_read_by_place_and_taken_out() -> None:
    runs, queue = sent(2), new_queue()
    client.add_runs_to_annotation_queue(queue.id, run_ids=[run.id for run in runs])
    found = client.get_run_from_annotation_queue(queue.id, index=1)
    assert (found.id, found.inputs, found.outputs) == (runs[1].id, runs[1].inputs, runs[1].outputs)
    assert isinstance(found.added_at, datetime)
    assert found.last_reviewed_time is None
    raises(utils.LangSmithNotFoundError, lambda: client.get_run_from_annotation_queue(queue.id, index=2))
    if NEW:
        client.delete_run_from_annotation_queue(queue.id, run_id=runs[0].id)
        assert client.get_run_from_annotation_queue(queue.id, index=0).id == runs[1].id


def check_unknown_runs_are_refused() -> None:
    queue = new_queue()
    unknown = [uuid.uuid4()]
    raises(utils.LangSmithNotFoundError, lambda: client.add_runs_to_annotation_queue(queue.id, run_ids=unknown))


def check_runs_are_added_by_key_and_listed_by_status() -> None:
    if not NEW:
        return
    runs, queue = sent(2), new_queue()
    keys = [{"run_id": run.id, "session_id": run.session_id, "start_time": run.start_time} for run in runs]
    client.add_runs_to_annotation_queue(queue.id, runs=keys)
    listed = list(client.list_runs_from_annotation_queue(queue.id))
    assert [run.id for run in listed] == [run.id for run in runs]
    assert [run.id for run in client.list_runs_from_annotation_queue(queue.id, limit=1)] == [runs[0].id]
    assert list(client.list_runs_from_annotation_queue(queue.id, status="completed")) == []


def check_a_rubric_is_copied_from_queue_to_queue() -> None:
    if not NEW:
        return
    key = f"tone {uuid.uuid4()}"
    client.create_feedback_config(key, feedback_config={"type": "continuous", "min": 0, "max": 1})
    items = [{"feedback_key": key, "description": "Kind?", "is_required": True, "score_descriptions": {"1": "very"}}]
    first = client.read_annotation_queue(new_queue(rubric_items=items).id)
    assert first.rubric_items[0]["feedback_config"].feedback_key == key
    second = client.read_annotation_queue(new_queue(rubric_items=first.rubric_items).id)
    assert second.rubric_items == first.rubric_items


def check_items_of_both_kinds_are_worked_through() -> None:
    if NEW:
        asyncio.run(_items())


async def _items() -> None:
    (run,), queue = sent(1), new_queue()
    items, queue_id = client.annotation_queues.items, str(queue.id)
    asked = [
        {"item_type": "RUN", "run_id": str(run.id), "project_id": str(run.session_id), "start_time": run.start_time},
        {"item_type": "THREAD", "thread_id": THREAD, "project_id": str(run.session_id)},
    ]
    added = (await items.create(queue_id, items=asked)).items
    assert [(item.item_type, item.run_id, item.thread_id) for item in added] == [
        ("RUN", str(run.id), None),
        ("THREAD", None, THREAD),
    ]
    listed = [item async for item in items.list(queue_id, status="needs_my_review", page_size=1)]
    assert [item.id for item in listed] == [item.id for item in added]
    placement = await items.retrieve_placement(added[1].id, queue_id=queue_id)
    assert (placement.section, placement.position) == ("needs_my_review", 1)
    await items.update(added[0].id, queue_id=queue_id, added_at=datetime(2030, 1, 1))
    listed = [item.id async for item in items.list(queue_id, status="needs_my_review")]
    assert listed == [added[1].id, added[0].id]
    assert (await items.retrieve_count(queue_id, status="all")).count == 2
    await items.delete_all(queue_id, item_ids=[added[0].id])
    assert (await items.retrieve_count(queue_id, status="all")).count == 1


def check_the_generated_calls_of_queues_work() -> None:
    if NEW:
        asyncio.run(_queues())


async def _queues() -> None:
    (run,), queues = sent(1), client.annotation_queues
    made = await queues.annotation_queues(name="generated", num_reviewers_per_item=2, reservation_minutes=5)
    assert (made.queue_type, made.num_reviewers_per_item, made.reservation_minutes) == ("single", 2, 5)
    await queues.update(made.id, enable_reservations=False)
    assert (await queues.retrieve(made.id)).enable_reservations is False
    added = await queues.runs.create(made.id, body=[str(run.id)])
    assert [each.run_id for each in added] == [str(run.id)]
    assert (await queues.retrieve_size(made.id)).size == 1
    found = await queues.retrieve_run(0, queue_id=made.id)
    assert (found.id, found.queue_run_id) == (str(run.id), added[0].id)
    (listed,) = [each async for each in queues.retrieve_annotation_queues(ids=[made.id], include_rubric_keys=True)]
    assert (listed.total_runs, listed.rubric_keys) == (1, [])
    assert [each async for each in queues.retrieve_annotation_queues(ids=[made.id], assigned_to_me=True)] == []
    await queues.delete(made.id)


def check_runs_of_a_queue_are_moved_and_taken_out() -> None:
    if NEW:
        asyncio.run(_moved())


async def _moved() -> None:
    runs, queues = sent(3), client.annotation_queues
    queue_id = str(new_queue().id)
    ids = [str(run.id) for run in runs]
    first, *_ = await queues.runs.create(queue_id, body=ids)
    assert [each.id for each in await queues.retrieve_queues(ids[0])] == [queue_id]
    await queues.runs.update(first.id, queue_id=queue_id, added_at=datetime(2030, 1, 1))
    assert [each.id for each in await queues.runs.list(queue_id)] == [*ids[1:], ids[0]]
    await queues.runs.delete_queue(first.id, queue_id=queue_id)
    assert (await queues.retrieve_total_size(queue_id)).size == 2
    await queues.runs.delete_all(queue_id, delete_all=True, exclude_run_ids=ids[2:])
    assert [each.id for each in await queues.runs.list(queue_id)] == ids[2:]
    await queues.populate(queue_id=queue_id, session_ids=[str(runs[0].session_id)])
    assert set(ids) <= {each.id for each in await queues.runs.list(queue_id)}


report(globals())
