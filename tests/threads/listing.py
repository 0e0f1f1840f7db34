"""What the tests of the Threads tab ask of its pages."""

import re
from datetime import timedelta
from html import unescape

from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.projects.models import Project
from tests.factories import EPOCH
from tests.threads.wire import Json, run, send


def url(project: Project, name: str = "list") -> str:
    return reverse(f"threads:{name}", args=[project.workspace_id, project.pk])


def page(client: Client, project: Project, name: str = "list", **query: str) -> str:
    return client.get(url(project, name), query).content.decode()


def ids(html: str) -> list[str]:
    return [unescape(found) for found in re.findall(r'class="row-link mono"[^>]* title="([^"]*)"', html)]


def listed(client: Client, project: Project, **query: str) -> list[str]:
    return ids(page(client, project, **query))


def heads(html: str) -> list[str]:
    """The labels of the columns."""
    return [
        unescape(label)
        for label in re.findall(r"<bdi>([^<]*)</bdi>", html[html.index("<thead>") : html.index("</thead>")])
    ]


def chat(thread_id: str, *runs: dict[str, Json], minutes: float = 0, **fields: Json) -> list[dict[str, Json]]:
    """A thread of one turn, of which the runs given are children."""
    root = run(thread_id=thread_id, start=EPOCH + timedelta(minutes=minutes), **fields)
    return [root, *({**run(parent=root, start=EPOCH + timedelta(minutes=minutes)), **child} for child in runs)]


def llm(model: str = "gpt-4o", tokens: int = 30, cost: str | None = None, **fields: Json) -> dict[str, Json]:
    """What makes a child a model call; a cost is the one that the client tells."""
    usage: dict[str, Json] = {"input_tokens": tokens - 10, "output_tokens": 10, "total_tokens": tokens}
    if cost is not None:
        usage |= {"input_cost": float(cost), "output_cost": 0.0, "total_cost": float(cost)}
    return {
        "run_type": "llm",
        "name": "ChatOpenAI",
        "extra": {"metadata": {"ls_model_name": model, "usage_metadata": usage}},
        **fields,
    }


def filled(workspace: Workspace, count: int) -> Project:
    """Threads t000, t001, …, each active a minute after the one before."""
    found = None
    for number in range(count):
        found = send(workspace, *chat(f"t{number:03}", minutes=number))
    assert found is not None
    return found
