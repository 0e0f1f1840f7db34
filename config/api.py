"""The JSON API: who may call it, how it says no, and its place in the URLs.

The SDKs take the endpoint as it was typed, so the same routes lie at /, /api and /api/v1.
"""

import uuid
from typing import Any, cast

from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, include, path
from ninja.errors import HttpError, ValidationError
from ninja.parser import Parser

from apps.accounts.access import KeyError401, KeyError403, KeyRequest, key_of
from apps.accounts.models import ApiKey
from apps.feedback import description as giving
from apps.feedback.api import router as feedback
from apps.feedback.api_tokens import router as feedback_tokens
from apps.feedback.queues.api import router as queues
from apps.feedback.queues.api_items import router as queue_items
from apps.projects.api import router as projects
from apps.projects.api_v2 import router as projects_v2
from apps.projects.values import read_json
from apps.runs.api import read_run
from apps.runs.api import router as runs
from apps.runs.api_projects import router as project_runs
from apps.runs.api_stats import router as stats
from apps.runs.api_v2 import router as runs_v2
from apps.runs.ingest import description as sending
from apps.runs.ingest.decode import is_chunked, read_at_most
from apps.runs.query.nodes import FilterError
from apps.threads.api_public import router as public
from apps.threads.api_public import router_v2 as public_v2
from apps.threads.api_share import router as sharing
from apps.threads.api_share import router_v2 as sharing_v2
from apps.threads.api_v2 import router as threads_v2
from config import examples
from config.described import DescribedAPI
from config.errors import ran_too_long, too_long

# A query names projects and runs by id, some thousands at most; payloads never come this way.
MAX_BODY = 1024 * 1024


class JsonParser(Parser):
    """JSON whatever the content type says. NUL is dropped, because PostgreSQL can neither store nor look for it."""

    def parse_body(self, request: HttpRequest) -> Any:
        value = read_json(request.body, settings.MAX_JSON_DEPTH)
        # Some routes take a list; an empty one would pass for an object without fields.
        if not isinstance(value, dict | list) or value == []:
            raise ValueError("the body is not a JSON object")
        return _without_nul(value) if b"\\u0000" in request.body else value


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "")
        case list():
            return [_without_nul(item) for item in value]
        case dict():
            return {_without_nul(key): _without_nul(item) for key, item in value.items()}
    return value


def reader(request: HttpRequest) -> ApiKey:
    """The key of a request that may read. Checks the size here, because the body is read next."""
    key = key_of(request)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        raise HttpError(413, f"The body is larger than {MAX_BODY} bytes.")
    _take_chunked(cast(WSGIRequest, request))
    return key


def _take_chunked(request: WSGIRequest) -> None:
    if not is_chunked(request):
        return
    body = read_at_most(request.environ["wsgi.input"].read, MAX_BODY)
    if body is None:
        raise HttpError(413, f"The body is larger than {MAX_BODY} bytes.")
    request._body = body


api = DescribedAPI(
    views=sending.OPERATIONS | giving.OPERATIONS,
    examples=examples.V1,
    title="Threadline",
    version="1",
    description="The LangSmith v1 API, as far as Threadline has it. Send your key in the x-api-key header.",
    urls_namespace="api",
    auth=reader,
    parser=JsonParser(),
)
# First, because /runs/{run_id} would take its paths.
api.add_router("", stats)
api.add_router("", runs)
api.add_router("", project_runs)
api.add_router("/sessions", projects)
api.add_router("", sharing)
# Before /feedback/{feedback_id}, which would take its path.
api.add_router("", feedback_tokens)
api.add_router("", feedback)
api.add_router("", queues)
api.add_router("", queue_items)
api.add_router("", public)

api_v2 = DescribedAPI(
    views={},
    examples=examples.V2,
    title="Threadline",
    version="2",
    description="The LangSmith v2 API. Send your key in the x-api-key header.",
    urls_namespace="api-v2",
    auth=reader,
    parser=JsonParser(),
)
api_v2.add_router("", runs_v2)
api_v2.add_router("", threads_v2)
api_v2.add_router("", projects_v2)
api_v2.add_router("", sharing_v2)
api_v2.add_router("", public_v2)


def refuse(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status)


@api.exception_handler(KeyError401)
@api_v2.exception_handler(KeyError401)
def no_key(request: HttpRequest, error: KeyError401) -> HttpResponse:
    return refuse(401, str(error))


@api.exception_handler(KeyError403)
@api_v2.exception_handler(KeyError403)
def wrong_key(request: HttpRequest, error: KeyError403) -> HttpResponse:
    return refuse(403, str(error))


@api.exception_handler(FilterError)
@api_v2.exception_handler(FilterError)
def bad_filter(request: HttpRequest, error: FilterError) -> HttpResponse:
    return refuse(400, str(error))


@api.exception_handler(Http404)
@api_v2.exception_handler(Http404)
def not_found(request: HttpRequest, error: Http404) -> HttpResponse:
    return refuse(404, str(error))


@api.exception_handler(OperationalError)
@api_v2.exception_handler(OperationalError)
def database_error(request: HttpRequest, error: OperationalError) -> HttpResponse:
    """422 for a query that took too long: after a 503 the SDKs would ask the same again."""
    if not ran_too_long(error):
        raise error
    return refuse(422, too_long())


@api.exception_handler(ValidationError)
@api_v2.exception_handler(ValidationError)
def bad_value(request: HttpRequest, error: ValidationError) -> HttpResponse:
    reasons = [f"{item['loc'][-1]}: {item['msg'].removeprefix('Value error, ')}" for item in error.errors]
    return refuse(422, "; ".join(reasons))


def api_get_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """GET /runs/{id} for the view that shares its URL with the ingest's PATCH."""
    try:
        asked = cast(KeyRequest, request)
        asked.auth = reader(request)
        return read_run(asked, uuid.UUID(run_id))
    except ValueError:
        return refuse(422, f"{run_id} is not a UUID")
    except (KeyError401, KeyError403, Http404, OperationalError) as error:
        return api.on_exception(request, error)


def routes() -> list[URLPattern | URLResolver]:
    """The mounts: three of v1, two of v2. Only /api and /api/v2 have the description: /api/docs, /api/v2/docs and openapi.json."""
    (v1, _, namespace), (v2, _, namespace_v2) = api.urls, api_v2.urls
    return [
        path("api/v2/", include((v2, "ninja"), namespace=namespace_v2)),
        path("v2/", include(_undescribed(v2))),
        path("api/", include((v1, "ninja"), namespace=namespace)),
        path("api/v1/", include(_undescribed(v1))),
        path("", include(_undescribed(v1))),
    ]


def _undescribed(urls: list[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    described = {"openapi-json", "openapi-view", "api-root"}
    return [route for route in urls if getattr(route, "name", None) not in described]
