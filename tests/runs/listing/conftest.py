import pytest
from django.test import Client

from apps.accounts.models import Membership, Role, Workspace
from apps.projects.models import Project
from tests.factories import MembershipFactory
from tests.threads.wire import run, send


@pytest.fixture
def editor(workspace: Workspace) -> Client:
    """A client of dora's, an editor."""
    dora: Membership = MembershipFactory.create(user__email="dora@example.org", workspace=workspace, role=Role.EDITOR)
    client = Client()
    client.force_login(dora.user)
    return client


@pytest.fixture
def project(workspace: Workspace) -> Project:
    """Three threads of one turn each; the plans of their users are free, free and team, and the last one failed."""
    made = [
        run(
            "chat",
            thread_id=f"t{n}",
            metadata={"plan": plan, "user": {"id": n}},
            tags=["prod"],
            error="boom" if n == 2 else None,
        )
        for n, plan in enumerate(["free", "free", "team"])
    ]
    return send(workspace, *made, run("search", parent=made[0], run_type="tool"))
