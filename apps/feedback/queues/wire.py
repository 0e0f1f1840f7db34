"""Queues and their items as the API shows them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from django.http import HttpRequest

from apps.accounts.models import User, Workspace
from apps.feedback.queues.models import AnnotationQueue, Kind, QueueItem, Section
from apps.feedback.queues.rubric import RubricRow, rows_of
from apps.feedback.wire import named_config_json, zulu
from apps.projects import ports
from apps.projects.schemas import FLAG, ID, OBJECT, TEXT, TIME, V1_TIME, WHOLE, Json, array, by_name, maybe, object_of
from apps.runs.api import attachments_of
from apps.runs.models import Run, Trace
from apps.runs.schemas import RUN
from apps.runs.wire import payload_columns, run_json, wire_time

_PERSON: Final = object_of({"id": TEXT, "email": TEXT, "name": maybe(TEXT)})
_QUEUE: Final[Json] = {
    "id": ID,
    "tenant_id": ID,
    "name": TEXT,
    "description": maybe(TEXT),
    "created_at": TIME,
    "updated_at": TIME,
    "queue_type": {"enum": ["single"]},
    "num_reviewers_per_item": WHOLE,
    "enable_reservations": FLAG,
    "reservation_minutes": maybe(WHOLE),
    "reviewer_access_mode": {"enum": ["any", "assigned"]},
    "assigned_reviewers": array(_PERSON),
    "default_dataset": {"type": "null"},
    "metadata": maybe(OBJECT),
}
_CONFIG: Final = object_of(
    {
        "id": ID,
        "feedback_key": TEXT,
        "feedback_config": OBJECT,
        "tenant_id": ID,
        "modified_at": TIME,
        "is_lower_score_better": FLAG,
    }
)
_RUBRIC_ITEM: Final = object_of(
    {
        "feedback_key": TEXT,
        "description": maybe(TEXT),
        "value_descriptions": maybe(by_name(TEXT)),
        "score_descriptions": maybe(by_name(TEXT)),
        "is_required": FLAG,
        "feedback_config": maybe(_CONFIG),
    }
)
QUEUE: Final = object_of(_QUEUE)
LISTED_QUEUE: Final = object_of(_QUEUE | {"total_runs": WHOLE}, {"rubric_keys": array(TEXT)})
QUEUE_WITH_RUBRIC: Final = object_of(_QUEUE | {"rubric_instructions": maybe(TEXT), "rubric_items": array(_RUBRIC_ITEM)})
ADDED_RUN: Final = object_of(
    {
        "id": ID,
        "queue_id": ID,
        "run_id": ID,
        "added_at": TIME,
        "last_reviewed_time": maybe(TIME),
        "source_proposed_example_id": {"type": "null"},
    }
)
_ITEM: Final[Json] = {
    "id": ID,
    "queue_id": ID,
    "item_type": {"enum": Kind.values},
    "run_id": maybe(ID),
    "thread_id": maybe(TEXT),
    "project_id": ID,
    "start_time": maybe(TIME),
    "added_at": TIME,
    "last_reviewed_time": maybe(TIME),
    "source_proposed_example_id": {"type": "null"},
}
_PEOPLE: Final = array(TEXT)
ITEM: Final = object_of(_ITEM)
LISTED_ITEM: Final = object_of(
    _ITEM
    | {
        "effective_added_at": TIME,
        "reserved_by": _PEOPLE,
        "completed_by": _PEOPLE,
        "assigned_to": _PEOPLE,
    }
)
_ATTACHED: Final = "s3_urls"
RUN_IN_QUEUE: Final = object_of(
    {name: shape for name, shape in RUN["properties"].items() if name != _ATTACHED}
    | {"added_at": V1_TIME, "last_reviewed_time": maybe(V1_TIME), "queue_run_id": ID, "effective_added_at": V1_TIME},
    {_ATTACHED: RUN["properties"][_ATTACHED]},
)
ARCHIVED: Final = "archived"
"""What the API calls the section of completed items, beside completed."""


def section_of(status: str | None) -> str | None:
    return Section.COMPLETED if status == ARCHIVED else status


def _maybe(moment: datetime | None) -> str | None:
    return None if moment is None else zulu(moment)


def queue_json(queue: AnnotationQueue, reviewers: Iterable[User]) -> dict[str, Any]:
    """Without the rubric: older SDKs make an object without it from the answer to a creation, and refuse it there."""
    return {
        "id": queue.pk,
        "tenant_id": queue.workspace_id,
        "name": queue.name,
        "description": queue.description or None,
        "created_at": zulu(queue.created_at),
        "updated_at": zulu(queue.updated_at),
        "queue_type": "single",
        "num_reviewers_per_item": queue.reviews_needed,
        "enable_reservations": queue.reserved_minutes > 0,
        "reservation_minutes": queue.reserved_minutes or None,
        "reviewer_access_mode": "assigned" if queue.assigned_only else "any",
        "assigned_reviewers": [
            {"id": str(user.pk), "email": user.email, "name": user.name or None} for user in reviewers
        ],
        "default_dataset": None,
        "metadata": queue.metadata,
    }


def people_of(queue: AnnotationQueue) -> list[User]:
    """Its reviewers, of a queue that was read with_people."""
    return [membership.user for membership in queue.reviewers.all()]


def listed_queue_json(queue: AnnotationQueue, *, rubric_keys: bool) -> dict[str, Any]:
    """Of a queue that was read with_people and with_sizes."""
    keys = {"rubric_keys": [row["feedback_key"] for row in queue.rubric]} if rubric_keys else {}
    return queue_json(queue, people_of(queue)) | {"total_runs": queue.size, **keys}


def with_rubric(queue: AnnotationQueue, reviewers: Iterable[User]) -> dict[str, Any]:
    rows = rows_of(queue.workspace, queue.rubric)
    return queue_json(queue, reviewers) | {
        "rubric_instructions": queue.instructions or None,
        "rubric_items": [_rubric_json(row) for row in rows],
    }


def _rubric_json(row: RubricRow) -> dict[str, Any]:
    return {
        "feedback_key": row.key,
        "description": row.description or None,
        "value_descriptions": row.texts or None,
        "score_descriptions": row.score_texts or None,
        "is_required": row.required,
        "feedback_config": None if row.config is None else named_config_json(row.config),
    }


def added_json(item: QueueItem) -> dict[str, Any]:
    return {
        "id": item.pk,
        "queue_id": item.queue_id,
        "run_id": item.run_id,
        "added_at": zulu(item.added_at),
        "last_reviewed_time": _maybe(item.last_reviewed_at),
        "source_proposed_example_id": None,
    }


def item_json(item: QueueItem) -> dict[str, Any]:
    return {
        "id": item.pk,
        "queue_id": item.queue_id,
        "item_type": item.kind,
        "run_id": item.run_id,
        "thread_id": item.thread_id,
        "project_id": item.project_id,
        "start_time": _maybe(item.start_time),
        "added_at": zulu(item.added_at),
        "last_reviewed_time": _maybe(item.last_reviewed_at),
        "source_proposed_example_id": None,
    }


def listed_json(item: QueueItem, assigned: Collection[str], now: datetime) -> dict[str, Any]:
    """Of an item read with for_list."""
    reviews = list(item.reviews.all())
    return item_json(item) | {
        "effective_added_at": zulu(item.queued_at),
        "reserved_by": [str(review.user_id) for review in reviews if review.is_held(now)],
        "completed_by": [str(review.user_id) for review in reviews if review.done_at is not None],
        "assigned_to": list(assigned),
    }


def runs_json(request: HttpRequest, workspace: Workspace, items: Iterable[QueueItem]) -> list[dict[str, Any]]:
    """The runs of these items, with when each was added and reviewed. A run that is gone is left out."""
    listed = list(items)
    columns = payload_columns(None)
    wanted = Run.objects.in_workspace(workspace).filter(
        trace_id__in={item.trace_id for item in listed}, id__in={item.run_id for item in listed}
    )
    runs = {(run.trace_id, run.id): run for run in wanted.for_wire(columns)}
    traces = Trace.objects.by_id(run.trace_id for run in runs.values() if run.is_root)
    feedback, attachments = ports.feedback.of_runs(runs), attachments_of(request, runs.values())
    found = []
    for item in listed:
        if (key := (item.trace_id, item.run_id)) in runs:
            shown = run_json(runs[key], workspace.pk, traces, columns, feedback.get(key)) | attachments.get(key, {})
            found.append(shown | _queue_info(item))
    return found


def _queue_info(item: QueueItem) -> dict[str, Any]:
    return {
        "added_at": wire_time(item.added_at),
        "effective_added_at": wire_time(item.queued_at),
        "last_reviewed_time": wire_time(item.last_reviewed_at),
        "queue_run_id": item.pk,
    }
