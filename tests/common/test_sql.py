import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.models import FETCH_RAISE
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Membership, User, Workspace
from apps.common.sql import Written, parted, prepared
from apps.projects.models import Project

pytestmark = pytest.mark.django_db

NAMED = Written(
    lambda workspace, name: (
        Project.objects.in_workspace(Workspace(workspace)).filter(name=name).fetch_mode(FETCH_RAISE)
    ),
    uuid.uuid4(),
    "name",
)


def test_it_finds_what_the_query_of_the_same_values_finds(workspace: Workspace) -> None:
    extra = {"metadata": {"quote": "it's 100 %"}}
    made = Project.objects.create(
        workspace=workspace, name="it's 100 %", extra=extra, start_time=datetime(2026, 3, 1, tzinfo=UTC)
    )
    Project.objects.create(workspace=workspace, name="other")
    [found] = NAMED(workspace.pk, "it's 100 %")
    stored = Project.objects.get(pk=made.pk)
    assert vars(found).keys() == vars(stored).keys()
    assert all(
        getattr(found, field.attname) == getattr(stored, field.attname) for field in Project._meta.concrete_fields
    )
    assert found.extra == extra
    assert not found._state.adding


def test_each_value_finds_its_place_whatever_the_order_of_the_sql(workspace: Workspace) -> None:
    swapped = Written(
        lambda name, workspace: Project.objects.filter(workspace=workspace, name=name), "name", uuid.uuid4()
    )
    Project.objects.create(workspace=workspace, name="p")
    assert [found.name for found in swapped("p", workspace.pk)] == ["p"]
    assert swapped("p", uuid.uuid4()) == []


def test_it_keeps_the_fetch_mode(workspace: Workspace) -> None:
    Project.objects.create(workspace=workspace, name="p")
    assert NAMED(workspace.pk, "p")[0]._state.fetch_mode is FETCH_RAISE


def test_a_row_of_several_models_is_parted(bob: User) -> None:
    query = Written(lambda user: Membership.objects.of(User(pk=user)), 0)
    [row] = query.rows(bob.pk)
    membership, workspace = parted(row, Membership, Workspace)
    assert membership == Membership.objects.get(user=bob)
    assert workspace == membership.workspace


def test_what_is_prepared_is_counted_as_other_queries_are(workspace: Workspace) -> None:
    """Else the tests that count a page's queries would not see them."""
    with CaptureQueriesContext(connection) as captured:
        assert prepared("SELECT %s::text || %s", ["100 %", "'"]) == [("100 %'",)]
    assert len(captured) == 1
