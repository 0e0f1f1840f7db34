"""The v2 routes that read runs and traces."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.accounts.models import Workspace
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.projects.schemas import TEXT, answers, object_of, streamed
from apps.projects.wire import Moment, Text
from apps.runs.api import check
from apps.runs.attachments import Attachment, RunKey
from apps.runs.models import Run, RunQuerySet, Trace
from apps.runs.query.nodes import And, Node, Op
from apps.runs.query.parse import parse
from apps.runs.schemas import RUN_PAGE, RUN_V2, TRACE_PAGE, TRACE_RUNS
from apps.runs.subtree import subtree_usage
from apps.runs.wire import money
from apps.runs.wire_v2 import (
    RUN_FIELDS,
    FeedbackSearch,
    Shown,
    Upper,
    answer,
    as_json,
    beside,
    columns_for,
    paged,
    run_json,
    selected,
)

# Of one trace; no page can show more, and no list of a trace's runs has pages.
MAX_TRACE_RUNS = 20_000
AGGREGATES = {"TOTAL_TOKENS", "TOTAL_COST", "FIRST_TOKEN_TIME"}
SELECTS = f"fields to show, only ID when it is left out: {', '.join(RUN_FIELDS)}"

router = Router(tags=["runs"])


class RunQuery(FeedbackSearch):
    project_ids: list[uuid.UUID] | None = Field(None, max_length=1000, description="these or reference_dataset_id")
    reference_dataset_id: uuid.UUID | None = Field(None, description="the projects that evaluate this dataset")
    ids: list[uuid.UUID] | None = Field(None, max_length=10_000, description="only these runs")
    trace_id: uuid.UUID | None = None
    run_type: Upper | None = None
    is_root: bool | None = None
    has_error: bool | None = None
    filter: Text | None = Field(None, description="of the run itself, in the filter language")
    reference_examples: list[uuid.UUID] | None = Field(None, max_length=10_000)
    include_subtree_usage: bool = Field(
        False, description="tokens and costs of a run include those of the runs below it"
    )
    selects: list[str] | None = Field(None, description=SELECTS)
    page_size: int = Field(100, ge=1, le=1000)


@router.post("/runs/query", openapi_extra=streamed(RUN_PAGE))
def query_runs(request: KeyRequest, body: RunQuery) -> HttpResponseBase:
    """Newest start first."""
    body.refuse_meaning()
    workspace = request.auth.workspace
    selects = selected(body.selects, RUN_FIELDS, ["ID"])
    within = Run.objects.in_projects(_projects(body, workspace))
    found = narrowed(within.matching(And(tuple(_conditions(body)))), within, body)
    page = paged(found.for_wire(columns_for(selects)), ["-start_time", "-id"], body.cursor, body.page_size)
    runs = shown(request, workspace, page.rows, selects, subtree=body.include_subtree_usage)
    return answer(request, [run_json(run, selects) for run in runs], page.older)


def _projects(body: RunQuery, workspace: Workspace) -> list[uuid.UUID]:
    """Other workspaces' projects count as empty."""
    if (body.project_ids is None) == (body.reference_dataset_id is None):
        raise HttpError(422, "Give project_ids or reference_dataset_id, exactly one of them.")
    projects = Project.objects.in_workspace(workspace)
    if body.project_ids is not None:
        return projects.among(body.project_ids).ids()
    return projects.asked_for(datasets=[body.reference_dataset_id] if body.reference_dataset_id else []).ids()


def _conditions(body: RunQuery) -> Iterator[Node]:
    yield check("start_time", Op.GTE, body.since)
    if body.max_start_time is not None:
        yield check("start_time", Op.LTE, body.max_start_time)
    if body.filter and body.filter.strip():
        yield parse(body.filter)
    if body.has_error is not None:
        yield check("error", Op.NEQ if body.has_error else Op.EQ, None)
    if body.run_type is not None:
        yield check("run_type", Op.EQ, body.run_type.lower())
    if body.is_root is not None:
        yield check("is_root", Op.EQ, body.is_root)
    if body.trace_id is not None:
        yield check("trace_id", Op.EQ, body.trace_id)
    for field, values in (("id", body.ids), ("reference_example_id", body.reference_examples)):
        if values:
            yield check(field, Op.IN, *values)


def narrowed(runs: RunQuerySet, within: RunQuerySet, body: Any) -> RunQuerySet:
    """By trace_filter and tree_filter, which look at the other runs within."""
    if body.trace_filter and body.trace_filter.strip():
        runs = runs.matching_trace(parse(body.trace_filter), within)
    if body.tree_filter and body.tree_filter.strip():
        runs = runs.matching_tree(parse(body.tree_filter), within)
    return body.with_feedback(runs) if isinstance(body, FeedbackSearch) else runs


def shown(
    request: HttpRequest, workspace: Workspace, runs: Sequence[Run], selects: Sequence[str], *, subtree: bool = False
) -> list[Shown]:
    """Read what the selected fields need beside the rows."""
    roots = [run.trace_id for run in runs if run.is_root] if "THREAD_ID" in selects else []
    threads = Trace.objects.in_workspace(workspace).threads_of(roots)
    links = _links(request, runs) if "ATTACHMENTS" in selects else {}
    usage = subtree_usage(runs) if subtree else {}
    more = beside(runs, selects, request)
    return [
        Shown(
            run,
            workspace.pk,
            threads.get(run.trace_id, run.thread_id) if run.is_root else run.thread_id,
            links.get((run.trace_id, run.id), {}),
            usage.get(run.id),
            more.get(run.id, {}),
        )
        for run in runs
    ]


def _links(request: HttpRequest, runs: Sequence[Run]) -> dict[RunKey, dict[str, str]]:
    origin = request.build_absolute_uri("/").removesuffix("/")
    found = Attachment.objects.of_runs(runs).items()
    return {key: {attachment.name: origin + attachment.path for attachment in mine} for key, mine in found}


class RunQueryString(Schema):
    project_id: uuid.UUID
    selects: list[str] = Field([], description=SELECTS)
    start_time: Moment | None = Field(None, description="of the run; not needed")


@router.get("/runs/{run_id}", openapi_extra=answers(RUN_V2))
def retrieve_run(request: KeyRequest, run_id: uuid.UUID, asked: Query[RunQueryString]) -> HttpResponse:
    selects = selected(asked.selects, RUN_FIELDS, ["ID"])
    project = project_or_404(request.auth.workspace, asked.project_id)
    run = Run.objects.in_project(project).with_id(run_id).for_wire(columns_for(selects)).first()
    if run is None:
        raise Http404(f"No run {run_id} in this project")
    (found,) = shown(request, request.auth.workspace, [run], selects)
    return as_json(run_json(found, selects))


class UrlQuery(Schema):
    project_id: uuid.UUID
    trace_id: uuid.UUID
    start_time: str | None = Field(None, description="not needed")


@router.get("/runs/{run_id}/url", openapi_extra=answers(object_of({"url": TEXT})))
def run_url(request: KeyRequest, run_id: uuid.UUID, asked: Query[UrlQuery]) -> HttpResponse:
    """Where a person sees the run; it need not be stored yet, because a program asks while it runs."""
    project = project_or_404(request.auth.workspace, asked.project_id)
    path = f"/o/{project.workspace_id}/projects/p/{project.pk}/r/{run_id}?trace_id={asked.trace_id}"
    return as_json({"url": request.build_absolute_uri(path)})


class TraceQuery(FeedbackSearch):
    project_id: uuid.UUID
    trace_ids: list[uuid.UUID] | None = Field(None, max_length=10_000, description="only these traces")
    selects: list[str] | None = Field(
        None,
        description=f"{', '.join(sorted(AGGREGATES))} are those of the whole trace and go to trace_aggregates; {SELECTS}",
    )
    page_size: int = Field(20, ge=1, le=100)


@router.post("/traces/query", openapi_extra=streamed(TRACE_PAGE))
def query_traces(request: KeyRequest, body: TraceQuery) -> HttpResponseBase:
    """Newest start first. A trace without its root run is not among them."""
    body.refuse_meaning()
    project = project_or_404(request.auth.workspace, body.project_id)
    selects = selected(body.selects, RUN_FIELDS, ["ID"])
    within = Run.objects.in_project(project)
    conditions: list[Node] = [check("is_root", Op.EQ, True), check("start_time", Op.GTE, body.since)]
    if body.max_start_time is not None:
        conditions.append(check("start_time", Op.LT, body.max_start_time))
    if body.trace_ids:
        conditions.append(check("trace_id", Op.IN, *body.trace_ids))
    found = narrowed(within.matching(And(tuple(conditions))), within, body).for_wire(columns_for(selects))
    page = paged(found, ["-start_time", "-id"], body.cursor, body.page_size)
    return answer(request, _traces_json(request, page.rows, selects), page.older)


def _traces_json(request: KeyRequest, roots: Sequence[Run], selects: Sequence[str]) -> list[dict[str, Any]]:
    of_root = [name for name in selects if name not in AGGREGATES]
    of_trace = [name for name in selects if name in AGGREGATES]
    traces = Trace.objects.by_id(root.trace_id for root in roots) if of_trace else {}
    items = []
    for root in shown(request, request.auth.workspace, roots, of_root):
        item: dict[str, Any] = {"root_run": run_json(root, of_root)}
        if of_trace:
            item["trace_aggregates"] = _aggregates(traces.get(root.run.trace_id), of_trace)
        items.append(item)
    return items


def _aggregates(trace: Trace | None, names: Sequence[str]) -> dict[str, Any]:
    values = {
        "TOTAL_TOKENS": trace.total_tokens if trace else 0,
        "TOTAL_COST": money(trace.known_cost) if trace else None,
        "FIRST_TOKEN_TIME": trace.first_token_time if trace else None,
    }
    return {name.lower(): values[name] for name in names}


class TraceRunsQuery(Schema):
    project_id: uuid.UUID
    selects: list[str] = Field([], description=SELECTS)
    filter: Text | None = Field(None, description="of the run, in the filter language")
    min_start_time: Moment | None = None
    max_start_time: Moment | None = None


@router.get("/traces/{trace_id}/runs", openapi_extra=answers(TRACE_RUNS))
def trace_runs(request: KeyRequest, trace_id: uuid.UUID, asked: Query[TraceRunsQuery]) -> HttpResponse:
    """In the order of their starts, at most 20,000; a trace that is not there has none."""
    selects = selected(asked.selects, RUN_FIELDS, ["ID"])
    project = project_or_404(request.auth.workspace, asked.project_id)
    conditions: list[Node] = [check("trace_id", Op.EQ, trace_id)]
    if asked.min_start_time is not None:
        conditions.append(check("start_time", Op.GTE, asked.min_start_time))
    if asked.max_start_time is not None:
        conditions.append(check("start_time", Op.LTE, asked.max_start_time))
    if asked.filter and asked.filter.strip():
        conditions.append(parse(asked.filter))
    found = Run.objects.in_project(project).matching(And(tuple(conditions))).for_wire(columns_for(selects))
    rows = list(found.order_by("start_time", "dotted_order", "id")[:MAX_TRACE_RUNS])
    runs = shown(request, request.auth.workspace, rows, selects)
    return as_json({"items": [run_json(run, selects) for run in runs]})
