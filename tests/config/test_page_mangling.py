"""Every page and every route of the API with what no page and no client has made: it is told or passed over, and nothing breaks."""

from typing import Any, Final
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import get_resolver

from apps.accounts.models import Role, Workspace
from apps.feedback.queues.models import AnnotationQueue
from tests.config.test_page_isolation import ROUTES, filled, patterns
from tests.factories import ApiKeyFactory, MembershipFactory
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db
NAMES: Final = (
    "filter", "trace_filter", "tree_filter", "thread_filter", "q", "since", "from", "to", "sort", "cols", "show", "saved",
    "cursor", "after", "view", "turn", "size", "order", "list", "find", "in", "hit", "path", "load", "as", "runs", "only", "bars",
    "part", "at", "run", "thread", "trace", "key", "format", "hide", "call", "with", "a", "b", "level", "on", "mode", "field",
    "text", "name", "every", "col", "undo", "image", "n", "query", "choice", "section", "of", "status",
)  # fmt: skip
FILTERS: Final = NAMES.index("sort")
LISTS: Final = ("/threads", "/runs", "/aside", "/histogram", "/newer", "/place")
FIELDS: Final = (
    "do", "tag", "comment", "score", "value", "label", "description", "role", "email", "timezone", "rubric", "instructions", "kind",
    "scope", "all", "note", "correction", "title", "pinned", "shared", "default", "columns", "type", "reviews_needed", "reserved_minutes",
)  # fmt: skip
API: Final = sorted({path for path in patterns(get_resolver().url_patterns) if path.startswith(("api/v1", "api/v2"))})
BODIES: Final = {
    "deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep list": b"[" * 100_000,
    "not UTF-8": b'{"name": "\xff\xfe"}',
    "NUL": rb'{"name": "\u0000", "id": "\u0000", "run_id": "\u0000", "key": "\u0000", "filter": "\u0000", "limit": -1}',
    "list": b"[{}, null, 1e999]",
}
VALUES: Final = {
    "nothing": "",
    "NUL": "%00",
    "not UTF-8": "%FF%FE",
    "minus": "-1",
    "huge": "9" * 30,
    "other digits": quote("١٢"),
    "end of time": "9999-12-31T23:59:59.999999-23:59",
    "beginning of time": "0001-01-01T00:00:00%2B23:59",
    "long age": "99999w",
    "unclosed": quote('and(eq(name, "'),
    "percent": quote("%s %(x)s %%"),
    "markup": quote("<script>alert(1)</script>"),
    "line breaks": "%0d%0aSet-Cookie:%20a=b",
    "emoji": quote("\U0001f600" * 500),
    "long": "a" * 20_000,
    "JSON": quote('{"a": [null, 1e999]}'),
    "steps": quote('inputs."a[0].b[99999999]'),
    "metadata": quote("metadata.a'b\"c%,feedback.x\x00,-metadata."),
}


@pytest.fixture
def walked(settings: Any) -> tuple[Client, Workspace, dict[str, str]]:
    """An admin's browser, and what stands for each name in a path."""
    workspace = ApiKeyFactory().workspace
    root = run(thread_id="a thread", outputs={"messages": [{"role": "assistant", "content": "hi"}]})
    call = run("model", parent=root, run_type="llm", inputs={"messages": [{"role": "user", "content": "hi"}]})
    project = send(workspace, root, call)
    queue = AnnotationQueue.objects.create(workspace=workspace, name="queue")
    client = Client(raise_request_exception=False)
    client.force_login(MembershipFactory.create(workspace=workspace, role=Role.ADMIN).user)
    return client, workspace, {
        "workspace_id": str(workspace.pk), "project_id": str(project.pk), "run_id": root["id"], "trace_id": root["id"],
        "thread_id": "a%20thread", "queue_id": str(queue.pk), "kind": "threads", "field": "inputs",
    }  # fmt: skip


@pytest.mark.parametrize("value", VALUES)
def test_no_page_breaks_by_its_parameters(walked: Any, value: str) -> None:
    client, _, names = walked
    query = "&".join(f"{name}={VALUES[value]}" for name in NAMES)
    told = [(route, client.get(f"{filled(route, names)}?{query}").status_code) for route in ROUTES]
    assert [(route, status) for route, status in told if status >= 500] == []
    assert any(status == 200 for _, status in told)


@pytest.mark.parametrize("value", VALUES)
def test_no_list_breaks_by_what_is_no_filter(walked: Any, value: str) -> None:
    """A filter that cannot be read shows no rows at all, so that nothing else is asked."""
    client, _, names = walked
    query = "&".join(f"{name}={VALUES[value]}" for name in NAMES[FILTERS:])
    lists = [route for route in ROUTES if route.endswith(LISTS)]
    told = [(route, client.get(f"{filled(route, names)}?{query}").status_code) for route in lists]
    assert len(told) >= len(LISTS)
    assert [(route, status) for route, status in told if status >= 500] == []


@pytest.mark.parametrize("value", ["NUL", "long"])
def test_no_form_breaks_by_its_fields(walked: Any, value: str) -> None:
    client, _, names = walked
    form = "&".join(f"{name}={VALUES[value]}" for name in (*NAMES, *FIELDS))
    told = [
        (route, client.post(filled(route, names), form, "application/x-www-form-urlencoded").status_code)
        for route in ROUTES
        if "delete" not in route
    ]
    assert [(route, status) for route, status in told if status >= 500] == []


@pytest.mark.parametrize("body", BODIES)
def test_no_route_of_the_api_breaks_by_its_body(walked: Any, body: str) -> None:
    client, workspace, names = walked
    key = {"x-api-key": ApiKeyFactory(workspace=workspace, scope="full").secret}
    told = [
        (
            method,
            route,
            client.generic(method, filled(route, names), BODIES[body], "application/json", headers=key).status_code,
        )
        for route in API
        for method in ("POST", "PATCH")
    ]
    assert len(told) > 100
    assert [each for each in told if each[2] >= 500] == []
