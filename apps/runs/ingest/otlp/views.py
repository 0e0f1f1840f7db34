"""POST …/v1/traces: OTLP over HTTP. 200: the spans are committed, except those that the answer's partial success counts."""

import logging
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.accounts.access import KeyError401, KeyError403, key_of
from apps.accounts.models import Scope
from apps.runs.ingest.decode import Refused, clean_text, read_body
from apps.runs.ingest.deliver import Outcome
from apps.runs.ingest.otlp import json, protobuf
from apps.runs.ingest.otlp.receive import receive
from apps.runs.ingest.otlp.span import Malformed, Span

logger = logging.getLogger(__name__)


class Encoding(NamedTuple):
    content_type: str
    read: Callable[[bytes], Iterator[Span]]
    success: Callable[[int, str], bytes]
    failure: Callable[[int, str], bytes]

    def reply(self, status: int, body: bytes) -> HttpResponse:
        return HttpResponse(body, status=status, content_type=self.content_type)


ENCODINGS = {
    "application/x-protobuf": Encoding("application/x-protobuf", protobuf.read, protobuf.success, protobuf.failure),
    "application/json": Encoding("application/json", json.read, json.success, json.failure),
}
# The code of google.rpc that goes with a status; INVALID_ARGUMENT for all others.
RPC_CODES = {401: 16, 403: 7, 413: 8, 503: 14}
INVALID_ARGUMENT = 3


@csrf_exempt
@require_POST
def traces(request: HttpRequest) -> HttpResponse:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    encoding = ENCODINGS.get(content_type)
    answering = encoding or ENCODINGS["application/json"]
    try:
        workspace = key_of(request, scope=Scope.INGEST).workspace
        if encoding is None:
            raise Refused(415, f"Content-Type {content_type[:80]!r} is not one of {', '.join(ENCODINGS)}.")
        outcome = receive(workspace, encoding.read(read_body(request)), _project(request))
    except OperationalError:
        logger.exception("The database did not take the spans.")
        return _failure(answering, 503, "The database is not available; send the spans again.")
    except KeyError401 as error:
        return _failure(answering, 401, str(error))
    except KeyError403 as error:
        return _failure(answering, 403, str(error))
    except Malformed as error:
        return _failure(answering, 400, str(error))
    except Refused as error:
        return _failure(answering, 400 if error.status == 422 else error.status, str(error))
    return encoding.reply(200, encoding.success(len(outcome.rejected), _told(outcome)))


def _failure(encoding: Encoding, status: int, message: str) -> HttpResponse:
    return encoding.reply(status, encoding.failure(RPC_CODES.get(status, INVALID_ARGUMENT), clean_text(message)))


def _told(outcome: Outcome) -> str:
    if not outcome.rejected:
        return ""
    first = outcome.rejected[0]
    return clean_text(f"{len(outcome.rejected)} spans were not stored. First: {first.run_id}: {first.reason}.")[:1_000]


def _project(request: HttpRequest) -> str | None:
    """OTEL_EXPORTER_OTLP_HEADERS is percent-encoded, and not every SDK decodes it."""
    return unquote(request.headers.get("langsmith-project", "")).strip() or None
