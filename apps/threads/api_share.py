"""The v1 and v2 routes that share runs and threads."""

import uuid
from typing import Any

from django.http import Http404
from ninja import Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest
from apps.accounts.models import ApiKey
from apps.projects.access import project_or_404
from apps.projects.schemas import OBJECT, answers, maybe
from apps.runs.models import Run
from apps.threads.access import thread_or_404
from apps.threads.schemas import LINK, RUN_LINK
from apps.threads.shared import SharedLink, SharedLinkQuerySet
from apps.threads.sharing import Maker, TokenTaken, revoke, share_run, share_thread

router = Router(tags=["sharing"])
router_v2 = Router(tags=["sharing"])


def _maker(key: ApiKey) -> Maker:
    return Maker(key.created_by, key.name)


def _links(request: KeyRequest) -> SharedLinkQuerySet:
    return SharedLink.objects.in_workspace(request.auth.workspace)


class ShareRun(Schema):
    share_token: uuid.UUID | None = Field(None, description="the token to use; without it there will be a random one")


@router.put("/runs/{run_id}/share", summary="Share a run", openapi_extra=answers(RUN_LINK))
def share(request: KeyRequest, run_id: uuid.UUID, body: ShareRun) -> dict[str, Any]:
    """The run and its whole trace can then be read at /public/{share_token}/r without signing in."""
    run = Run.objects.in_workspace(request.auth.workspace).with_id(run_id).light().select_related("project").first()
    if run is None:
        raise Http404(f"No run {run_id} in this workspace")
    try:
        link = share_run(run.project, run, _maker(request.auth), body.share_token or uuid.uuid4())
    except TokenTaken as error:
        raise HttpError(409, str(error)) from None
    return {"run_id": run_id, "share_token": link.token}


@router.get("/runs/{run_id}/share", summary="The link of a run", openapi_extra=answers(maybe(RUN_LINK)))
def shared(request: KeyRequest, run_id: uuid.UUID) -> dict[str, Any] | None:
    """null where the run is not shared."""
    link = _links(request).to_run(run_id).live().first()
    return {"run_id": run_id, "share_token": link.token} if link else None


@router.delete("/runs/{run_id}/share", summary="Stop sharing a run", openapi_extra=answers(OBJECT))
def unshare(request: KeyRequest, run_id: uuid.UUID) -> dict[str, Any]:
    revoke(_links(request).to_run(run_id), _maker(request.auth))
    return {}


class ShareTrace(Schema):
    session_id: uuid.UUID = Field(description="the project")
    trace_id: uuid.UUID


class UnshareTrace(Schema):
    session_id: uuid.UUID = Field(description="the project")


class ShareThread(Schema):
    project_id: uuid.UUID


@router_v2.post("/runs/{run_id}/share", summary="Share a trace", openapi_extra=answers(LINK))
def share_trace(request: KeyRequest, run_id: uuid.UUID, body: ShareTrace) -> dict[str, Any]:
    """The same token each time, until it is deleted. A child is shared with its whole trace."""
    project = project_or_404(request.auth.workspace, body.session_id)
    runs = Run.objects.in_project(project).in_trace(body.trace_id).light()
    run = runs.filter(id=body.trace_id).first() or runs.filter(id=run_id).first()
    if run is None:
        raise Http404(f"No run {run_id} of the trace {body.trace_id} in this project")
    return {"share_token": share_run(project, run, _maker(request.auth)).token}


@router_v2.delete(
    "/runs/{run_id}/share", summary="Stop sharing a trace", response={204: None}, openapi_extra=answers(None, 204)
)
def unshare_trace(request: KeyRequest, run_id: uuid.UUID, body: UnshareTrace) -> Status[None]:
    """Here the run is the root, whose id is the trace's."""
    project = project_or_404(request.auth.workspace, body.session_id)
    revoke(_links(request).to_trace(project, run_id), _maker(request.auth))
    return Status(204, None)


@router_v2.post("/threads/{text:thread_id}/share", summary="Share a thread", openapi_extra=answers(LINK))
def share_a_thread(request: KeyRequest, thread_id: str, body: ShareThread) -> dict[str, Any]:
    """The same token each time, until it is deleted."""
    thread = thread_or_404(project_or_404(request.auth.workspace, body.project_id), thread_id)
    return {"share_token": share_thread(thread, _maker(request.auth)).token}


@router_v2.get("/threads/{text:thread_id}/share", summary="The link of a thread", openapi_extra=answers(LINK))
def shared_thread(request: KeyRequest, thread_id: str, project_id: uuid.UUID) -> dict[str, Any]:
    """share_token is null where the thread is not shared."""
    project = project_or_404(request.auth.workspace, project_id)
    link = _links(request).to_thread(project, thread_id).live().first()
    return {"share_token": link.token if link else None}


@router_v2.delete(
    "/threads/{text:thread_id}/share",
    summary="Stop sharing a thread",
    response={204: None},
    openapi_extra=answers(None, 204),
)
def unshare_thread(request: KeyRequest, thread_id: str, project_id: uuid.UUID) -> Status[None]:
    project = project_or_404(request.auth.workspace, project_id)
    revoke(_links(request).to_thread(project, thread_id), _maker(request.auth))
    return Status(204, None)
