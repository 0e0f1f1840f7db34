"""Every page below a workspace, asked for with the ids of that workspace by members of another: 404, whatever their role."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from apps.accounts.models import Role, Workspace
from tests.factories import ApiKeyFactory, MembershipFactory
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db


def patterns(routes: list[Any], before: str = "") -> Iterator[str]:
    for route in routes:
        path = before + str(route.pattern)
        if isinstance(route, URLResolver):
            yield from patterns(route.url_patterns, path)
        elif isinstance(route, URLPattern):
            yield path


ROUTES = sorted({path for path in patterns(get_resolver().url_patterns) if path.startswith("o/<uuid:workspace_id>")})


@pytest.fixture
def theirs() -> tuple[Workspace, dict[str, str]]:
    """A workspace with something in it, and what stands for each name in a path."""
    key = ApiKeyFactory()
    root = run(thread_id="their thread")
    project = send(key.workspace, root)
    return key.workspace, {
        "workspace_id": str(key.workspace_id),
        "project_id": str(project.pk),
        "run_id": root["id"],
        "trace_id": root["id"],
        "thread_id": "their%20thread",
        "key_id": str(key.pk),
        "kind": "threads",
    }


def filled(route: str, names: dict[str, str]) -> str:
    """Whatever has no value of its own gets one that its converter takes."""
    steps = []
    for piece in route.split("<"):
        inner, closed, rest = piece.partition(">")
        if not closed:
            steps.append(piece)
            continue
        kind, _, name = inner.rpartition(":")
        fallback = {"uuid": str(uuid.UUID(int=1)), "int": "1"}.get(kind, "inputs")
        steps.append(names.get(name, fallback) + rest)
    return "/" + "".join(steps).removesuffix("$")


def test_the_pages_are_found() -> None:
    assert len(ROUTES) > 15


@pytest.mark.parametrize("role", Role.values)
def test_a_member_of_another_workspace_gets_404(theirs: Any, role: str) -> None:
    client = Client()
    client.force_login(MembershipFactory.create(role=role).user)
    wrong = [
        (method, route, answer.status_code)
        for route in ROUTES
        for method in ("GET", "POST")
        if (answer := client.generic(method, filled(route, theirs[1]))).status_code not in (404, 405)
    ]
    assert wrong == []


def test_without_signing_in_every_page_leads_to_the_sign_in(theirs: Any) -> None:
    wrong = [
        (route, answer.status_code)
        for route in ROUTES
        if (answer := Client().get(filled(route, theirs[1]))).status_code not in (302, 405)
        or (answer.status_code == 302 and "/accounts/login/" not in answer.url)
    ]
    assert wrong == []


@pytest.mark.parametrize("role", Role.values)
def test_a_member_of_both_cannot_mix_their_ids(theirs: Any, role: str) -> None:
    """The ids of one workspace below the path of the other, for those that name more than the workspace."""
    client = Client()
    mine = MembershipFactory.create(role=role)
    MembershipFactory.create(user=mine.user, workspace=theirs[0], role=role)
    client.force_login(mine.user)
    names = theirs[1] | {"workspace_id": str(mine.workspace_id)}
    wrong = [
        (route, answer.status_code)
        for route in ROUTES
        if "<uuid:project_id>" in route
        and (answer := client.get(filled(route, names))).status_code not in (403, 404, 405)
    ]
    assert wrong == []
