"""The only way from an id to a feedback, a configured key or a token."""

import uuid

from django.http import Http404
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.feedback.models import Feedback, FeedbackKey, FeedbackToken
from apps.projects.values import storable


def feedback_or_404(workspace: Workspace, feedback_id: uuid.UUID) -> Feedback:
    feedback = Feedback.objects.in_workspace(workspace).with_id(feedback_id).select_related("user").first()
    if feedback is None:
        raise Http404(f"No feedback {feedback_id} in this workspace")
    feedback.workspace = workspace
    return feedback


def config_or_404(workspace: Workspace, key: str | None, config_id: uuid.UUID | None = None) -> FeedbackKey:
    """By its key, its id, or both; one of the two is given."""
    configs = FeedbackKey.objects.in_workspace(workspace)
    configs = configs if key is None else configs.named([key] if storable(key) else [])
    config = (configs if config_id is None else configs.filter(pk=config_id)).first()
    if config is None:
        raise Http404(f"{key or config_id} is not configured in this workspace")
    config.workspace = workspace
    return config


def token_or_404(token_id: uuid.UUID) -> FeedbackToken:
    """A token that has not expired, whoever asks."""
    token = FeedbackToken.objects.usable(timezone.now()).filter(pk=token_id).first()
    if token is None:
        raise Http404("There is no such token, or it has expired")
    return token
