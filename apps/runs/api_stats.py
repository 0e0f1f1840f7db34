"""The v1 routes that add runs up."""

import json
import uuid
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import BeforeValidator, Field

from apps.accounts.access import KeyRequest
from apps.projects import ports
from apps.projects.access import project_or_404
from apps.projects.ports import NO_FEEDBACK, Stats, combined
from apps.projects.schemas import answers
from apps.projects.wire import Moment
from apps.runs.api import RunConditions, asked_for, lower
from apps.runs.groups import Group, groups_of
from apps.runs.models import Run, Trace
from apps.runs.query.parse import parse
from apps.runs.schemas import GROUPS, STATS
from apps.runs.stats import COSTS, LENGTHS, TOKENS, run_stats, trace_stats
from apps.runs.wire import encode, money, wire_time

MAX_GROUPS = 100
MAX_OFFSET = 1_000_000

router = Router(tags=["runs"])


@router.post("/runs/stats", openapi_extra=answers(STATS))
def stats(request: KeyRequest, body: RunConditions) -> HttpResponse:
    """What the runs asked for add up to. Roots count for their whole traces: tokens and costs are those of all llm runs below."""
    workspace = request.auth.workspace
    runs = asked_for(body, workspace)
    only_roots = body.is_root or body.execution_order == 1
    found = trace_stats(Trace.objects.in_workspace(workspace).of_runs(runs)) if only_roots else run_stats(runs)
    return _answer(
        {
            "run_count": found["count"],
            **{name: found[name] for name in (*LENGTHS, *TOKENS, "median_tokens", "error_rate", "streaming_rate")},
            **{name: money(found[name]) for name in COSTS},
            "last_run_start_time": wire_time(found["max_start"]),
            "feedback_stats": ports.feedback.of_run_query(runs),
            "run_facets": [],
        }
    )


class GroupQuery(Schema):
    session_id: uuid.UUID = Field(description="the project")
    group_by: Annotated[Literal["conversation"], BeforeValidator(lower)]
    filter: str | None = Field(None, description="of the root runs, in the filter language")
    start_time: Moment | None = Field(None, description="the trace started then or later")
    end_time: Moment | None = Field(None, description="the trace started before")
    limit: int | None = Field(None, description=f"at most {MAX_GROUPS}")
    offset: int | None = None


@router.post("/runs/group", openapi_extra=answers(GROUPS))
def group(request: KeyRequest, body: GroupQuery) -> HttpResponse:
    """Threads by the start of their latest trace, newest first."""
    project = project_or_404(request.auth.workspace, body.session_id)
    traces = Trace.objects.in_project(project).in_some_thread().started(body.start_time, body.end_time)
    if body.filter and body.filter.strip():
        within = Run.objects.in_project(project)
        traces = traces.of_runs(within.roots().matching(parse(body.filter)))
    start = min(max(body.offset or 0, 0), MAX_OFFSET)
    latest, total = traces.latest_threads(start, min(max(body.limit or MAX_GROUPS, 1), MAX_GROUPS))
    groups = groups_of(traces, latest)
    feedback = ports.feedback.of_threads(project.pk, latest)
    shown = [_group_json(groups[name], feedback.get(name, NO_FEEDBACK)) for name in latest if name in groups]
    return _answer({"groups": shown, "total": total})


def _group_json(found: Group, feedback: tuple[Stats, Stats]) -> dict[str, Any]:
    stats = found.stats
    return {
        "group_key": found.thread_id,
        "filter": f"eq(thread_id, {json.dumps(found.thread_id)})",
        "count": stats["count"],
        "total_tokens": stats["total_tokens"],
        "total_cost": money(stats["total_cost"]),
        "min_start_time": wire_time(stats["min_start"]),
        "max_start_time": wire_time(stats["max_start"]),
        "latency_p50": stats["latency_p50"],
        "latency_p99": stats["latency_p99"],
        "feedback_stats": combined(*feedback),
        "first_inputs": found.first_inputs,
        "last_outputs": found.last_outputs,
        "last_error": found.last_error,
    }


def _answer(value: Any) -> HttpResponse:
    return HttpResponse(encode(value), content_type="application/json")
