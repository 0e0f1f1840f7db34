"""What a program says of an item: that its person has opened or reviewed it, or wants to see it again, and where it stands."""

from typing import Any, Literal

from ninja import Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.models import ApiKey, Membership
from apps.feedback.queues import reviewing, services
from apps.feedback.queues.models import QueueItem
from apps.projects.wire import Moment


class StatusChange(Schema):
    status: Literal["viewed", "completed"] | None = None
    override_added_at: Moment | None = Field(None, description="moves the item to this place in the queue")


class ItemChange(Schema):
    """What is not given or null stays."""

    added_at: Moment | None = Field(None, description="also moves the item to this place in the queue")
    last_reviewed_time: Moment | None = None

    def apply(self, item: QueueItem) -> None:
        columns = {"added_at": self.added_at, "queued_at": self.added_at, "last_reviewed_at": self.last_reviewed_time}
        services.change_item(item, **{name: moment for name, moment in columns.items() if moment is not None})


def set_status(item: QueueItem, key: ApiKey, asked: StatusChange) -> dict[str, Any]:
    """Raises HttpError: 403 where the key has no person who may review here, 409 where the item has no room."""
    queue, user = item.queue, key.created_by
    if user is None or not reviewing.allowed(queue, Membership.objects.of(user).in_workspace(key.workspace).first()):
        raise HttpError(403, "The person who made this key may not review this queue.")
    try:
        if asked.status == "completed":
            reviewing.mark_done(queue, item, user)
        elif asked.status == "viewed" and not reviewing.hold(queue, item, user):
            raise reviewing.Full("Others review this item already.")
        elif asked.status is None:
            reviewing.reopen(queue, item, user)
    except reviewing.Full as error:
        raise HttpError(409, str(error)) from None
    if asked.override_added_at:
        reviewing.move(item, asked.override_added_at)
    item.refresh_from_db()
    return {
        "queue_item_id": item.pk,
        "status": asked.status,
        "is_archived": item.completed_at is not None,
        "override_added_at": None if asked.override_added_at is None else asked.override_added_at.isoformat(),
    }
