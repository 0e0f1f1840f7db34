"""Feedback from a page of any origin: the token in the path is all the right that is asked for."""

import uuid
from typing import Any

import msgspec
import pydantic
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from pydantic import Field

from apps.feedback import services
from apps.feedback.access import token_or_404
from apps.feedback.draft import Draft
from apps.feedback.keys import MAX_JSON_BYTES, BadFeedback
from apps.feedback.models import FeedbackToken
from apps.feedback.wire import Verdict, verdict
from apps.projects.values import storable
from apps.runs.ingest.decode import NotJson, parse

MAX_BODY = 64 * 1024
MOST_A_MINUTE = 60
# Nothing is read with the caller's cookies or key, so any page may send here.
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "content-type, x-api-key, x-tenant-id",
    "Access-Control-Max-Age": "86400",
    "Cache-Control": "no-store",
}
# One row a token, so that all processes count together.
COUNT_USE = """
UPDATE feedback_feedbacktoken
SET uses = CASE WHEN window_start < %(now)s - interval '1 minute' THEN 1 ELSE least(uses, 1000000) + 1 END,
    window_start = CASE WHEN window_start < %(now)s - interval '1 minute' THEN %(now)s ELSE window_start END
WHERE id = %(id)s RETURNING uses
"""


class TokenVerdict(Verdict):
    metadata: dict[str, Any] | None = Field(None, description="kept with the source")


@csrf_exempt
def give(request: HttpRequest, token_id: uuid.UUID) -> HttpResponse:
    """Each call makes a feedback. GET takes score, value and comment from the query, so that a plain link works."""
    if request.method not in ("GET", "POST", "OPTIONS"):
        return _told(405, "Use GET or POST.")
    if request.method == "OPTIONS":
        return HttpResponse(status=204, headers=CORS)
    try:
        return _take(request, token_or_404(token_id))
    except Http404 as error:
        return _told(404, str(error))
    except (BadFeedback, NotJson) as error:
        return _told(422, str(error))


def _take(request: HttpRequest, token: FeedbackToken) -> HttpResponse:
    if not _within_rate(token):
        return _told(429, f"At most {MOST_A_MINUTE} a minute with one token.", {"Retry-After": "60"})
    given = _given(request)
    metadata = given.metadata or {}
    if not storable(metadata) or len(msgspec.json.encode(metadata)) > MAX_JSON_BYTES:
        raise BadFeedback("metadata: too large, or holds what cannot be stored")
    # Whoever holds a token speaks for no judge: each use is a voice of its own.
    metadata.pop("judge", None)
    source = {"metadata": metadata} if metadata else {}
    draft = Draft(key=token.feedback_key, run_id=token.run_id, source=source, **verdict(given))
    services.record(token.workspace, draft)
    return _told(200)


def _within_rate(token: FeedbackToken) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(COUNT_USE, {"now": timezone.now(), "id": token.pk})
        row = cursor.fetchone()
    return row is not None and row[0] <= MOST_A_MINUTE


def _given(request: HttpRequest) -> TokenVerdict:
    """Raises BadFeedback or NotJson."""
    if request.method == "GET":
        value: Any = {name: request.GET.get(name) for name in ("score", "value", "comment", "correction")}
    else:
        length = request.META.get("CONTENT_LENGTH") or ""
        if not length.isdigit() or int(length) > MAX_BODY:
            raise BadFeedback(f"The body needs a Content-Length of at most {MAX_BODY}.")
        value, _ = parse(request.body or b"{}")
        if not isinstance(value, dict):
            raise BadFeedback("The body must be a JSON object.")
    try:
        return TokenVerdict.model_validate(value)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        raise BadFeedback(f"{first['loc'][-1] if first['loc'] else 'body'}: {first['msg']}") from None


def _told(status: int, detail: str = "", headers: dict[str, str] | None = None) -> HttpResponse:
    return JsonResponse({"detail": detail} if detail else {}, status=status, headers={**CORS, **(headers or {})})
