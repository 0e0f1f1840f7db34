"""A workspace in which everything that people and programs can write is hostile."""

import json
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any, Final

from tests.browser import hostile
from tests.browser.hostile import KINDS, PROJECT, RUN, Kind
from tests.runs.ingest.wire import BOUNDARY, closed, multipart
from tests.server import LiveServer

EMAIL: Final = "mallory@example.org"
NAMES: Final = [
    f'<b class=pwned onmouseover="{RUN}">workspace</b>{{{{ 7|add:7 }}}}',
    f'"><script class=pwned>{RUN}</script>',
    "=cmd|'/c calc'!A1 \u202egnp.exe\u200b",
    "W" * 60,
]
# What the API has no route for, by the services that the pages call.
PREPARE: Final = """
import json
from urllib.parse import urlencode
from apps.accounts import services
from apps.accounts.models import Membership, User, Workspace
from apps.feedback import configs
from apps.projects.models import Project
from apps.runs.listing.saved import SavedFilter
given = json.loads(GIVEN)
names = given["names"]
user = User.objects.create_superuser(given["email"], "correct horse battery", name=names[0])
workspace = Workspace.objects.create(name=names[0])
Membership.objects.create(user=user, workspace=workspace, role="admin")
services.invite(workspace, user, "\\"<script>window.__pwned=1</script>\\"@example.org", "viewer")
for name in names:
    services.issue_key(workspace, user, name, "ingest")
    services.rename_workspace(workspace, user, name)
services.rename_workspace(workspace, user, names[0])
project = Project.objects.create(workspace=workspace, name=given["project"])
for at, text in enumerate(given["texts"]):
    for kind in ("threads", "runs"):
        query = urlencode({"filter": f"eq(name, {json.dumps(text)})", "q": text})
        SavedFilter.objects.create(
            project=project, owner=user, kind=kind, name=text[:60], description=text[:300], query=query, shared=at % 2 == 0
        )
labels = [{"value": at, "label": name} for at, name in enumerate(names)]
for name, shape in zip(names, ("boolean", "continuous", "categorical", "freeform")):
    configs.configure(workspace, name, {"type": shape, **({"categories": labels} if shape == "categorical" else {})})
_, key = services.issue_key(workspace, user, "key", "full")
print(json.dumps([str(workspace.pk), str(project.pk), key]))
"""


@dataclass(frozen=True)
class Api:
    origin: str
    key: str

    def call(self, path: str, body: Any = None, method: str = "POST") -> Any:
        return self.send(path, json.dumps(body).encode(), "application/json", method)

    def send(self, path: str, body: bytes, content_type: str, method: str = "POST") -> Any:
        headers = {"x-api-key": self.key, "content-type": content_type}
        request = urllib.request.Request(self.origin + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read() or b"null")


@dataclass(frozen=True)
class Attacked:
    api: Api
    workspace_id: str
    project_id: str
    queue_id: str
    items: dict[str, str]
    """Of the queue, by kind."""
    tokens: dict[str, str]
    """Of the shared links, by kind."""

    @property
    def home(self) -> str:
        return f"/o/{self.workspace_id}"

    @property
    def project(self) -> str:
        return f"{self.home}/projects/p/{self.project_id}"


def attack(live: LiveServer) -> Attacked:
    workspace_id, project_id, key = prepared(live)
    api = Api(live.origin, key)
    for number, kind in enumerate(KINDS):
        send(api, kind, number)
        judge(api, kind, project_id)
    for batch in hostile.giants():
        deliver(api, batch)
    queue = {"name": NAMES[0], "description": NAMES[1] * 3, "rubric_instructions": " ".join(NAMES) + KINDS[2].texts[0]}
    rubric = [{"feedback_key": name, "description": name * 2, "is_required": False} for name in NAMES]
    queue_id = api.call("/api/v1/annotation-queues", queue | {"rubric_items": rubric})["id"]
    items = {kind.name: queued(api, queue_id, project_id, kind) for kind in KINDS}
    tokens = {kind.name: shared(api, project_id, kind) for kind in KINDS}
    return Attacked(api, workspace_id, project_id, queue_id, items, tokens)


def prepared(live: LiveServer) -> list[str]:
    texts = [*(kind.texts[0].replace("\x00", "") for kind in KINDS), "\u202e" + "w" * 59]
    given = {"email": EMAIL, "names": NAMES, "project": PROJECT, "texts": texts}
    code = PREPARE.replace("GIVEN", repr(json.dumps(given)))
    return list(json.loads(live.shell(code).splitlines()[-1]))


def send(api: Api, kind: Kind, number: int) -> None:
    """With its attachments, as the SDKs do."""
    body = multipart(hostile.runs_of(kind, number)).removesuffix(f"--{BOUNDARY}--\r\n".encode())
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="attachment.{kind.root_id}.{name}"\r\n'.encode()
        + f"Content-Type: {content_type}\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content_type, content in hostile.attachments_of(kind)
    ]
    api.send("/api/v1/runs/multipart", closed([body, *parts]), f"multipart/form-data; boundary={BOUNDARY}")


def deliver(api: Api, runs: Iterable[dict[str, Any]]) -> None:
    api.call("/api/v1/runs/batch", {"post": list(runs)})


def judge(api: Api, kind: Kind, project_id: str) -> None:
    """Verdicts on two runs, which a program, a model and a forged person gave, and on the thread."""
    texts = cycle(text.replace("\x00", "") for text in kind.texts)
    text = texts.__next__
    about = [
        {"run_id": kind.root_id},
        {"run_id": kind.run_id("llm")},
        {"thread_id": thread_of(kind), "session_id": project_id},
    ]
    for place, key in zip(about, islice(cycle(NAMES), 3), strict=True):
        source = {"type": "model", "metadata": {"judge": text()}, "user_name": text()}
        verdict = {"score": 0.5, "value": text()[:200], "comment": text(), "correction": {text(): text()}}
        api.call("/api/v1/feedback", place | verdict | {"key": text().strip()[:100] or key, "feedback_source": source})
        api.call("/api/v1/feedback", place | {"key": key, "comment": text(), "correction": text(), "score": 1})


def thread_of(kind: Kind) -> str:
    """The id as it is stored."""
    return kind.thread_id.replace("\x00", "\ufffd")


def queued(api: Api, queue_id: str, project_id: str, kind: Kind) -> str:
    item = {"thread_id": thread_of(kind), "project_id": project_id}
    path = f"/api/v1/platform/annotation-queues/{queue_id}/items"
    return str(api.call(path, {"items": [item, {"run_id": kind.root_id}]})["items"][-1]["id"])


def shared(api: Api, project_id: str, kind: Kind) -> str:
    return str(api.call(f"/api/v1/runs/{kind.root_id}/share", {}, "PUT")["share_token"])
