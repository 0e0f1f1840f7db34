import uuid
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Membership, Role, User, Workspace
from apps.feedback.queues import services
from apps.feedback.queues.adding import add_runs, add_threads
from apps.feedback.queues.models import AnnotationQueue, QueueItem
from apps.projects.models import Project
from tests.api import Caller
from tests.factories import ApiKeyFactory, member
from tests.threads.wire import run, send, turns


@pytest.fixture
def api(workspace: Workspace, alice: User) -> Caller:
    return Caller(ApiKeyFactory(workspace=workspace, created_by=alice))


@pytest.fixture
def other_api(charlie: User) -> Caller:
    membership = Membership.objects.get(user=charlie)
    return Caller(ApiKeyFactory(workspace=membership.workspace, created_by=charlie))


@pytest.fixture
def anna(workspace: Workspace) -> User:
    return member("anna", workspace, Role.ANNOTATOR)


@pytest.fixture
def ben(workspace: Workspace) -> User:
    return member("ben", workspace, Role.ANNOTATOR)


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return send(workspace, *turns("chat-1", 2), *turns("chat-2", 1), run("alone"))


def make_queue(workspace: Workspace, **values: Any) -> AnnotationQueue:
    return services.create(workspace, None, {"name": "To review"} | values)


@pytest.fixture
def queue(workspace: Workspace) -> AnnotationQueue:
    return make_queue(workspace)


def fill(queue: AnnotationQueue, number: int, name: str = "case") -> list[QueueItem]:
    """That many runs more in the queue, in the order in which they were sent."""
    sent = [run(f"{name} {place}") for place in range(number)]
    send(queue.workspace, *sent)
    return add_runs(queue, [uuid.UUID(each["id"]) for each in sent])


def fill_with_threads(queue: AnnotationQueue, project: Project, *names: str) -> list[QueueItem]:
    return add_threads(queue, [(project, name) for name in names])


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
