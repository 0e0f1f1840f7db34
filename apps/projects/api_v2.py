"""The v2 routes of projects."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.common.paging import Term, keyset
from apps.projects.access import project_named, project_or_404
from apps.projects.api import NewProject, ProjectChange, create, metadata_of, project_json, save
from apps.projects.models import DEFAULT_PROJECT, Project
from apps.projects.schemas import PROJECT_V2, answers, page
from apps.projects.stats import stats_of
from apps.projects.wire import Text

router = Router(tags=["projects"])

type Type = Literal["PROJECT", "AGENT", "EXPERIMENT"]


class ProjectQuery(Schema):
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
    filter: str | None = Field(None, description="not served: use name, name_contains or metadata")
    page_size: int = Field(20, ge=1, le=100)
    cursor: str | None = None


@router.get("/sessions", openapi_extra=answers(page(PROJECT_V2)))
def list_projects(request: KeyRequest, asked: Query[ProjectQuery]) -> dict[str, Any]:
    """A project named default is always there."""
    if asked.filter:
        raise HttpError(400, "Projects have no filter here; use name, name_contains or metadata.")
    workspace = request.auth.workspace
    project_named(workspace, DEFAULT_PROJECT)
    found = Project.objects.in_workspace(workspace).asked_for(
        ids=asked.id or None,
        name=asked.name,
        part_of_name=asked.name_contains,
        metadata=metadata_of(asked.metadata),
        datasets=asked.reference_dataset_id or None,
    )
    if asked.type:
        found = found.of_types(experiments="EXPERIMENT" in asked.type, others="PROJECT" in asked.type)
    descending = asked.sort_order == "desc"
    order = [Term(asked.sort_by.lower(), descending), Term("id", descending)]
    page = keyset(found, order, asked.cursor or "", asked.page_size)
    if asked.cursor and page.rows and not page.newer:
        raise HttpError(400, "This cursor is not one that this route gave out for this order.")
    return {"items": _json(page.rows, include_stats=asked.include_stats), "next_cursor": page.older or None}


class OneProjectQuery(Schema):
    include_stats: bool = False


@router.get("/sessions/{project_id}", openapi_extra=answers(PROJECT_V2))
def retrieve_project(request: KeyRequest, project_id: uuid.UUID, asked: Query[OneProjectQuery]) -> dict[str, Any]:
    project = project_or_404(request.auth.workspace, project_id)
    return _json([project], include_stats=asked.include_stats)[0]


class NewProjectV2(NewProject):
    type: Type = Field("PROJECT", description="AGENT is not served")


@router.post("/sessions", openapi_extra=answers(PROJECT_V2))
def create_project(request: KeyRequest, body: NewProjectV2, upsert: bool = False) -> dict[str, Any]:
    if body.type == "AGENT":
        raise HttpError(400, "Threadline keeps no agents; create a PROJECT.")
    if (body.type == "EXPERIMENT") != (body.reference_dataset_id is not None):
        raise HttpError(422, "reference_dataset_id: an EXPERIMENT needs it, and only an EXPERIMENT has it")
    return _json([create(request, body, upsert=upsert)], include_stats=False)[0]


@router.patch("/sessions/{project_id}", openapi_extra=answers(PROJECT_V2))
def update_project(request: KeyRequest, project_id: uuid.UUID, body: ProjectChange) -> dict[str, Any]:
    project = save(project_or_404(request.auth.workspace, project_id), body, request)
    return _json([project], include_stats=False)[0]


def _json(projects: Iterable[Project], *, include_stats: bool) -> list[dict[str, Any]]:
    listed = list(projects)
    stats = stats_of(listed) if include_stats else {}
    return [_project_json(project) | _zulu(stats.get(project.pk, {})) for project in listed]


def _project_json(project: Project) -> dict[str, Any]:
    kind: Type = "PROJECT" if project.reference_dataset_id is None else "EXPERIMENT"
    return {**_zulu(project_json(project)), "type": kind}


def _zulu(values: dict[str, Any]) -> dict[str, Any]:
    """Times in RFC 3339 with all their digits."""
    return {
        name: value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
        for name, value in values.items()
    }
