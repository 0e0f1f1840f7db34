"""The v1 routes of feedback and of the configurations of its keys."""

import uuid
from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts.access import KeyRequest, key_of
from apps.accounts.models import ApiKey, Scope, Workspace
from apps.feedback import configs, schemas, services
from apps.feedback.access import config_or_404, feedback_or_404
from apps.feedback.keys import MAX_CATEGORIES, BadConfig, BadFeedback
from apps.feedback.models import Feedback, FeedbackKey
from apps.feedback.receive import take
from apps.feedback.wire import GivenFeedback, Verdict, feedback_json, named_config_json, verdict
from apps.projects.models import Project
from apps.projects.schemas import answers
from apps.projects.wire import Moment, Text
from apps.runs.query.compile import stored_thread_id
from apps.runs.wire import encode

MAX_BODY = 1024 * 1024
MAX_PAGE = 100
MAX_OFFSET = 1_000_000

router = Router(tags=["feedback"])


def giver(request: HttpRequest) -> ApiKey:
    """A key that may only send runs may give feedback too. Checks the size here, because the body is read next."""
    key = key_of(request, scope=Scope.INGEST)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BODY:
        raise HttpError(413, f"The body is larger than {MAX_BODY} bytes.")
    return key


def answer(value: Any) -> HttpResponse:
    return HttpResponse(encode(value), content_type="application/json")


@router.post("/feedback", auth=giver, summary="Give feedback", openapi_extra=answers(schemas.FEEDBACK))
def create_feedback(request: KeyRequest, body: GivenFeedback) -> HttpResponse:
    """On a run, which need not have arrived; on a thread, by thread_id and session_id; or on a project."""
    try:
        return answer(feedback_json(take(request.auth.workspace, body)))
    except BadFeedback as error:
        raise HttpError(422, str(error)) from None


class FeedbackQuery(Schema):
    run: list[uuid.UUID] = Field([], description="on these runs")
    key: list[Text] = Field([], description="under one of these keys")
    source: list[Text] = Field([], description="from one of these types of sources: api, model, app")
    session: list[uuid.UUID] = Field([], description="in these projects")
    thread_id: Text | None = Field(None, description="about this thread or one of its runs; needs one session")
    level: Literal["run", "thread", "project", "session"] | None = Field(None, description="session means project")
    user: list[int] = Field([], description="from these members")
    has_comment: bool | None = None
    has_score: bool | None = None
    is_current: bool | None = Field(
        None, description="false: only verdicts that their judge has replaced; true: only others"
    )
    min_created_at: Moment | None = None
    max_created_at: Moment | None = None
    limit: int = Field(MAX_PAGE, description=f"at most {MAX_PAGE}")
    offset: int = 0


@router.get("/feedback", summary="List feedback", openapi_extra=answers(schemas.FEEDBACKS))
def list_feedback(request: KeyRequest, asked: Query[FeedbackQuery]) -> HttpResponse:
    """Newest first."""
    start = min(max(asked.offset, 0), MAX_OFFSET)
    found = _asked_for(request.auth.workspace, asked)[start : start + min(max(asked.limit, 1), MAX_PAGE)]
    return answer([feedback_json(feedback) for feedback in found])


def _asked_for(workspace: Workspace, asked: FeedbackQuery) -> Any:
    found = Feedback.objects.in_workspace(workspace).asked_for(
        run_id__in=asked.run or None,
        key__in=asked.key or None,
        source_type__in=asked.source or None,
        project_id__in=asked.session or None,
        user_id__in=[user for user in asked.user if abs(user) < 2**63] if asked.user else None,
        level="project" if asked.level == "session" else asked.level,
        comment__isnull=None if asked.has_comment is None else not asked.has_comment,
        score__isnull=None if asked.has_score is None else not asked.has_score,
        current=asked.is_current,
        created_at__gte=asked.min_created_at,
        created_at__lte=asked.max_created_at,
    )
    if asked.thread_id is not None:
        if len(asked.session) != 1:
            raise HttpError(422, "session: a thread needs its project")
        projects = Project.objects.in_workspace(workspace).among(asked.session)
        found = found.in_thread(projects, stored_thread_id(asked.thread_id))
    return found.for_list()


@router.get("/feedback/{feedback_id}", summary="Read a feedback", openapi_extra=answers(schemas.FEEDBACK))
def read_feedback(request: KeyRequest, feedback_id: uuid.UUID) -> HttpResponse:
    return answer(feedback_json(feedback_or_404(request.auth.workspace, feedback_id)))


class FeedbackChange(Verdict):
    """Only what is sent changes; null clears."""


@router.patch("/feedback/{feedback_id}", summary="Change a feedback", openapi_extra=answers(schemas.FEEDBACK))
def update_feedback(request: KeyRequest, feedback_id: uuid.UUID, body: FeedbackChange) -> HttpResponse:
    feedback = feedback_or_404(request.auth.workspace, feedback_id)
    try:
        given = {name: value for name, value in verdict(body).items() if name in body.model_fields_set}
        return answer(feedback_json(services.change(feedback, **given)))
    except BadFeedback as error:
        raise HttpError(422, str(error)) from None
    except services.Gone as error:
        raise Http404(str(error)) from None


@router.delete("/feedback/{feedback_id}", summary="Take a feedback back", openapi_extra=answers(schemas.NOTHING))
def delete_feedback(request: KeyRequest, feedback_id: uuid.UUID) -> HttpResponse:
    try:
        services.remove(feedback_or_404(request.auth.workspace, feedback_id))
    except services.Gone as error:
        raise Http404(str(error)) from None
    return answer({})


class KeyShape(Schema):
    feedback_key: Text
    feedback_config: dict[str, Any] | None = Field(
        None, description="type (continuous, categorical, boolean, freeform), min, max, categories [{value, label}]"
    )
    is_lower_score_better: bool | None = None
    is_enforced: bool | None = Field(None, description="every configuration is")


class NewKey(KeyShape):
    feedback_config: dict[str, Any]


class KeyChange(KeyShape):
    id: uuid.UUID | None = Field(None, description="of the configuration, which its key names as well")
    add_categories: list[Any] = Field([], description="{value, label} each", max_length=MAX_CATEGORIES)
    remove_categories: list[float] = Field([], description="their values; at least two categories remain")


@router.post("/feedback-configs", summary="Configure a feedback key", openapi_extra=answers(schemas.CONFIG))
def create_config(request: KeyRequest, body: NewKey) -> HttpResponse:
    """The same configuration again is answered with the one that is there; another is 400."""
    key = request.auth
    try:
        found = configs.create(
            key.workspace, body.feedback_key, body.feedback_config, body.is_lower_score_better, key.created_by
        )
    except BadConfig as error:
        raise HttpError(422, f"feedback_config: {error}") from None
    except configs.Differs as error:
        raise HttpError(400, str(error)) from None
    return answer(_config_json(found))


class ConfigQuery(Schema):
    key: list[Text] = Field([], description="these keys")
    name_contains: Text | None = None
    include_all_configs: bool = Field(False, description="a key has one configuration, so this changes nothing")
    is_enforced: bool | None = Field(None, description="every configuration is")
    limit: int = Field(MAX_PAGE, description=f"at most {MAX_PAGE}")
    offset: int = 0


@router.get("/feedback-configs", summary="List the configured feedback keys", openapi_extra=answers(schemas.CONFIGS))
def list_configs(request: KeyRequest, asked: Query[ConfigQuery]) -> HttpResponse:
    found = FeedbackKey.objects.in_workspace(request.auth.workspace)
    if asked.key:
        found = found.named(asked.key)
    if asked.name_contains:
        found = found.named_like(asked.name_contains)
    start = min(max(asked.offset, 0), MAX_OFFSET)
    shown = found[start : start + min(max(asked.limit, 1), MAX_PAGE)] if asked.is_enforced is not False else ()
    return answer([_config_json(config) for config in shown])


@router.patch(
    "/feedback-configs", summary="Change the configuration of a feedback key", openapi_extra=answers(schemas.CONFIG)
)
def update_config(request: KeyRequest, body: KeyChange) -> HttpResponse:
    """What is not given stays. Feedback that was given before stays as it is."""
    config = config_or_404(request.auth.workspace, body.feedback_key, body.id)
    try:
        shape = body.feedback_config
        if body.add_categories or body.remove_categories:
            shape = configs.with_categories(config, body.add_categories, body.remove_categories)
        changed = configs.change(config, shape, body.is_lower_score_better, request.auth.created_by)
    except BadConfig as error:
        raise HttpError(422, f"feedback_config: {error}") from None
    return answer(_config_json(changed))


class ConfigAddress(Schema):
    """One of the two."""

    feedback_key: Text | None = None
    id: uuid.UUID | None = None


@router.delete(
    "/feedback-configs", summary="Delete the configuration of a feedback key", openapi_extra=answers(None, 204)
)
def delete_config(request: KeyRequest, asked: Query[ConfigAddress]) -> HttpResponse:
    """The feedback under the key stays."""
    if (asked.feedback_key is None) == (asked.id is None):
        raise HttpError(422, "feedback_key: name the key, or the id of its configuration")
    config = config_or_404(request.auth.workspace, asked.feedback_key, asked.id)
    configs.delete(config, request.auth.created_by)
    return HttpResponse(status=204)


def _config_json(config: FeedbackKey) -> dict[str, Any]:
    return {**named_config_json(config), "is_enforced": True, "is_first": True, "is_deleted": False}
