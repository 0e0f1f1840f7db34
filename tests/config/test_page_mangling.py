"""Every page with parameters that no page has made: whatever they hold, it is told or passed over, and nothing breaks."""

import uuid
from typing import Any, Final
from urllib.parse import quote

import pytest
from django.test import Client

from apps.accounts.models import Role, Workspace
from apps.feedback.queues.models import AnnotationQueue
from tests.config.test_page_isolation import ROUTES, filled
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
VALUES: Final = {
    "nothing": "",
    "NUL": "%00",
    "lone surrogate": "%ED%A0%80",
    "not UTF-8": "%FF%FE",
    "minus": "-1",
    "huge": "9" * 30,
    "superscript": quote("²"),
    "other digits": quote("١٢"),
    "not a number": "NaN",
    "infinite": "1e999",
    "end of time": "9999-12-31T23:59:59.999999-23:59",
    "beginning of time": "0001-01-01T00:00:00%2B23:59",
    "no date": "2026-02-30",
    "long age": "99999w",
    "unclosed": quote('and(eq(name, "'),
    "brackets": "(" * 3_000,
    "SQL": quote("' OR 1=1; --"),
    "percent": quote("%s %(x)s %%"),
    "markup": quote("<script>alert(1)</script>"),
    "line breaks": "%0d%0aSet-Cookie:%20a=b",
    "turned": quote("\u202e\u2066\u200b"),
    "emoji": quote("\U0001f600" * 500),
    "long": "a" * 20_000,
    "path": "..%2F..%2Fetc%2Fpasswd",
    "uuid": str(uuid.UUID(int=7)),
    "JSON": quote('{"a": [null, 1e999]}'),
    "commas": "," * 500,
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
