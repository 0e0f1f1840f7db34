"""The v1 routes that make tokens with which a browser gives feedback on one run without a key. Using one: token_views.py."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.feedback import schemas
from apps.feedback.api import MAX_OFFSET, MAX_PAGE, answer, giver
from apps.feedback.configs import configure
from apps.feedback.keys import MAX_KEY, BadConfig
from apps.feedback.models import FeedbackToken
from apps.feedback.wire import zulu
from apps.projects.schemas import answers
from apps.projects.wire import Moment, Text

DEFAULT_LIFE = timedelta(hours=3)
LONGEST_LIFE = timedelta(days=3660)
MOST_AT_ONCE = 100

router = Router(tags=["feedback"])


class Life(Schema):
    days: int = Field(0, ge=0, le=3660)
    hours: int = Field(0, ge=0, le=87_840)
    minutes: int = Field(0, ge=0, le=5_270_400)


class NewToken(Schema):
    run_id: uuid.UUID = Field(description="the run need not have arrived")
    feedback_key: Text
    feedback_config: dict[str, Any] | None = Field(None, description="configures the key if it has no configuration")
    id: uuid.UUID | None = Field(None, description="of the token; whoever knows it may use it")
    expires_in: Life | None = Field(None, description="three hours when neither this nor expires_at is given")
    expires_at: Moment | None = None


@router.post(
    "/feedback/tokens", auth=giver, summary="Make tokens for giving feedback", openapi_extra=answers(schemas.MADE)
)
def create_tokens(request: KeyRequest, body: NewToken | list[NewToken]) -> HttpResponse:
    """One, or a list of up to 100; the answer is one or a list accordingly."""
    wanted = body if isinstance(body, list) else [body]
    if len(wanted) > MOST_AT_ONCE:
        raise HttpError(422, f"At most {MOST_AT_ONCE} tokens at once.")
    try:
        with transaction.atomic():
            made = [_make(request, one) for one in wanted]
    except IntegrityError:
        raise HttpError(409, "id: there is a token of this id") from None
    shown = [_json(request, token) for token in made]
    return answer(shown if isinstance(body, list) else shown[0])


def _make(request: KeyRequest, asked: NewToken) -> FeedbackToken:
    if not 0 < len(asked.feedback_key) <= MAX_KEY:
        raise HttpError(422, f"feedback_key: between 1 and {MAX_KEY} characters")
    workspace = request.auth.workspace
    if asked.feedback_config:
        try:
            configure(workspace, asked.feedback_key, asked.feedback_config, by=request.auth.created_by)
        except BadConfig as error:
            raise HttpError(422, f"feedback_config: {error}") from None
    return FeedbackToken.objects.create(
        pk=asked.id or uuid.uuid4(),
        workspace=workspace,
        run_id=asked.run_id,
        feedback_key=asked.feedback_key,
        expires_at=_end(asked),
    )


def _end(asked: NewToken) -> datetime:
    now = timezone.now()
    life = asked.expires_in
    asked_for = timedelta(days=life.days, hours=life.hours, minutes=life.minutes) if life else DEFAULT_LIFE
    return min(asked.expires_at or now + asked_for, now + LONGEST_LIFE)


class TokenQuery(Schema):
    run_id: uuid.UUID
    limit: int = Field(MAX_PAGE, description=f"at most {MAX_PAGE}")
    offset: int = 0


@router.get("/feedback/tokens", summary="List the tokens of a run", openapi_extra=answers(schemas.TOKENS))
def list_tokens(request: KeyRequest, asked: Query[TokenQuery]) -> HttpResponse:
    """Newest first, expired ones too."""
    found = FeedbackToken.objects.in_workspace(request.auth.workspace).of_run(asked.run_id)
    start = min(max(asked.offset, 0), MAX_OFFSET)
    return answer([_json(request, token) for token in found[start : start + min(max(asked.limit, 1), MAX_PAGE)]])


def _json(request: KeyRequest, token: FeedbackToken) -> dict[str, Any]:
    """The URL is absolute and on the address by which the client calls the API: end users open it."""
    return {
        "id": token.pk,
        "url": f"{request.build_absolute_uri(request.path)}/{token.pk}",
        "expires_at": zulu(token.expires_at),
        "feedback_key": token.feedback_key,
    }
