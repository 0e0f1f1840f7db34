"""The v2 routes of threads. A thread id is any text, so its place in the path takes all up to the last step."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import register_converter
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.projects import ports
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.projects.ports import NO_FEEDBACK
from apps.projects.schemas import answers, streamed
from apps.projects.wire import Text
from apps.runs.groups import groups_of, turn_numbers
from apps.runs.models import Run, Trace, TraceQuerySet
from apps.runs.query.compile import stored_thread_id
from apps.runs.query.parse import parse
from apps.runs.stats import trace_stats, usage_of, usage_of_traces
from apps.runs.wire_v2 import Search, answer, as_json, columns_for, paged, selected
from apps.threads import schemas
from apps.threads.converters import TextConverter
from apps.threads.filtering import parse_thread_filter
from apps.threads.models import Thread, ThreadQuerySet
from apps.threads.narrow import having_runs
from apps.threads.wire_v2 import (
    AGGREGATE_STATS,
    DETAILS,
    THREAD_STATS,
    TURN_FIELDS,
    Turn,
    aggregate_json,
    thread_json,
    thread_stats_json,
    turn_json,
)

register_converter(TextConverter, "text")

router = Router(tags=["threads"])

FEEDBACK = {"FEEDBACK_STATS", "THREAD_FEEDBACK_STATS"}


class ThreadConditions(Search):
    project_id: uuid.UUID
    filter: Text | None = Field(
        None, description="of the root run of one of the thread's traces, in the filter language"
    )
    thread_filter: Text | None = Field(
        None, description="of the whole thread: turn_count, thread_duration, total_cost, …"
    )


class ThreadQuery(ThreadConditions):
    page_size: int = Field(20, ge=1, le=100)


@router.post("/threads/query", openapi_extra=streamed(schemas.THREAD_PAGE))
def query_threads(request: KeyRequest, body: ThreadQuery) -> HttpResponseBase:
    """Most recent activity first; the sums are those of the turns that started in the window."""
    body.refuse_meaning()
    project = project_or_404(request.auth.workspace, body.project_id)
    threads = _asked_for(project, body)
    page = paged(threads, ["-last_activity", "-id"], body.cursor, body.page_size)
    ids = [thread.thread_id for thread in page.rows]
    groups = groups_of(_in_window(project, body), ids)
    feedback = ports.feedback.of_threads(project.pk, ids)
    items = [thread_json(groups[name], feedback.get(name, NO_FEEDBACK)) for name in ids if name in groups]
    return answer(request, items, page.older)


def _in_window(project: Project, body: ThreadConditions) -> TraceQuerySet:
    return Trace.objects.in_project(project).started(body.since, body.max_start_time)


def _asked_for(project: Project, body: ThreadConditions) -> ThreadQuerySet:
    """Threads with a turn in the window that pass all four filters."""
    threads = Thread.objects.in_project(project).started(body.since, body.max_start_time)
    if body.max_start_time is not None:
        threads = threads.of_traces(_in_window(project, body))
    runs = Run.objects.in_project(project)
    scopes = ((body.filter, runs.roots()), (body.trace_filter, runs.roots()), (body.tree_filter, runs))
    if body.thread_filter and body.thread_filter.strip():
        threads = threads.matching(parse_thread_filter(body.thread_filter), project)
    return having_runs(threads, project, [(parse(text), scope) for text, scope in scopes if text and text.strip()])


class AggregateQuery(ThreadConditions):
    select: list[str] = Field(description=f"at least one of {', '.join(AGGREGATE_STATS)}")


@router.post("/threads/stats", openapi_extra=answers(schemas.AGGREGATE_STATS))
def aggregate_stats(request: KeyRequest, body: AggregateQuery) -> HttpResponse:
    """Over the turns in the window of all threads that pass the filters."""
    body.refuse_meaning()
    selects = selected(body.select, AGGREGATE_STATS)
    project = project_or_404(request.auth.workspace, body.project_id)
    threads = _asked_for(project, body)
    traces = _in_window(project, body).of_threads(threads)
    kinds = usage_of(traces) if DETAILS.keys() & set(selects) else {}
    feedback = ports.feedback.of_thread_query(threads) if "THREAD_FEEDBACK_STATS" in selects else {}
    return as_json(aggregate_json(trace_stats(traces), threads.count(), kinds, selects, feedback))


class ThreadTracesQuery(Schema):
    project_id: uuid.UUID
    filter: Text | None = Field(None, description="of the root run, in the filter language")
    trace_filter: Text | None = Field(None, description="of the root run too")
    tree_filter: Text | None = Field(None, description="of any run of the trace")
    selects: list[str] = Field([], description=f"fields beside TRACE_ID: {', '.join(TURN_FIELDS)}")
    page_size: int = Field(20, ge=1, le=100)
    cursor: str | None = None


@router.get("/threads/{text:thread_id}/traces", openapi_extra=streamed(schemas.TURN_PAGE))
def list_traces(request: KeyRequest, thread_id: str, asked: Query[ThreadTracesQuery]) -> HttpResponseBase:
    """The turns, newest first. A thread that is not there has none."""
    selects = selected(asked.selects, TURN_FIELDS, ["TRACE_ID"])
    project = project_or_404(request.auth.workspace, asked.project_id)
    traces = _narrowed(project, _turns(project, thread_id), asked.filter, asked.trace_filter, asked.tree_filter)
    page = paged(traces, ["-start_time", "-trace_id"], asked.cursor, asked.page_size)
    turns = _read(project, stored_thread_id(thread_id), page.rows, selects)
    return answer(request, [turn_json(turn, selects) for turn in turns], page.older)


def _turns(project: Project, thread_id: str) -> TraceQuerySet:
    if "\x00" in thread_id:
        raise HttpError(422, "thread_id: NUL cannot be stored, so no thread has it")
    return Trace.objects.in_project(project).in_thread(stored_thread_id(thread_id))


def _narrowed(project: Project, traces: TraceQuerySet, root: str | None, again: str | None, any_run: str | None) -> Any:
    within = Run.objects.in_project(project)
    for text, runs in ((root, within.roots()), (again, within.roots()), (any_run, within)):
        if text and text.strip():
            traces = traces.of_runs(runs.matching(parse(text)))
    return traces


def _read(project: Project, thread_id: str, traces: Sequence[Trace], selects: Sequence[str]) -> list[Turn]:
    ids = [trace.trace_id for trace in traces]
    roots = Run.objects.roots_of(ids).for_wire(columns_for(name for name in selects if not name.endswith("_PREVIEW")))
    root_of = {root.trace_id: root for root in roots}
    kinds = usage_of_traces(Trace.objects.among(ids)) if DETAILS.keys() & set(selects) else {}
    numbers = turn_numbers(project, thread_id, ids) if "TURN_NUMBER" in selects else {}
    return [
        Turn(trace, root_of.get(trace.trace_id), kinds.get(trace.trace_id, {}), numbers.get(trace.trace_id))
        for trace in traces
    ]


class ThreadStatsQuery(Schema):
    session_id: uuid.UUID = Field(description="the project")
    selects: list[str] = Field([], description=f"at least one of {', '.join(THREAD_STATS)}")
    filter: Text | None = Field(None, description="of the root runs of the traces to count, in the filter language")


@router.get("/threads/{text:thread_id}/stats", openapi_extra=answers(schemas.THREAD_STATS))
def thread_stats(request: KeyRequest, thread_id: str, asked: Query[ThreadStatsQuery]) -> HttpResponse:
    selects = selected(asked.selects, THREAD_STATS)
    project = project_or_404(request.auth.workspace, asked.session_id)
    traces = _narrowed(project, _turns(project, thread_id).order_by(), asked.filter, None, None)
    kinds = usage_of(traces) if DETAILS.keys() & set(selects) else {}
    name = stored_thread_id(thread_id)
    feedback = ports.feedback.of_threads(project.pk, [name]) if FEEDBACK & set(selects) else {}
    return as_json(thread_stats_json(trace_stats(traces), kinds, selects, feedback.get(name, NO_FEEDBACK)))
