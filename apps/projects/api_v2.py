"""The v2 routes of projects."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from django.db.models import QuerySet
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.projects.access import project_or_404
from apps.projects.api import NewProject, OneProjectQuery, ProjectChange, create, project_json, save
from apps.projects.models import Project
from apps.projects.schemas import PROJECT_V2, answers
from apps.projects.stats import stats_of
from apps.projects.wire import Text

router = Router(tags=["projects"])

type Type = Literal["PROJECT", "AGENT", "EXPERIMENT"]


class ProjectQuery(Schema):
    """What the list takes (apps/runs/api_projects.py), but for what it asks of runs."""

    id: list[uuid.UUID] = Field([], description="only these")
    name: Text | None = None
    name_contains: Text | None = None
    metadata: Text | None = Field(None, description="JSON text; the project's extra.metadata contains this object")
    reference_dataset_id: list[uuid.UUID] = []
    type: list[Type] = Field(
        [], description="EXPERIMENT has a reference_dataset_id, PROJECT has none; there are no agents"
    )
    include_stats: bool = False
    sort_by: Literal["NAME", "START_TIME"] = "START_TIME"
    sort_order: Literal["asc", "desc"] = "desc"
    page_size: int = Field(20, ge=1, le=100)
    cursor: str | None = None


@router.get("/sessions/{project_id}", openapi_extra=answers(PROJECT_V2))
def retrieve_project(request: KeyRequest, project_id: uuid.UUID, asked: Query[OneProjectQuery]) -> dict[str, Any]:
    project = project_or_404(request.auth.workspace, project_id)
    return projects_json([project], include_stats=asked.include_stats, since=asked.stats_start_time)[0]


class NewProjectV2(NewProject):
    type: Type = Field("PROJECT", description="AGENT is not served")


@router.post("/sessions", openapi_extra=answers(PROJECT_V2))
def create_project(request: KeyRequest, body: NewProjectV2, upsert: bool = False) -> dict[str, Any]:
    if body.type == "AGENT":
        raise HttpError(400, "Threadline keeps no agents; create a PROJECT.")
    if (body.type == "EXPERIMENT") != (body.reference_dataset_id is not None):
        raise HttpError(422, "reference_dataset_id: an EXPERIMENT needs it, and only an EXPERIMENT has it")
    return projects_json([create(request, body, upsert=upsert)], include_stats=False)[0]


@router.patch("/sessions/{project_id}", openapi_extra=answers(PROJECT_V2))
def update_project(request: KeyRequest, project_id: uuid.UUID, body: ProjectChange) -> dict[str, Any]:
    project = save(project_or_404(request.auth.workspace, project_id), body, request)
    return projects_json([project], include_stats=False)[0]


def projects_json(
    projects: Iterable[Project],
    *,
    include_stats: bool,
    traces: QuerySet[Any] | None = None,
    since: datetime | None = None,
    select: Sequence[str] = (),
) -> list[dict[str, Any]]:
    """Stats are those of the traces, of all when it is None; select names those to show, all when it is empty."""
    listed = list(projects)
    stats = stats_of(listed, traces, since) if include_stats else {}
    wanted = {name.lower() for name in select}
    return [
        _project_json(project)
        | _zulu({name: value for name, value in stats.get(project.pk, {}).items() if not wanted or name in wanted})
        for project in listed
    ]


def _project_json(project: Project) -> dict[str, Any]:
    kind: Type = "PROJECT" if project.reference_dataset_id is None else "EXPERIMENT"
    return {**_zulu(project_json(project)), "type": kind}


def _zulu(values: dict[str, Any]) -> dict[str, Any]:
    """Times in RFC 3339 with all their digits."""
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in values.items()
    }
