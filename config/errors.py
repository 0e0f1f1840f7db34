"""Whatever goes wrong below the API's paths is told in JSON, as its clients expect, and a query that takes too long is told as such."""

import logging
import re
from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from psycopg.errors import QueryCanceled

logger = logging.getLogger(__name__)

# What a restart of the database takes; the SDKs wait as long before each of their few tries.
RETRY_SECONDS: Final = 5

# The pages live under /o/, /accounts/, /admin/ and /public/<token>/r.
_API: Final = re.compile(
    r"/(?:api|v1|v2|otel|info|runs|sessions|feedback|feedback-configs|annotation-queues)(?:/|$)|/public/[^/]*/runs?(?:/|$)"
)
_SENTENCES: Final = {
    400: "The request cannot be read.",
    403: "This is not allowed.",
    404: "There is no such route; /api/docs lists those that there are.",
    500: "Something broke on the server; its log has the details.",
    503: "The server is busy; try again.",
}


def is_api(path: str) -> bool:
    return _API.match(path) is not None


class JsonErrors:
    """Outermost, so that it sees every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code < 400 or not is_api(request.path):
            return response
        if not response.headers.get("content-type", "").startswith("text/html"):
            return response
        return _told(request, response)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What reads through the API has its own handler (config/api.py). Runs that were sent are to be sent again."""
        if not ran_too_long(error):
            return _away(error) if isinstance(error, OperationalError) and is_api(request.path) else None
        logger.warning("A query for %s was ended: %s", request.path, error)
        if is_api(request.path):
            return JsonResponse({"detail": "Storing took too long; send it again."}, status=503)
        return render(request, "503.html", {"seconds": settings.QUERY_SECONDS}, status=503)


def _away(error: OperationalError) -> HttpResponse:
    logger.error("The database did not answer: %s", error)
    detail = "The database is not available; send it again."
    return JsonResponse({"detail": detail}, status=503, headers={"Retry-After": str(RETRY_SECONDS)})


def _told(request: HttpRequest, old: HttpResponse) -> HttpResponse:
    allowed = old.headers.get("allow")
    if old.status_code == 405 and allowed:
        detail = f"{request.method} does not go with {request.path[:200]}; use {allowed}."
    else:
        detail = _SENTENCES.get(old.status_code, old.reason_phrase)
    response = JsonResponse({"detail": detail}, status=old.status_code)
    if allowed:
        response.headers["Allow"] = allowed
    return response


def limit_queries(seconds: int) -> None:
    """A limit that the database keeps, told as a connection is opened: it costs no query anything. Only for the web process,
    because migrations and the worker's jobs take as long as they need."""
    if seconds > 0:
        options = connection.settings_dict["OPTIONS"]
        options["options"] = f"{options.get('options', '')} -c statement_timeout={seconds * 1000}".strip()
        connection.close()
        connection.close_pool()  # type: ignore[attr-defined]  # only PostgreSQL has it


def ran_too_long(error: Exception) -> bool:
    """Whether the database ended the query for its time (THREADLINE_QUERY_SECONDS)."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, QueryCanceled)


def too_long() -> str:
    return (
        f"The query took longer than {settings.QUERY_SECONDS} seconds and was ended. Ask for less: one project, a shorter time "
        "(start_time, min_start_time), fewer rows, or a filter that an index serves: name, status, tags, metadata."
    )
