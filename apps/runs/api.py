"""The v1 routes that read runs."""

import json
import uuid
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router, Schema
from ninja.errors import HttpError
from pydantic import BeforeValidator, Field

from apps.accounts.access import KeyRequest
from apps.accounts.models import Workspace
from apps.common.paging import keyset
from apps.projects import ports
from apps.projects.models import Project
from apps.projects.schemas import answers
from apps.projects.wire import Moment
from apps.runs.attachments import Attachment, RunKey, s3_urls
from apps.runs.models import Run, RunQuerySet, Trace
from apps.runs.query.nodes import And, Check, Compare, Node, Op, Value
from apps.runs.query.parse import parse
from apps.runs.schemas import RUN, cursors
from apps.runs.wire import encode, payload_columns, run_json

MAX_PAGE = 100

router = Router(tags=["runs"])


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) or value is None else [value]


def lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


type Ids = Annotated[list[uuid.UUID] | None, BeforeValidator(_listed)]


class RunConditions(Schema):
    """All optional; null means not given, and what is not listed is ignored. The conditions are all to hold."""

    session: Ids = Field(None, description="projects")
    session_id: uuid.UUID | None = Field(None, description="one more project")
    id: Ids = Field(None, description="runs; nothing else is then asked of them")
    run_type: str | None = None
    reference_example: Ids = None
    query: str | None = Field(None, description="words, as search() takes them")
    filter: str | None = Field(None, description="of the run itself, in the filter language")
    trace_filter: str | None = Field(None, description="of the root of its trace")
    tree_filter: str | None = Field(None, description="of any run of its trace")
    is_root: bool | None = None
    execution_order: int | None = Field(None, description="1 means is_root")
    parent_run: uuid.UUID | None = None
    trace: uuid.UUID | None = None
    start_time: Moment | None = Field(None, description="the run started then or later")
    end_time: Moment | None = Field(None, description="the run ended then or earlier")
    error: bool | None = None


class RunQuery(RunConditions):
    select: list[str] | None = Field(None, description="leaves out the payload that is not named")
    limit: int | None = Field(None, description=f"of a page, at most {MAX_PAGE}")
    order: Annotated[Literal["asc", "desc"] | None, BeforeValidator(lower)] = Field(None, description="of start_time")
    cursor: str | None = None


@router.post("/runs/query", openapi_extra=answers(cursors(RUN)))
def query_runs(request: KeyRequest, body: RunQuery) -> HttpResponse:
    workspace = request.auth.workspace
    sign = "" if body.order == "asc" else "-"
    columns = payload_columns(body.select)
    runs = asked_for(body, workspace).for_wire(columns)
    size = min(max(body.limit or MAX_PAGE, 1), MAX_PAGE)
    page = keyset(runs, [f"{sign}start_time", f"{sign}id"], body.cursor or "", size)
    # keyset starts over at a cursor it cannot read, which would send a paging client round in circles.
    if body.cursor and page.rows and not page.newer:
        raise HttpError(400, "This cursor is not one that /runs/query gave out for this order.")
    # Not every SDK selects s3_urls, yet each compares as payload_columns says.
    attachments = attachments_of(request, page.rows) if columns or "s3_urls" in (body.select or ()) else {}
    found = {
        "runs": _json(page.rows, workspace, columns, attachments),
        "cursors": {"next": page.older or None, "prev": None},
    }
    return HttpResponse(encode(found), content_type="application/json")


@router.get("/runs/{run_id}", openapi_extra=answers(RUN))
def read_run(request: KeyRequest, run_id: uuid.UUID) -> HttpResponse:
    workspace = request.auth.workspace
    columns = payload_columns(None)
    run = Run.objects.in_workspace(workspace).with_id(run_id).for_wire(columns).first()
    if run is None:
        raise Http404(f"No run {run_id} in this workspace")
    (found,) = _json([run], workspace, columns, attachments_of(request, [run]))
    return HttpResponse(encode(found), content_type="application/json")


def attachments_of(request: HttpRequest, runs: Iterable[Run]) -> dict[RunKey, dict[str, Any]]:
    """What each run that has attachments shows of them, under s3_urls."""
    origin = request.build_absolute_uri("/").removesuffix("/")
    return {key: {"s3_urls": s3_urls(mine, origin)} for key, mine in Attachment.objects.of_runs(runs).items()}


def _json(
    runs: list[Run], workspace: Workspace, columns: frozenset[str], attachments: dict[RunKey, dict[str, Any]]
) -> list[Any]:
    traces = Trace.objects.by_id(run.trace_id for run in runs if run.is_root)
    keys = [(run.trace_id, run.id) for run in runs]
    feedback = ports.feedback.of_runs(keys)
    return [
        run_json(run, workspace.id, traces, columns, feedback.get(key)) | attachments.get(key, {})
        for run, key in zip(runs, keys, strict=True)
    ]


def asked_for(body: RunConditions, workspace: Workspace) -> RunQuerySet:
    """The runs of the projects asked for that pass every condition; other workspaces' projects count as empty."""
    projects = Project.objects.in_workspace(workspace)
    sessions = [*(body.session or []), *([body.session_id] if body.session_id else [])]
    within = Run.objects.in_projects((projects.among(sessions) if sessions else projects).ids())
    if body.id is not None:
        return within.matching(check("id", Op.IN, *body.id)) if body.id else within.none()
    runs = within.roots() if body.is_root or body.execution_order == 1 else within
    if conditions := tuple(_conditions(body)):
        runs = runs.matching(And(conditions))
    if body.trace_filter and body.trace_filter.strip():
        runs = runs.matching_trace(parse(body.trace_filter), within)
    if body.tree_filter and body.tree_filter.strip():
        runs = runs.matching_tree(parse(body.tree_filter), within)
    return runs


def _conditions(body: RunConditions) -> Iterator[Node]:
    """The body's parameters in the terms of the filter language."""
    if body.filter and body.filter.strip():
        yield parse(body.filter)
    if body.query and body.query.strip():
        yield parse(f"search({json.dumps(body.query)})")
    if body.execution_order is not None:
        yield parse(f"eq(execution_order, {body.execution_order})")
    if body.error is not None:
        yield check("error", Op.NEQ if body.error else Op.EQ, None)
    if body.reference_example:
        yield check("reference_example_id", Op.IN, *body.reference_example)
    for field, op, value in (
        ("run_type", Op.EQ, body.run_type),
        ("is_root", Op.EQ, body.is_root),
        ("parent_run_id", Op.EQ, body.parent_run),
        ("trace_id", Op.EQ, body.trace),
        ("start_time", Op.GTE, body.start_time),
        ("end_time", Op.LTE, body.end_time),
    ):
        if value is not None:
            yield check(field, op, value)


def check(field: str, op: Op, *values: Value) -> Compare:
    return Compare(field, Check(op, values))
