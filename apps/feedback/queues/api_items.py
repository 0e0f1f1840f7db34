"""The routes under /platform/annotation-queues: items of a queue, be they runs or threads."""

import uuid
from typing import Literal

from django.db import transaction
from django.http import Http404, HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.common.paging import keyset
from apps.feedback.api import MAX_PAGE, answer
from apps.feedback.queues import services
from apps.feedback.queues.access import item_or_404, queue_or_404, workspace_item_or_404
from apps.feedback.queues.adding import MOST_ADDED, Unknown, add_runs, add_threads
from apps.feedback.queues.api import counted, reviewers_of
from apps.feedback.queues.models import AnnotationQueue, Kind, QueueItem, Section
from apps.feedback.queues.status import ItemChange, StatusChange, set_status
from apps.feedback.queues.wire import ARCHIVED, ITEM, LISTED_ITEM, item_json, listed_json, section_of
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.projects.schemas import FLAG, ID, TEXT, WHOLE, answers, array, by_name, maybe, object_of, page
from apps.projects.wire import Moment, Text
from apps.runs.query.compile import stored_thread_id

PATH = "/platform/annotation-queues"
COUNT = object_of({"count": WHOLE})
STATUS = object_of({"queue_item_id": ID, "status": maybe(TEXT), "is_archived": FLAG, "override_added_at": maybe(TEXT)})
PLACEMENT = object_of({"item_type": TEXT, "section": TEXT, "position": WHOLE, "cursor": maybe(TEXT)})

router = Router(tags=["annotation queues"])


class NewItem(Schema):
    """A run by run_id, or a thread by thread_id and project_id."""

    item_type: Literal["RUN", "THREAD"] | None = None
    run_id: uuid.UUID | None = None
    thread_id: Text | None = None
    project_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = Field(None, description="another name of project_id")


class NewItems(Schema):
    items: list[NewItem] = Field(max_length=MOST_ADDED)


@router.post(
    f"{PATH}/{{queue_id}}/items", openapi_extra=answers(object_of({"items": array(ITEM)})), summary="Add items"
)
def create_items(request: KeyRequest, queue_id: uuid.UUID, body: NewItems) -> HttpResponse:
    """Items that are in the queue stay where they are; unknown ones are 404 and nothing is added."""
    queue = queue_or_404(request.auth.workspace, queue_id)
    try:
        return answer({"items": [item_json(item) for item in _added(queue, body.items)]})
    except Unknown as error:
        raise Http404(str(error)) from None


def _added(queue: AnnotationQueue, asked: list[NewItem]) -> list[QueueItem]:
    runs = [item.run_id for item in asked if not _is_thread(item) and item.run_id is not None]
    if len(runs) + sum(map(_is_thread, asked)) < len(asked):
        raise HttpError(422, "items: name a run by run_id, or a thread by thread_id and project_id")
    threads = [_thread(queue, item) for item in asked if _is_thread(item)]
    with transaction.atomic():
        return [*add_runs(queue, runs), *add_threads(queue, threads)]


def _is_thread(item: NewItem) -> bool:
    return item.item_type == Kind.THREAD or (item.item_type is None and item.thread_id is not None)


def _thread(queue: AnnotationQueue, item: NewItem) -> tuple[Project, str]:
    project_id = item.project_id or item.session_id
    if project_id is None or not item.thread_id:
        raise HttpError(422, "items: a thread needs thread_id and project_id")
    return project_or_404(queue.workspace, project_id), stored_thread_id(item.thread_id)


class ItemQuery(Schema):
    status: Literal["needs_my_review", "needs_others_review", "completed", "archived"] = Field(
        description="archived is completed; my and others is meant of the person who made the key"
    )
    item_type: Kind | None = None
    min_start_time: Moment | None = Field(None, description="of the run, or of the thread's first turn")
    max_start_time: Moment | None = None
    page_size: int = Field(MAX_PAGE, description=f"at most {MAX_PAGE}")
    cursor: str | None = None
    direction: Literal["forward", "backward"] | None = Field(None, description="a cursor knows its direction")


@router.get(f"{PATH}/{{queue_id}}/items", openapi_extra=answers(page(LISTED_ITEM)), summary="List items")
def list_items(request: KeyRequest, queue_id: uuid.UUID, asked: Query[ItemQuery]) -> HttpResponse:
    """In the order of the queue."""
    queue = queue_or_404(request.auth.workspace, queue_id)
    items = (
        QueueItem.objects.in_queue(queue).of_kind(asked.item_type).started(asked.min_start_time, asked.max_start_time)
    )
    found = items.for_person(request.auth.created_by).in_section(section_of(asked.status)).for_list()
    shown = keyset(found, ["queued_at", "id"], asked.cursor or "", min(max(asked.page_size, 1), MAX_PAGE))
    assigned = [str(user.pk) for user in reviewers_of(queue)] if queue.assigned_only else []
    now = timezone.now()
    return answer(
        {"items": [listed_json(item, assigned, now) for item in shown.rows], "next_cursor": shown.older or None}
    )


class CountQuery(Schema):
    status: Literal["all", "needs_my_review", "needs_others_review", "completed", "archived"]
    min_start_time: Moment | None = None
    max_start_time: Moment | None = None
    start_time: Moment | None = Field(None, description="completed after this time")
    end_time: Moment | None = Field(None, description="completed before this time")


@router.get(f"{PATH}/{{queue_id}}/items/count", openapi_extra=answers(COUNT), summary="Count items")
def count_items(request: KeyRequest, queue_id: uuid.UUID, asked: Query[CountQuery]) -> HttpResponse:
    items = QueueItem.objects.in_queue(queue_or_404(request.auth.workspace, queue_id))
    items = items.started(asked.min_start_time, asked.max_start_time)
    if asked.status in (ARCHIVED, Section.COMPLETED):
        items = items.completed_between(asked.start_time, asked.end_time)
    return answer({"count": counted(items, request.auth.created_by, asked.status)})


class ItemIds(Schema):
    item_ids: list[uuid.UUID] = Field(max_length=MOST_ADDED)


@router.post(f"{PATH}/{{queue_id}}/items/delete", openapi_extra=answers(by_name(TEXT)), summary="Take items out")
def delete_items(request: KeyRequest, queue_id: uuid.UUID, body: ItemIds) -> HttpResponse:
    """Completed ones too. Ids that are not in the queue are passed over."""
    queue = queue_or_404(request.auth.workspace, queue_id)
    count = services.remove(queue, request.auth.created_by, body.item_ids)
    return answer({"message": f"{count} removed"})


@router.post(f"{PATH}/items/{{item_id}}/status", openapi_extra=answers(STATUS), summary="Say what you did with an item")
def create_status(request: KeyRequest, item_id: uuid.UUID, body: StatusChange) -> HttpResponse:
    """viewed reserves it for the person who made the key, completed is their review, null takes that back."""
    return answer(set_status(workspace_item_or_404(request.auth.workspace, item_id), request.auth, body))


@router.get(f"{PATH}/{{queue_id}}/items/{{item_id}}", openapi_extra=answers(ITEM), summary="Read an item")
def read_item(request: KeyRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    return answer(item_json(item_or_404(queue_or_404(request.auth.workspace, queue_id), item_id, None)))


@router.patch(f"{PATH}/{{queue_id}}/items/{{item_id}}", openapi_extra=answers(ITEM), summary="Change an item")
def update_item(request: KeyRequest, queue_id: uuid.UUID, item_id: uuid.UUID, body: ItemChange) -> HttpResponse:
    item = item_or_404(queue_or_404(request.auth.workspace, queue_id), item_id, None)
    body.apply(item)
    return answer(item_json(item))


@router.get(
    f"{PATH}/{{queue_id}}/items/{{item_id}}/placement", openapi_extra=answers(PLACEMENT), summary="Where an item stands"
)
def read_placement(request: KeyRequest, queue_id: uuid.UUID, item_id: uuid.UUID) -> HttpResponse:
    """Its section for the person who made the key, and its place there, counted from 0."""
    queue, user = queue_or_404(request.auth.workspace, queue_id), request.auth.created_by
    item = item_or_404(queue, item_id, user)
    earlier = QueueItem.objects.in_queue(queue).before(item).for_person(user).in_section(item.section)
    section = ARCHIVED if item.section == Section.COMPLETED else item.section
    return answer({"item_type": item.kind, "section": section, "position": earlier.count(), "cursor": None})
