"""The routes of projects that ask for their runs: the v2 list with its filters, and the dashboard."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import AfterValidator, Field

from apps.accounts.access import KeyRequest
from apps.projects.access import project_named, project_or_404
from apps.projects.api import metadata_of
from apps.projects.api_v2 import ProjectQuery, projects_json
from apps.projects.api_v2 import router as projects
from apps.projects.models import DEFAULT_PROJECT, Project
from apps.projects.schemas import PROJECT_V2, answers, page
from apps.projects.wire import Moment, Text
from apps.runs.dashboard import CHARTS, Asked, Attribute, Row, rows_of
from apps.runs.models import Run, Trace, TraceQuerySet
from apps.runs.query.parse import parse
from apps.runs.query.projects import projects_matching
from apps.runs.schemas import DASHBOARD
from apps.runs.wire_v2 import as_json, paged

router = Router(tags=["projects"])
# The list goes to the router that has the path's other methods: of two routers with one path only the first is found.


class FilteredProjects(ProjectQuery):
    filter: Text | None = Field(None, description="of the project, in the filter language")
    stats_filter: Text | None = Field(None, description="of the root runs of the traces that the stats count")
    stats_start_time: Moment | None = Field(None, description="the stats count traces that started then or later")
    stats_select: list[str] = Field([], description="stats to show, all when it is left out")
    tag_value_id: list[str] = Field([], description="not served")


@projects.get("/sessions", openapi_extra=answers(page(PROJECT_V2)))
def list_projects(request: KeyRequest, asked: Query[FilteredProjects]) -> dict[str, Any]:
    """A project named default is always there."""
    if asked.tag_value_id:
        raise HttpError(
            400, "tag_value_id: Threadline's projects have no tags; use filter with has(metadata, …) instead."
        )
    workspace = request.auth.workspace
    project_named(workspace, DEFAULT_PROJECT)
    found = Project.objects.in_workspace(workspace).asked_for(
        ids=asked.id or None,
        name=asked.name,
        part_of_name=asked.name_contains,
        metadata=metadata_of(asked.metadata),
        datasets=asked.reference_dataset_id or None,
    )
    if asked.filter and asked.filter.strip():
        found = found.filter(projects_matching(asked.filter))
    if asked.type:
        found = found.of_types(experiments="EXPERIMENT" in asked.type, others="PROJECT" in asked.type)
    descending = asked.sort_order == "desc"
    order = [f"{'-' if descending else ''}{column}" for column in (asked.sort_by.lower(), "id")]
    rows = paged(found, order, asked.cursor, asked.page_size)
    items = projects_json(
        rows.rows, include_stats=asked.include_stats, traces=_counted(rows.rows, asked), select=asked.stats_select
    )
    return {"items": items, "next_cursor": rows.older or None}


def _counted(projects: Sequence[Project], asked: FilteredProjects) -> TraceQuerySet | None:
    """The traces to count, None for all."""
    if not asked.include_stats or (asked.stats_start_time is None and not (asked.stats_filter or "").strip()):
        return None
    ids = [project.pk for project in projects]
    traces = Trace.objects.filter(project_id__in=ids).started(asked.stats_start_time)
    if asked.stats_filter and asked.stats_filter.strip():
        traces = traces.of_runs(Run.objects.in_projects(ids).roots().matching(parse(asked.stats_filter)))
    return traces


MAX_STRIDES = 1_000
WEEK = timedelta(days=7)


class Stride(Schema):
    days: int = Field(0, ge=0, le=366)
    hours: int = Field(0, ge=0, le=10_000)
    minutes: int = Field(0, ge=0, le=100_000)


class GroupBy(Schema):
    attribute: Attribute
    path: Text | None = Field(None, description="of the metadata, such as user.plan")
    max_groups: int = Field(5, ge=1, le=50)


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("no such time zone")
    return name


class DashboardQuery(Schema):
    start_time: Moment | None = Field(None, description="a week before the end when it is left out")
    end_time: Moment | None = Field(None, description="now when it is left out")
    stride: Stride | None = Field(None, description="of a point in time to the next; an hour up to a week, else a day")
    timezone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="whose midnight the strides begin at")
    group_by: GroupBy | None = Field(None, description="of the root runs")
    omit_data: bool = Field(False, description="only tell which charts there are")


@router.post("/sessions/{project_id}/dashboard", openapi_extra=answers(DASHBOARD), summary="The dashboard of a project")
def dashboard(request: KeyRequest, project_id: uuid.UUID, body: DashboardQuery) -> HttpResponse:
    """Its traces over time: how many, how long, how dear. A point of time without traces has no value."""
    project = project_or_404(request.auth.workspace, project_id)
    rows = [] if body.omit_data else rows_of(project, _asked(body))
    charts = [_chart(index, title, metrics, rows) for index, (title, metrics) in enumerate(CHARTS.items())]
    told = {"id": project.pk, "session_id": project.pk, "title": project.name, "index": 0, "charts": charts}
    return as_json({**told, "description": None, "sub_sections": []})


def _asked(body: DashboardQuery) -> Asked:
    end = body.end_time or timezone.now()
    start = body.start_time or _before(end, WEEK)
    told = timedelta(**body.stride.dict()) if body.stride else timedelta()
    stride = told or (timedelta(hours=1) if end - start <= WEEK else timedelta(days=1))
    if (end - start) / stride > MAX_STRIDES:
        raise HttpError(
            422, f"stride: the time has more than {MAX_STRIDES} of them; ask for longer ones or a shorter time"
        )
    local = start.astimezone(ZoneInfo(body.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    if by := body.group_by:
        return Asked(start, end, stride, local, by.attribute, by.path or "", by.max_groups)
    return Asked(start, end, stride, local)


def _before(moment: datetime, length: timedelta) -> datetime:
    try:
        return moment - length
    except OverflowError:
        raise HttpError(422, "end_time: the year is out of range") from None


def _chart(index: int, title: str, metrics: Sequence[str], rows: Sequence[Row]) -> dict[str, Any]:
    data = [
        {"series_id": metric, "timestamp": row.at, "value": value, "group": row.group}
        for row in rows
        for metric in metrics
        if (value := row.values[metric]) is not None
    ]
    series = [{"id": metric, "name": metric.replace("_", " "), "metric": metric} for metric in metrics]
    return {"id": metrics[0], "index": index, "title": title, "chart_type": "line", "series": series, "data": data}
