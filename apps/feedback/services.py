"""What gives, changes and takes back feedback, for the API and the pages. A program's and a member's feedback go the same way."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from django.core import signing
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.feedback import store
from apps.feedback.draft import Draft
from apps.feedback.keys import BadFeedback, configs_of, conform
from apps.feedback.models import Feedback
from apps.runs.ingest.store import raw_cursor

UNDO_SECONDS: Final = 24 * 3600
_SALT = "threadline.feedback"
TAKEN = "id: is taken in another workspace"


class Gone(LookupError):
    """There is no such feedback any more."""


def record(workspace: Workspace, draft: Draft) -> Feedback:
    """Give feedback; one of the same id is replaced. Raises BadFeedback."""
    conform(draft, configs_of(workspace, [draft.key]).get(draft.key))
    if not store.write(workspace, [draft]):
        raise BadFeedback(TAKEN)
    return _read(workspace, draft.id)


def record_all(workspace: Workspace, drafts: Sequence[Draft]) -> dict[uuid.UUID, str]:
    """Give all feedback that can be given. Returns why the others were not, by id."""
    configs = configs_of(workspace, (draft.key for draft in drafts))
    refused: dict[uuid.UUID, str] = {}
    for draft in drafts:
        try:
            conform(draft, configs.get(draft.key))
        except BadFeedback as error:
            refused[draft.id] = str(error)
    good = [draft for draft in drafts if draft.id not in refused]
    written = store.write(workspace, good)
    return refused | {draft.id: TAKEN for draft in good if draft.id not in written}


def change(feedback: Feedback, **values: Any) -> Feedback:
    """Change score, value, comment, correction and the like; None clears. Raises BadFeedback, or Gone if it was taken back meanwhile."""
    workspace = feedback.workspace
    with transaction.atomic(), connection.wrap_database_errors, raw_cursor() as cursor:
        store.lock(cursor, workspace, feedback.id)
        draft = Draft.of(_read(workspace, feedback.id))
        for name, value in values.items():
            setattr(draft, name, value)
        draft.modified_at = timezone.now()
        return record(workspace, draft)


def remove(feedback: Feedback) -> str:
    """Take feedback back; an earlier verdict of its judge counts again. Returns what `restore` needs."""
    undo = snapshot(_read(feedback.workspace, feedback.id))
    if not store.delete(feedback.workspace, feedback.id):
        raise Gone(f"No feedback {feedback.id}")
    return undo


def snapshot(feedback: Feedback) -> str:
    """A signed text from which `restore` makes the feedback as it is now; it may travel through a browser, for a day."""
    state = msgspec.to_builtins(Draft.of(feedback))
    return signing.dumps([str(feedback.workspace_id), state], salt=_SALT, compress=True)


def restore(workspace: Workspace, undo: str) -> Feedback:
    """Raises Gone where the text is too old, not ours, or of another workspace."""
    try:
        owner, state = signing.loads(undo, salt=_SALT, max_age=UNDO_SECONDS)
    except signing.BadSignature:
        raise Gone("It is too late to undo this") from None
    if owner != str(workspace.pk):
        raise Gone("This feedback belongs to another workspace")
    return record(workspace, msgspec.convert(state, Draft))


def _read(workspace: Workspace, feedback_id: uuid.UUID) -> Feedback:
    found = Feedback.objects.in_workspace(workspace).with_id(feedback_id).select_related("user").first()
    if found is None:
        raise Gone(f"No feedback {feedback_id}")
    found.workspace = workspace
    return found
