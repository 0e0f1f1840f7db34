"""The v1 routes of projects, which the SDKs call sessions."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.accounts.services import record
from apps.projects import services
from apps.projects.access import project_named, project_or_404
from apps.projects.models import DEFAULT_PROJECT, Project
from apps.projects.schemas import ID, OBJECT, PROJECT, answers, array, object_of
from apps.projects.stats import stats_of
from apps.projects.values import read_json, storable
from apps.projects.wire import Json, Moment, Text

MAX_PAGE = 100
MAX_NAME = 500
MAX_OFFSET = 1_000_000

router = Router(tags=["projects"])


class ProjectQuery(Schema):
    id: list[uuid.UUID] | None = None
    name: Text | None = None
    name_contains: Text | None = None
    metadata: Text | None = Field(None, description="JSON text; the project's extra.metadata contains this object")
    reference_dataset: list[uuid.UUID] | None = None
    reference_free: bool | None = Field(None, description="true leaves out experiments")
    include_stats: bool = False
    limit: int = Field(MAX_PAGE, description=f"at most {MAX_PAGE}")
    offset: int = 0


class ProjectChange(Schema):
    """Null means unchanged; what is not listed is ignored."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    description: str | None = None
    extra: Json | None = None
    start_time: Moment | None = None
    end_time: Moment | None = None
    reference_dataset_id: uuid.UUID | None = None


class NewProject(ProjectChange):
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    id: uuid.UUID | None = None


@router.get("", openapi_extra=answers(array(PROJECT)))
def list_projects(request: KeyRequest, asked: Query[ProjectQuery]) -> list[dict[str, Any]]:
    """Newest first. A project named default is always there: the SDKs learn their tenant id from the first project."""
    workspace = request.auth.workspace
    project_named(workspace, DEFAULT_PROJECT)
    found = Project.objects.in_workspace(workspace).asked_for(
        ids=asked.id,
        name=asked.name,
        part_of_name=asked.name_contains,
        metadata=metadata_of(asked.metadata),
        datasets=asked.reference_dataset,
        without_dataset=bool(asked.reference_free),
    )
    start = min(max(asked.offset, 0), MAX_OFFSET)
    return _json(list(found[start : start + min(max(asked.limit, 1), MAX_PAGE)]), include_stats=asked.include_stats)


class Address(Schema):
    kind: Literal["AGENT", "EXPERIMENT", "EVALUATOR"]
    id: Text | None = Field(None, description="of the agent or the experiment")
    environment: Text | None = None


@router.get("/resolutions", openapi_extra=answers(object_of({"session_id": ID})))
def resolve(request: KeyRequest, asked: Query[Address]) -> dict[str, Any]:
    """The project of an experiment. Threadline keeps no agents and no evaluators, so these are 404."""
    try:
        project_id = uuid.UUID(asked.id or "") if asked.kind == "EXPERIMENT" else None
    except ValueError:
        raise HttpError(422, "id: not a UUID") from None
    if project_id is None:
        raise Http404(f"There is no {asked.kind.lower()} here")
    return {"session_id": project_or_404(request.auth.workspace, project_id).pk}


class OneProjectQuery(Schema):
    include_stats: bool = False
    stats_start_time: Moment | None = Field(None, description="the stats count traces that started then or later")


@router.get("/{project_id}", openapi_extra=answers(PROJECT))
def read_project(request: KeyRequest, project_id: uuid.UUID, asked: Query[OneProjectQuery]) -> dict[str, Any]:
    project = project_or_404(request.auth.workspace, project_id)
    return _json([project], include_stats=asked.include_stats, since=asked.stats_start_time)[0]


@router.post("", openapi_extra=answers(PROJECT))
def create_project(request: KeyRequest, body: NewProject, upsert: bool = False) -> dict[str, Any]:
    return _json([create(request, body, upsert=upsert)], include_stats=False)[0]


def create(request: KeyRequest, body: NewProject, *, upsert: bool) -> Project:
    workspace = request.auth.workspace
    existing = Project.objects.in_workspace(workspace).named(body.name)
    if existing and not upsert:
        raise HttpError(409, f"There is a project named {body.name}; send upsert=true to change it.")
    project = existing or Project(id=body.id or uuid.uuid4(), workspace=workspace)
    return save(project, body, request)


@router.patch("/{project_id}", openapi_extra=answers(PROJECT))
def update_project(request: KeyRequest, project_id: uuid.UUID, body: ProjectChange) -> dict[str, Any]:
    project = save(project_or_404(request.auth.workspace, project_id), body, request)
    return _json([project], include_stats=False)[0]


@router.delete("/{project_id}", response={202: None}, openapi_extra=answers(OBJECT, 202))
def delete_project(request: KeyRequest, project_id: uuid.UUID) -> HttpResponse:
    services.delete(project_or_404(request.auth.workspace, project_id), request.auth.created_by)
    return HttpResponse(b"{}", status=202, content_type="application/json")


def save(project: Project, change: ProjectChange, request: KeyRequest) -> Project:
    given = {name: value for name, value in change.dict(exclude={"id"}).items() if value is not None}
    for name, value in given.items():
        setattr(project, name, value)
    action = "created project" if project._state.adding else "changed project"
    try:
        with transaction.atomic():
            project.save()
            record(project.workspace, request.auth.created_by, action, project.name)
    except IntegrityError:
        raise HttpError(409, f"There is another project with this id or with the name {project.name}.") from None
    return project


def metadata_of(text: str | None) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        value = read_json(text)
    except ValueError:
        value = None
    if not isinstance(value, dict) or not storable(value):
        raise HttpError(422, "metadata: not the text of a JSON object")
    return value


def _json(projects: list[Project], *, include_stats: bool, since: datetime | None = None) -> list[dict[str, Any]]:
    stats = stats_of(projects, since=since) if include_stats else {}
    return [{**project_json(project), **stats.get(project.pk, {})} for project in projects]


def project_json(project: Project) -> dict[str, Any]:
    return {
        "id": project.pk,
        "tenant_id": project.workspace_id,
        "name": project.name,
        "description": project.description or None,
        "start_time": project.start_time,
        "end_time": project.end_time,
        "extra": project.extra or None,
        "reference_dataset_id": project.reference_dataset_id,
        "default_dataset_id": None,
        "trace_tier": None,
        "last_run_start_time": None,
    }
