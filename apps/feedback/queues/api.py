"""The v1 routes of annotation queues and the runs in them. Items, threads among them: api_items.py."""

import uuid
from typing import Annotated, Any, Literal

from django.http import Http404, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.accounts.models import User
from apps.feedback.api import MAX_OFFSET, MAX_PAGE, answer
from apps.feedback.queues import services
from apps.feedback.queues.access import queue_or_404, run_item_or_404, workspace_item_or_404
from apps.feedback.queues.adding import MOST_ADDED, Unknown, add_runs, add_selected_runs
from apps.feedback.queues.models import (
    LONGEST_RESERVATION,
    MAX_TEXT,
    MOST_REVIEWS,
    RESERVED_FOR,
    AnnotationQueue,
    Kind,
    QueueItem,
    QueueItemQuerySet,
)
from apps.feedback.queues.rubric import BadRubric, rubric_from
from apps.feedback.queues.status import ItemChange, StatusChange, set_status
from apps.feedback.queues.wire import (
    ADDED_RUN,
    LISTED_QUEUE,
    QUEUE,
    QUEUE_WITH_RUBRIC,
    RUN_IN_QUEUE,
    added_json,
    listed_queue_json,
    people_of,
    queue_json,
    runs_json,
    section_of,
    with_rubric,
)
from apps.projects.access import project_or_404
from apps.projects.schemas import OBJECT, WHOLE, answers, array, object_of
from apps.projects.wire import Json, Moment, Text
from apps.runs.models import Run

SIZE = object_of({"size": WHOLE})
ADDED = object_of({"added": WHOLE})

router = Router(tags=["annotation queues"])


class QueueChange(Schema):
    """What is not sent stays as it is; null too, but for the texts, which it empties. What is not listed is ignored."""

    name: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    description: Annotated[Text, Field(max_length=MAX_TEXT)] | None = None
    rubric_instructions: Annotated[Text, Field(max_length=MAX_TEXT)] | None = None
    rubric_items: list[dict[str, Any]] | None = Field(
        None,
        description="feedback_key, description, value_descriptions, score_descriptions and is_required each; replaces the rubric",
    )
    num_reviewers_per_item: Annotated[int, Field(ge=1, le=MOST_REVIEWS)] | None = Field(
        None, description="reviews by different people until an item is completed"
    )
    enable_reservations: bool | None = Field(None, description="keep an item for the person who opened it")
    reservation_minutes: Annotated[int, Field(ge=1, le=LONGEST_RESERVATION)] | None = None
    reviewer_access_mode: Literal["any", "assigned"] | None = Field(
        None, description="who may review; people are assigned in the pages"
    )
    metadata: Json | None = None


class NewQueue(QueueChange):
    name: Annotated[Text, Field(min_length=1, max_length=200)]
    id: uuid.UUID | None = None


def _values(body: QueueChange, minutes: int) -> dict[str, Any]:
    """The columns that a body sets. minutes is for how long items are reserved now."""
    sent = body.model_fields_set
    found: dict[str, Any] = {}
    for field, column in (("description", "description"), ("rubric_instructions", "instructions")):
        if field in sent:
            found[column] = getattr(body, field) or ""
    for field, column in (("name", "name"), ("num_reviewers_per_item", "reviews_needed")):
        if getattr(body, field) is not None:
            found[column] = getattr(body, field)
    if body.rubric_items is not None:
        found["rubric"] = rubric_from(body.rubric_items)
    if body.reviewer_access_mode is not None:
        found["assigned_only"] = body.reviewer_access_mode == "assigned"
    if "metadata" in sent:
        found["metadata"] = body.metadata
    if body.enable_reservations is False:
        return found | {"reserved_minutes": 0}
    if body.enable_reservations or body.reservation_minutes:
        found["reserved_minutes"] = body.reservation_minutes or minutes or RESERVED_FOR
    return found


def _checked(body: QueueChange, minutes: int) -> dict[str, Any]:
    try:
        return _values(body, minutes)
    except BadRubric as error:
        raise HttpError(422, str(error)) from None


def reviewers_of(queue: AnnotationQueue) -> list[User]:
    return [membership.user for membership in queue.reviewers.select_related("user").order_by("pk")]


@router.post("/annotation-queues", openapi_extra=answers(QUEUE), summary="Create a queue")
def create_queue(request: KeyRequest, body: NewQueue) -> HttpResponse:
    key = request.auth
    values = _checked(body, RESERVED_FOR) | ({"id": body.id} if body.id else {})
    try:
        return answer(queue_json(services.create(key.workspace, key.created_by, values), []))
    except services.Taken as error:
        raise HttpError(409, str(error)) from None


class QueueQuery(Schema):
    ids: list[uuid.UUID] = Field([], description="these queues")
    name: Text | None = None
    name_contains: Text | None = None
    assigned_to_me: bool = Field(False, description="those that name the person who made the key as a reviewer")
    queue_type: Literal["single", "pairwise"] | None = Field(None, description="none is pairwise")
    dataset_id: uuid.UUID | None = Field(None, description="no queue has a dataset")
    include_rubric_keys: bool = Field(False, description="adds rubric_keys")
    sort_by: Literal["name", "created_at", "updated_at"] = "created_at"
    sort_by_desc: bool = True
    limit: int = Field(MAX_PAGE, description=f"at most {MAX_PAGE}")
    offset: int = 0


@router.get("/annotation-queues", openapi_extra=answers(array(LISTED_QUEUE)), summary="List queues")
def list_queues(request: KeyRequest, asked: Query[QueueQuery]) -> HttpResponse:
    """Newest first unless another order is asked for. total_runs is what /size answers: items that are not completed."""
    found = AnnotationQueue.objects.in_workspace(request.auth.workspace).asked_for(
        pk__in=asked.ids or None, name=asked.name, name__icontains=asked.name_contains
    )
    if asked.assigned_to_me:
        found = found.assigned_to(request.auth.created_by)
    if asked.queue_type == "pairwise" or asked.dataset_id:
        found = found.none()
    sign = "-" if asked.sort_by_desc else ""
    found = found.with_sizes().for_list().order_by(f"{sign}{asked.sort_by}", f"{sign}pk")
    page = sliced(found.with_people(), asked.limit, asked.offset)
    return answer([listed_queue_json(queue, rubric_keys=asked.include_rubric_keys) for queue in page])


@router.get("/annotation-queues/{run_id}/queues", openapi_extra=answers(array(QUEUE)), summary="List queues of a run")
def list_queues_of_run(request: KeyRequest, run_id: uuid.UUID) -> HttpResponse:
    """Those that the run is in, newest first, at most 100."""
    found = AnnotationQueue.objects.in_workspace(request.auth.workspace).holding(run_id).with_people().for_list()
    return answer([queue_json(queue, people_of(queue)) for queue in found[:MAX_PAGE]])


class Population(Schema):
    queue_id: uuid.UUID
    session_ids: list[uuid.UUID] = Field(min_length=1, max_length=MAX_PAGE, description="the projects")


@router.post("/annotation-queues/populate", openapi_extra=answers(ADDED), summary="Add the traces of projects")
def populate_queue(request: KeyRequest, body: Population) -> HttpResponse:
    """Their root runs, at most 10,000, the latest first. Those that are in the queue stay where they are."""
    workspace = request.auth.workspace
    queue = queue_or_404(workspace, body.queue_id)
    projects = [project_or_404(workspace, project_id) for project_id in body.session_ids]
    added, _ = add_selected_runs(queue, Run.objects.in_projects(project.pk for project in projects).roots())
    return answer({"added": added})


def sliced(found: Any, limit: int, offset: int) -> Any:
    start = min(max(offset, 0), MAX_OFFSET)
    return found[start : start + min(max(limit, 1), MAX_PAGE)]


@router.get("/annotation-queues/{queue_id}", openapi_extra=answers(QUEUE_WITH_RUBRIC), summary="Read a queue")
def read_queue(request: KeyRequest, queue_id: uuid.UUID) -> HttpResponse:
    queue = queue_or_404(request.auth.workspace, queue_id)
    return answer(with_rubric(queue, reviewers_of(queue)))


@router.patch("/annotation-queues/{queue_id}", openapi_extra=answers(QUEUE_WITH_RUBRIC), summary="Change a queue")
def update_queue(request: KeyRequest, queue_id: uuid.UUID, body: QueueChange) -> HttpResponse:
    queue = queue_or_404(request.auth.workspace, queue_id)
    services.change(queue, request.auth.created_by, _checked(body, queue.reserved_minutes))
    return answer(with_rubric(queue, reviewers_of(queue)))


@router.delete("/annotation-queues/{queue_id}", openapi_extra=answers(OBJECT), summary="Delete a queue")
def delete_queue(request: KeyRequest, queue_id: uuid.UUID) -> HttpResponse:
    """The feedback that was given stays."""
    services.delete(queue_or_404(request.auth.workspace, queue_id), request.auth.created_by)
    return answer({})


class QueuedRun(Schema):
    """session_id and start_time are not needed: a run is found by its id."""

    run_id: uuid.UUID


@router.post("/annotation-queues/{queue_id}/runs", openapi_extra=answers(array(ADDED_RUN)), summary="Add runs")
def create_runs(request: KeyRequest, queue_id: uuid.UUID, body: list[uuid.UUID | QueuedRun]) -> HttpResponse:
    """Run ids, or objects with a run_id. Runs that are in the queue stay where they are; unknown ones are 404 and nothing is added."""
    return _add(request, queue_id, [each.run_id if isinstance(each, QueuedRun) else each for each in body])


@router.post(
    "/annotation-queues/{queue_id}/runs/by-key", openapi_extra=answers(array(ADDED_RUN)), summary="Add runs by key"
)
def create_runs_by_key(request: KeyRequest, queue_id: uuid.UUID, body: list[QueuedRun]) -> HttpResponse:
    return _add(request, queue_id, [each.run_id for each in body])


def _add(request: KeyRequest, queue_id: uuid.UUID, run_ids: list[uuid.UUID]) -> HttpResponse:
    queue = queue_or_404(request.auth.workspace, queue_id)
    if len(run_ids) > MOST_ADDED:
        raise HttpError(422, f"At most {MOST_ADDED:,} runs at once.")
    try:
        return answer([added_json(item) for item in add_runs(queue, run_ids)])
    except Unknown as error:
        raise Http404(str(error)) from None


class QueuedRunQuery(Schema):
    status: Literal["needs_my_review", "needs_others_review", "completed", "archived"] | None = None
    limit: int = Field(MAX_PAGE, description=f"at most {MAX_PAGE}")
    offset: int = 0


@router.get("/annotation-queues/{queue_id}/runs", openapi_extra=answers(array(RUN_IN_QUEUE)), summary="List runs")
def list_runs(request: KeyRequest, queue_id: uuid.UUID, asked: Query[QueuedRunQuery]) -> HttpResponse:
    """In the order of the queue; my and others is meant of the person who made the key."""
    found = runs_in(request, queue_id).in_section(section_of(asked.status)).in_order()
    return answer(runs_json(request, request.auth.workspace, sliced(found, asked.limit, asked.offset)))


def runs_in(request: KeyRequest, queue_id: uuid.UUID) -> QueueItemQuerySet:
    queue = queue_or_404(request.auth.workspace, queue_id)
    return QueueItem.objects.in_queue(queue).of_kind(Kind.RUN).for_person(request.auth.created_by)


@router.get(
    "/annotation-queues/{queue_id}/run/{index}", openapi_extra=answers(RUN_IN_QUEUE), summary="Read a run by its place"
)
def read_run_at(request: KeyRequest, queue_id: uuid.UUID, index: int) -> HttpResponse:
    """Among the runs that are not completed, counted from 0."""
    start = index if 0 <= index <= MAX_OFFSET else MAX_OFFSET
    found = runs_json(request, request.auth.workspace, runs_in(request, queue_id).open().in_order()[start : start + 1])
    if not found:
        raise Http404(f"The queue has no run at {index}")
    return answer(found[0])


class RemovedRuns(Schema):
    run_ids: list[uuid.UUID] = Field([], max_length=MOST_ADDED)
    delete_all: bool = Field(False, description="all runs of the queue, instead of these")
    exclude_run_ids: list[uuid.UUID] = Field([], max_length=MOST_ADDED, description="that delete_all leaves in it")


@router.post("/annotation-queues/{queue_id}/runs/delete", openapi_extra=answers(OBJECT), summary="Take runs out")
def delete_runs(request: KeyRequest, queue_id: uuid.UUID, body: RemovedRuns) -> HttpResponse:
    """Completed ones too. Runs that are not in the queue are passed over."""
    queue = queue_or_404(request.auth.workspace, queue_id)
    items = QueueItem.objects.in_queue(queue)
    found = items.of_other_runs(body.exclude_run_ids) if body.delete_all else items.of_runs(body.run_ids)
    services.remove(queue, request.auth.created_by, found.ids())
    return answer({})


@router.patch("/annotation-queues/{queue_id}/runs/{run_id}", openapi_extra=answers(OBJECT), summary="Change an item")
def update_run(request: KeyRequest, queue_id: uuid.UUID, run_id: uuid.UUID, body: ItemChange) -> HttpResponse:
    """Also by the id of its item, which the runs of a queue have as queue_run_id."""
    body.apply(run_item_or_404(queue_or_404(request.auth.workspace, queue_id), run_id))
    return answer({})


@router.delete("/annotation-queues/{queue_id}/runs/{run_id}", openapi_extra=answers(OBJECT), summary="Take a run out")
def delete_run(request: KeyRequest, queue_id: uuid.UUID, run_id: uuid.UUID) -> HttpResponse:
    """Also by the id of its item."""
    queue = queue_or_404(request.auth.workspace, queue_id)
    items = QueueItem.objects.in_queue(queue).called(run_id).ids()
    if not services.remove(queue, request.auth.created_by, items):
        raise Http404(f"No run {run_id} in this queue")
    return answer({})


class SizeQuery(Schema):
    status: Literal["all", "needs_my_review", "needs_others_review", "completed", "archived"] | None = None


@router.get("/annotation-queues/{queue_id}/size", openapi_extra=answers(SIZE), summary="Count items")
def read_size(request: KeyRequest, queue_id: uuid.UUID, asked: Query[SizeQuery]) -> HttpResponse:
    """Runs and threads; without a status those that are not completed."""
    queue = queue_or_404(request.auth.workspace, queue_id)
    items = QueueItem.objects.in_queue(queue)
    if asked.status is None:
        return answer({"size": items.open().count()})
    return answer({"size": counted(items, request.auth.created_by, asked.status)})


@router.get("/annotation-queues/{queue_id}/total_size", openapi_extra=answers(SIZE), summary="Count all items")
def read_total_size(request: KeyRequest, queue_id: uuid.UUID) -> HttpResponse:
    return answer({"size": QueueItem.objects.in_queue(queue_or_404(request.auth.workspace, queue_id)).count()})


class Period(Schema):
    start_time: Moment | None = Field(None, description="completed after this time")
    end_time: Moment | None = Field(None, description="completed before this time")


@router.get(
    "/annotation-queues/{queue_id}/total_archived", openapi_extra=answers(SIZE), summary="Count completed items"
)
def read_total_archived(request: KeyRequest, queue_id: uuid.UUID, asked: Query[Period]) -> HttpResponse:
    items = QueueItem.objects.in_queue(queue_or_404(request.auth.workspace, queue_id)).completed()
    return answer({"size": items.completed_between(asked.start_time, asked.end_time).count()})


def counted(items: QueueItemQuerySet, user: User | None, status: str) -> int:
    return items.count() if status == "all" else items.for_person(user).in_section(section_of(status)).count()


@router.post("/annotation-queues/status/{queue_run_id}", openapi_extra=answers(OBJECT), summary="Say what you did")
def create_run_status(request: KeyRequest, queue_run_id: uuid.UUID, body: StatusChange) -> HttpResponse:
    """viewed reserves the item for the person who made the key, completed is their review, null takes it back."""
    return answer(set_status(workspace_item_or_404(request.auth.workspace, queue_run_id), request.auth, body))
