"""What anybody with the token of a shared link reads of its runs, through v1 and v2."""

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.common.paging import keyset
from apps.projects.schemas import answers, streamed
from apps.projects.wire import Moment
from apps.runs.api import MAX_PAGE, RunQuery, asked_for, attachments_of
from apps.runs.api_v2 import SELECTS, shown
from apps.runs.models import Run, Trace
from apps.runs.schemas import RUN_PAGE, RUN_V2, SHARED_RUN, cursors
from apps.runs.wire import encode, payload_columns, run_json
from apps.runs.wire_v2 import RUN_FIELDS, answer, as_json, columns_for, paged, selected
from apps.runs.wire_v2 import run_json as run_json_v2
from apps.threads.access import link_or_404
from apps.threads.shared import SharedLink

MAX_PUBLIC_BODY = 64 * 1024
MAX_PUBLIC_PAGE = 1000

router = Router(tags=["sharing"])
router_v2 = Router(tags=["sharing"])


def anyone(request: HttpRequest) -> bool:
    """The token in the path is all that is asked for; checks the size before the body is read."""
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_PUBLIC_BODY:
        raise HttpError(413, f"The body is larger than {MAX_PUBLIC_BODY} bytes.")
    return True


@router.get("/public/{token}/run", auth=anyone, summary="A shared run", openapi_extra=answers(SHARED_RUN))
def public_run(request: HttpRequest, token: uuid.UUID) -> HttpResponse:
    """Of a shared thread: the root of its first turn."""
    link = link_or_404(token)
    run_id = link.run_id or link.traces.values_list("trace_id", flat=True).first()
    return _one(request, link, run_id)


@router.get(
    "/public/{token}/run/{run_id}",
    auth=anyone,
    summary="A run that was shared with another",
    openapi_extra=answers(SHARED_RUN),
)
def public_run_of(request: HttpRequest, token: uuid.UUID, run_id: uuid.UUID) -> HttpResponse:
    return _one(request, link_or_404(token), run_id)


@router.post(
    "/public/{token}/runs/query",
    auth=anyone,
    summary="The runs of a shared trace or thread",
    openapi_extra=answers(cursors(SHARED_RUN)),
)
def public_runs(request: HttpRequest, token: uuid.UUID, body: RunQuery) -> HttpResponse:
    """Parameters as for /runs/query, except that projects and filters on the root or tree of the trace are left aside."""
    link = link_or_404(token)
    body.session, body.session_id = [link.project_id], None
    body.trace_filter = body.tree_filter = None
    columns = payload_columns(body.select)
    runs = link.narrow(asked_for(body, link.workspace)).for_wire(columns)
    sign = "" if body.order == "asc" else "-"
    page = keyset(
        runs, [f"{sign}start_time", f"{sign}id"], body.cursor or "", min(max(body.limit or MAX_PAGE, 1), MAX_PAGE)
    )
    if body.cursor and page.rows and not page.newer:
        raise HttpError(400, "This cursor is not one that this route gave out for this order.")
    found = {"runs": _json(request, link, page.rows, columns), "cursors": {"next": page.older or None, "prev": None}}
    return HttpResponse(encode(found), content_type="application/json")


def _one(request: HttpRequest, link: SharedLink, run_id: uuid.UUID | None) -> HttpResponse:
    columns = payload_columns(None)
    run = link.runs.with_id(run_id).for_wire(columns).first() if run_id else None
    if run is None:
        raise Http404("This link leads to no such run")
    return HttpResponse(encode(_json(request, link, [run], columns)[0]), content_type="application/json")


def _json(request: HttpRequest, link: SharedLink, runs: Iterable[Run], columns: frozenset[str]) -> list[Any]:
    """As v1 shows a run, with the public page in place of the workspace's."""
    runs = list(runs)
    attachments = attachments_of(request, runs)
    traces = Trace.objects.by_id(run.trace_id for run in runs if run.is_root)
    return [
        run_json(run, link.workspace_id, traces, columns)
        | {"app_path": f"{link.path}/{run.id}", "share_token": link.token}
        | attachments.get((run.trace_id, run.id), {})
        for run in runs
    ]


class PublicQuery(Schema):
    selects: list[str] | None = Field(None, description=SELECTS)
    page_size: int = Field(MAX_PUBLIC_PAGE, ge=1, le=MAX_PUBLIC_PAGE)
    cursor: str | None = Field(None, description="next_cursor of the page before")


@router_v2.post(
    "/public/{token}/runs/query",
    auth=anyone,
    summary="The runs of a shared trace or thread",
    openapi_extra=streamed(RUN_PAGE),
)
def public_runs_v2(request: HttpRequest, token: uuid.UUID, body: PublicQuery) -> HttpResponseBase:
    """In the order of their starts."""
    link = link_or_404(token)
    selects = selected(body.selects, RUN_FIELDS, ["ID"])
    page = paged(link.runs.for_wire(columns_for(selects)), ["start_time", "id"], body.cursor, body.page_size)
    return answer(request, _json_v2(request, link, page.rows, selects), page.older)


class PublicRunQuery(Schema):
    selects: list[str] = Field([], description=SELECTS)
    start_time: Moment | None = Field(None, description="of the run; not needed")


@router_v2.get(
    "/public/{token}/run/{run_id}",
    auth=anyone,
    summary="A run of a shared trace or thread",
    openapi_extra=answers(RUN_V2),
)
def public_run_v2(
    request: HttpRequest, token: uuid.UUID, run_id: uuid.UUID, asked: Query[PublicRunQuery]
) -> HttpResponse:
    link = link_or_404(token)
    selects = selected(asked.selects, RUN_FIELDS, ["ID"])
    run = link.runs.with_id(run_id).for_wire(columns_for(selects)).first()
    if run is None:
        raise Http404("This link leads to no such run")
    return as_json(_json_v2(request, link, [run], selects)[0])


def _json_v2(request: HttpRequest, link: SharedLink, runs: Sequence[Run], selects: list[str]) -> list[dict[str, Any]]:
    """With the link that is known already in place of the workspace's page and of its other links, and without feedback."""
    own = {"APP_PATH", "SHARE_URL", "FEEDBACK_STATS"}
    url = request.build_absolute_uri(link.path)
    found = []
    for one in shown(request, link.workspace, runs, [name for name in selects if name not in own]):
        public = {"app_path": f"{link.path}/{one.run.id}", "share_url": url}
        told = run_json_v2(one, selects)
        found.append(told | {name: public[name] for name in public.keys() & told.keys()})
    return found
