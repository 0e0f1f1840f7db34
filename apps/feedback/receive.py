"""Feedback from programs: checked, given its project and configuration, stored."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pydantic

from apps.accounts.models import Workspace
from apps.feedback import services
from apps.feedback.configs import configure
from apps.feedback.draft import Draft
from apps.feedback.keys import BadConfig, BadFeedback
from apps.feedback.models import Feedback
from apps.feedback.wire import GivenFeedback, drafted
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.projects.ports import Refusal
from apps.runs.ingest.decode import NotJson, parse


def take(workspace: Workspace, given: GivenFeedback) -> Feedback:
    """Raises BadFeedback, or Http404 for a project that is not in the workspace."""
    draft = drafted(given)
    if draft.project_id is not None:
        project_or_404(workspace, draft.project_id)
    _check_target(draft)
    _configure(workspace, given, draft.key)
    return services.record(workspace, draft)


def _check_target(draft: Draft) -> None:
    if draft.run_id is None and draft.project_id is None:
        raise BadFeedback("run_id: name the run; or a thread by thread_id and session_id; or a project by session_id")


def _configure(workspace: Workspace, given: GivenFeedback, key: str) -> None:
    """A key that has a configuration keeps it: it is the workspace's, not the caller's."""
    if config := given.feedback_config or given.feedbackConfig:
        try:
            configure(workspace, key, config)
        except BadConfig as error:
            raise BadFeedback(f"feedback_config: {error}") from None


def receive(workspace: Workspace, parts: Sequence[tuple[str, bytes]]) -> list[Refusal]:
    """Multipart parts `feedback.<id>`: (id, JSON text) each. Returns (id, reason) of those that were not stored."""
    refused: list[Refusal] = []
    drafts: list[Draft] = []
    for name, text in parts:
        try:
            given = _given(name, text)
            draft = drafted(given)
            _check_target(draft)
            _configure(workspace, given, draft.key)
            drafts.append(draft)
        except (BadFeedback, NotJson) as error:
            refused.append((name, f"the feedback was left out: {error}"))
    known = _projects(workspace, drafts)
    for draft in drafts:
        if draft.project_id not in known:
            refused.append(
                (
                    str(draft.id),
                    f"the feedback was left out: session_id {draft.project_id} is not a project of this workspace",
                )
            )
    stored = services.record_all(workspace, [draft for draft in drafts if draft.project_id in known])
    return refused + [(str(id_), f"the feedback was left out: {reason}") for id_, reason in stored.items()]


def _given(name: str, text: bytes) -> GivenFeedback:
    value, _ = parse(text)
    if not isinstance(value, dict):
        raise BadFeedback("not a JSON object")
    try:
        return GivenFeedback.model_validate(
            {**value, "id": value.get("id") or name, "key": value.get("key") or "unnamed"}
        )
    except pydantic.ValidationError as error:
        first: Any = error.errors()[0]
        raise BadFeedback(f"{first['loc'][-1]}: {first['msg']}") from None


def _projects(workspace: Workspace, drafts: list[Draft]) -> set[UUID | None]:
    """Those of the workspace, and None for feedback that leaves the project to its run."""
    wanted = {draft.project_id for draft in drafts if draft.project_id is not None}
    return {None, *(Project.objects.in_workspace(workspace).among(wanted).ids() if wanted else ())}
