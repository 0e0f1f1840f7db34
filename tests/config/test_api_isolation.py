"""Every route of the API: who may call it, and what a key of another workspace gets to see."""

import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import URLResolver, get_resolver
from django.utils import timezone

from apps.accounts.models import ApiKey, Role, Scope, User
from apps.feedback import services
from apps.feedback.configs import configure
from apps.feedback.draft import Draft
from apps.feedback.queues import services as queues
from apps.feedback.queues.adding import add_runs
from config.api import api, api_v2
from tests.factories import ApiKeyFactory, MembershipFactory
from tests.openapi import assert_described
from tests.runs.ingest.wire import BOUNDARY, closed, part, parts_of
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

SECRET = "the words of another workspace"
THREAD = "their thread"
COUNTS = re.compile(rb'"(?:run_count|trace_count|thread_count|turns|total)": ?[1-9]')


@dataclass(frozen=True)
class Call:
    """A call that succeeds for the workspace whose project, run, trace and thread stand in it."""

    route: str
    body: dict[str, Any] | list[Any] | None = None
    query: dict[str, Any] = field(default_factory=dict)
    creates: bool = False
    """Makes something in the workspace of the key, so that another key succeeds too."""
    gives: bool = False
    """Gives feedback, which a key that may only send may do too."""


PROJECT = {"project_id": "<project>"}
CALLS = [
    Call("POST /api/v1/runs/stats", {"session": ["<project>"]}),
    Call("POST /api/v1/runs/group", {"session_id": "<project>", "group_by": "conversation"}),
    Call("POST /api/v1/runs/query", {"session": ["<project>"]}),
    Call("POST /api/v1/runs/query", {"id": ["<run>"]}),
    Call("POST /api/v1/runs/query", {"trace": "<run>"}),
    Call("POST /api/v1/runs/query", {"filter": 'eq(thread_id, "their thread")'}),
    Call("GET /api/v1/runs/{run_id}"),
    Call("GET /api/v1/sessions"),
    Call("GET /api/v1/sessions", query={"id": "<project>"}),
    Call("POST /api/v1/sessions", {"name": "new"}, creates=True),
    Call("GET /api/v1/sessions/resolutions", query={"kind": "EXPERIMENT", "id": "<project>"}),
    Call("GET /api/v1/sessions/{project_id}"),
    Call("POST /api/v1/sessions/{project_id}/dashboard", {}),
    Call("PATCH /api/v1/sessions/{project_id}", {"description": "theirs"}),
    Call("DELETE /api/v1/sessions/{project_id}"),
    Call("PUT /api/v1/runs/{run_id}/share", {"run_id": "<run>"}),
    Call("GET /api/v1/runs/{run_id}/share"),
    Call("DELETE /api/v1/runs/{run_id}/share"),
    Call("POST /api/v1/feedback", {"session_id": "<project>", "key": "tone"}, gives=True),
    Call("GET /api/v1/feedback", query={"run": "<run>"}),
    Call("GET /api/v1/feedback", query={"session": "<project>"}),
    Call("GET /api/v1/feedback/{feedback_id}"),
    Call("PATCH /api/v1/feedback/{feedback_id}", {"score": 1}),
    Call("DELETE /api/v1/feedback/{feedback_id}"),
    Call("POST /api/v1/feedback/tokens", {"run_id": "<run>", "feedback_key": "new"}, gives=True),
    Call("GET /api/v1/feedback/tokens", query={"run_id": "<run>"}),
    Call(
        "POST /api/v1/feedback-configs", {"feedback_key": "new", "feedback_config": {"type": "boolean"}}, creates=True
    ),
    Call("GET /api/v1/feedback-configs"),
    Call("PATCH /api/v1/feedback-configs", {"feedback_key": SECRET, "is_lower_score_better": True}),
    Call("DELETE /api/v1/feedback-configs", query={"feedback_key": SECRET}),
    Call("POST /api/v1/annotation-queues", {"name": "new"}, creates=True),
    Call("GET /api/v1/annotation-queues"),
    Call("GET /api/v1/annotation-queues", query={"ids": "<queue>"}),
    Call("GET /api/v1/annotation-queues/{queue_id}"),
    Call("PATCH /api/v1/annotation-queues/{queue_id}", {"name": "theirs"}),
    Call("DELETE /api/v1/annotation-queues/{queue_id}"),
    Call("POST /api/v1/annotation-queues/{queue_id}/runs", ["<run>"]),
    Call("POST /api/v1/annotation-queues/{queue_id}/runs/by-key", [{"run_id": "<run>", "session_id": "<project>"}]),
    Call("GET /api/v1/annotation-queues/{queue_id}/runs"),
    Call("GET /api/v1/annotation-queues/{queue_id}/run/{index}"),
    Call("DELETE /api/v1/annotation-queues/{queue_id}/runs/{run_id}"),
    Call("POST /api/v1/annotation-queues/{queue_id}/runs/delete", {"delete_all": True}),
    Call("PATCH /api/v1/annotation-queues/{queue_id}/runs/{run_id}", {"added_at": "2030-01-01T00:00:00Z"}),
    Call("GET /api/v1/annotation-queues/{queue_id}/size"),
    Call("GET /api/v1/annotation-queues/{queue_id}/total_size"),
    Call("GET /api/v1/annotation-queues/{queue_id}/total_archived"),
    Call("GET /api/v1/annotation-queues/{run_id}/queues"),
    Call("POST /api/v1/annotation-queues/populate", {"queue_id": "<queue>", "session_ids": ["<project>"]}),
    Call("POST /api/v1/annotation-queues/status/{queue_run_id}", {"status": "completed"}),
    Call("POST /api/v1/platform/annotation-queues/{queue_id}/items", {"items": [{"run_id": "<run>"}]}),
    Call("GET /api/v1/platform/annotation-queues/{queue_id}/items", query={"status": "needs_my_review"}),
    Call("GET /api/v1/platform/annotation-queues/{queue_id}/items/count", query={"status": "all"}),
    Call("POST /api/v1/platform/annotation-queues/{queue_id}/items/delete", {"item_ids": ["<item>"]}),
    Call("POST /api/v1/platform/annotation-queues/items/{item_id}/status", {"status": "viewed"}),
    Call("GET /api/v1/platform/annotation-queues/{queue_id}/items/{item_id}"),
    Call("PATCH /api/v1/platform/annotation-queues/{queue_id}/items/{item_id}", {"added_at": "2030-01-01T00:00:00Z"}),
    Call("GET /api/v1/platform/annotation-queues/{queue_id}/items/{item_id}/placement"),
    Call("POST /api/v2/runs/query", {"project_ids": ["<project>"], "selects": ["INPUTS"]}),
    Call("POST /api/v2/runs/query", {"project_ids": ["<project>"], "ids": ["<run>"], "selects": ["INPUTS"]}),
    Call("GET /api/v2/runs/{run_id}", query=PROJECT),
    Call("GET /api/v2/runs/{run_id}/url", query=PROJECT | {"trace_id": "<run>"}),
    Call("POST /api/v2/runs/{run_id}/share", {"session_id": "<project>", "trace_id": "<run>"}),
    Call("DELETE /api/v2/runs/{run_id}/share", {"session_id": "<project>"}),
    Call("POST /api/v2/traces/query", PROJECT),
    Call("GET /api/v2/traces/{trace_id}/runs", query=PROJECT),
    Call("POST /api/v2/threads/query", PROJECT),
    Call("POST /api/v2/threads/stats", PROJECT | {"select": ["TRACE_COUNT"]}),
    Call("GET /api/v2/threads/{thread_id}/traces", query=PROJECT),
    Call("GET /api/v2/threads/{thread_id}/stats", query={"session_id": "<project>", "selects": "TURNS"}),
    Call("POST /api/v2/threads/{thread_id}/share", PROJECT),
    Call("GET /api/v2/threads/{thread_id}/share", query=PROJECT),
    Call("DELETE /api/v2/threads/{thread_id}/share", query=PROJECT),
    Call("GET /api/v2/sessions"),
    Call("GET /api/v2/sessions", query={"id": "<project>"}),
    Call("POST /api/v2/sessions", {"name": "new", "type": "PROJECT"}, creates=True),
    Call("GET /api/v2/sessions/{project_id}"),
    Call("PATCH /api/v2/sessions/{project_id}", {"description": "theirs"}),
]
# Their token is all the right that a caller needs; tests/threads and tests/feedback have them.
KEYLESS = {
    "GET /api/v1/public/{token}/run",
    "GET /api/v1/public/{token}/run/{run_id}",
    "POST /api/v1/public/{token}/runs/query",
    "GET /api/v2/public/{token}/run/{run_id}",
    "POST /api/v2/public/{token}/runs/query",
    "GET /api/v1/feedback/tokens/{token_id}",
    "POST /api/v1/feedback/tokens/{token_id}",
    "GET /api/v1/info",
}
# Tried at the end of this file, and in tests/runs/ingest.
SENDING = {
    "POST /api/v1/runs",
    "POST /api/v1/runs/batch",
    "POST /api/v1/runs/multipart",
    "PATCH /api/v1/runs/{run_id}",
    "POST /api/v1/otel/v1/traces",
}
every_call = pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.route} {call.body or call.query or ''}")


@dataclass(frozen=True)
class Owner:
    key: ApiKey
    names: dict[str, str]


@pytest.fixture
def owner() -> Owner:
    admin = MembershipFactory(role=Role.ADMIN)
    key = ApiKeyFactory(workspace=admin.workspace, created_by=admin.user)
    root = run(thread_id=THREAD, start=timezone.now(), inputs={"question": SECRET}, name=SECRET, project=SECRET)
    project = send(key.workspace, root)
    feedback = services.record(key.workspace, Draft(key=SECRET, run_id=uuid.UUID(root["id"]), comment=SECRET))
    configure(key.workspace, SECRET, {"type": "freeform"})
    queue = queues.create(key.workspace, None, {"name": SECRET, "instructions": SECRET})
    (item,) = add_runs(queue, [uuid.UUID(root["id"])])
    names = {"<project>": str(project.pk), "<run>": root["id"], "<feedback>": str(feedback.id)}
    return Owner(key, names | {"<queue>": str(queue.pk), "<item>": str(item.pk)})


def made(call: Call, owner: Owner, key: ApiKey | None, *, signed_in: User | None = None) -> Any:
    method, path = call.route.split(" ")
    names = owner.names
    path = path.format(
        run_id=names["<run>"],
        trace_id=names["<run>"],
        project_id=names["<project>"],
        thread_id=THREAD.replace(" ", "%20"),
        feedback_id=names["<feedback>"],
        queue_id=names["<queue>"],
        item_id=names["<item>"],
        queue_run_id=names["<item>"],
        index=0,
    )
    client = Client(headers={"x-api-key": key.secret} if key else {})
    if signed_in:
        client.force_login(signed_in)
    query = _filled(call.query, names)
    if call.body is None:
        return client.generic(method, path, query_params=query)
    text = json.dumps(_filled(call.body, names))
    return client.generic(method, path, text, content_type="application/json", query_params=query)


def _filled(value: Any, names: dict[str, str]) -> Any:
    match value:
        case dict():
            return {key: _filled(item, names) for key, item in value.items()}
        case list():
            return [_filled(item, names) for item in value]
    return names.get(value, value)


# The views that take requests without being described as routes of the API, and where their isolation is tested: what sends runs
# below, what shows pages in test_page_isolation.py, what needs a token beside what makes it.
OTHER_VIEWS = {
    "apps.runs.ingest.views",
    "apps.runs.ingest.urls",
    "apps.runs.ingest.otlp.views",
    "apps.feedback.token_views",
    "apps.runs.downloads",
    "apps.runs.offsite",
    "apps.threads.shared_views",
    "config.health",
    "config.unserved",
}
DJANGOS = re.compile(r"django\.|ninja\.|functools$|apps\.accounts\.views$")


def views(routes: list[Any], before: str = "") -> Iterator[tuple[str, str]]:
    for route in routes:
        path = before + str(route.pattern)
        if isinstance(route, URLResolver):
            yield from views(route.url_patterns, path)
        else:
            yield path, route.callback.__module__


def test_no_view_is_in_neither_list() -> None:
    """A new one has to be thought of here."""
    elsewhere = ("o/<uuid:workspace_id>", "admin/", "accounts/")
    found = {module for path, module in views(get_resolver().url_patterns) if not path.startswith(elsewhere)}
    assert {module for module in found if not DJANGOS.match(module)} == OTHER_VIEWS


def test_every_route_of_the_api_is_called_here() -> None:
    found = {
        f"{method.upper()} {mount}{path}"
        for mount, described in (("/api/v1", api), ("/api/v2", api_v2))
        for path, methods in described.get_openapi_schema(path_prefix="")["paths"].items()
        for method in methods
    }
    assert found - KEYLESS - SENDING == {call.route for call in CALLS}


@every_call
def test_the_workspace_itself_is_answered(owner: Owner, call: Call) -> None:
    expected = 404 if "resolutions" in call.route else 204 if "share" in call.route or "configs" in call.route else 202
    answer = made(call, owner, owner.key)
    assert answer.status_code in (200, expected), answer.content
    assert_described(call.route, answer)


@every_call
def test_without_a_key_every_route_is_401(owner: Owner, call: Call) -> None:
    assert made(call, owner, None).status_code == 401


@every_call
def test_a_key_that_may_only_send_is_403_on_every_route(owner: Owner, call: Call) -> None:
    key = ApiKeyFactory(workspace=owner.key.workspace, scope=Scope.INGEST)
    assert made(call, owner, key).status_code == (200 if call.gives else 403)


@every_call
def test_another_workspace_is_404_or_empty(owner: Owner, call: Call) -> None:
    answer = made(call, owner, ApiKeyFactory())
    if call.creates:
        assert answer.status_code == 200
        assert answer.json()["tenant_id"] != str(owner.key.workspace_id)
        return
    assert answer.status_code in (200, 404), answer.content
    if answer.status_code == 200:
        for theirs in (*owner.names.values(), SECRET, THREAD):
            assert theirs not in answer.content.decode()
        assert not COUNTS.search(answer.content)


@pytest.mark.parametrize("scope", Scope.values)
def test_another_workspace_changes_nothing(owner: Owner, scope: str) -> None:
    kept = [Call("GET /api/v1/sessions/{project_id}"), Call("GET /api/v1/runs/{run_id}")]
    before = [made(call, owner, owner.key).json() for call in kept]
    stranger = ApiKeyFactory(scope=scope)
    for call in CALLS:
        made(call, owner, stranger)
    assert [made(call, owner, owner.key).json() for call in kept] == before


def test_a_key_of_another_workspace_that_may_only_send_is_403(owner: Owner) -> None:
    stranger = ApiKeyFactory(scope=Scope.INGEST)
    reading = [call for call in CALLS if not call.gives]
    assert {made(call, owner, stranger).status_code for call in reading} == {403}


@pytest.mark.parametrize("role", Role.values)
def test_signing_in_opens_no_route(owner: Owner, role: str) -> None:
    """The API knows keys alone, so a page of another site cannot use a visitor's session."""
    member = MembershipFactory(workspace=owner.key.workspace, role=role).user
    assert {made(call, owner, None, signed_in=member).status_code for call in CALLS} == {401}


def sent(key: ApiKey, method: str, path: str, body: dict[str, Any]) -> Any:
    client = Client(headers={"x-api-key": key.secret})
    return client.generic(method, path, json.dumps(body), content_type="application/json")


def posted(key: ApiKey, path: str, body: bytes, content_type: str) -> None:
    assert Client(headers={"x-api-key": key.secret}).generic("POST", path, body, content_type).status_code < 500


def spans(told: dict[str, str]) -> bytes:
    attributes = [{"key": name, "value": {"stringValue": value}} for name, value in told.items()]
    span = {"traceId": "1" * 32, "spanId": "2" * 16, "name": "taken over", "attributes": attributes}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.mark.parametrize("scope", Scope.values)
def test_runs_sent_under_their_ids_leave_theirs_alone(owner: Owner, scope: str) -> None:
    stranger = ApiKeyFactory(scope=scope)
    before = made(Call("GET /api/v1/runs/{run_id}"), owner, owner.key).json()
    ids = {"id": owner.names["<run>"], "trace_id": owner.names["<run>"], "dotted_order": before["dotted_order"]}
    taken = {**ids, "name": "taken over", "run_type": "chain", "start_time": before["start_time"], "outputs": {"x": 1}}
    sent(stranger, "POST", "/api/v1/runs", taken)
    sent(stranger, "PATCH", f"/api/v1/runs/{ids['id']}", {"name": "taken over", "outputs": {"x": 1}})
    sent(stranger, "POST", "/api/v1/runs/batch", {"post": [taken], "patch": [taken]})
    feedback = {"id": str(uuid.uuid4()), "run_id": ids["id"], "trace_id": ids["id"], "key": "theirs", "score": 1}
    parts = [part(f"feedback.{feedback['id']}", feedback), part(f"attachment.{ids['id']}.note", b"mine")]
    body = closed([*parts_of([taken], [taken]), *parts])
    posted(stranger, "/api/v1/runs/multipart", body, f"multipart/form-data; boundary={BOUNDARY}")
    told = {"langsmith.span.id": ids["id"], "langsmith.trace.id": ids["id"], "langsmith.trace.name": "taken over"}
    posted(stranger, "/v1/traces", spans(told), "application/json")
    assert made(Call("GET /api/v1/runs/{run_id}"), owner, owner.key).json() == before


@pytest.mark.parametrize("scope", Scope.values)
def test_runs_cannot_be_sent_into_their_project(owner: Owner, scope: str) -> None:
    body = {"name": "mine", "run_type": "chain", "inputs": {}, "session_id": owner.names["<project>"]}
    assert sent(ApiKeyFactory(scope=scope), "POST", "/api/v1/runs", body).status_code in (404, 422)
    stats = made(Call("POST /api/v1/runs/stats", {"session": ["<project>"]}), owner, owner.key)
    assert stats.json()["run_count"] == 1
