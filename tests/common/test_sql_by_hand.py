import pytest
from django.core.exceptions import FieldFetchBlocked

from apps.accounts.models import Workspace
from apps.common.sql import Statement, columns_of
from apps.projects.models import Project
from tests.factories import WorkspaceFactory

pytestmark = pytest.mark.django_db
SQL = "SELECT extra, name, id FROM projects_project WHERE workspace_id = %s ORDER BY name"
NAMED = Statement(Project, ("extra", "name", "id"), SQL)


@pytest.fixture
def workspace() -> Workspace:
    workspace = WorkspaceFactory()
    for name in ("b", "a"):
        Project.objects.create(workspace=workspace, name=name, extra={"of": name})
    return workspace


def test_rows_are_those_of_the_orm(workspace: Workspace) -> None:
    every = Statement(Project, columns_of(Project), f"SELECT {', '.join(columns_of(Project))} FROM projects_project")
    found = {each.pk: each for each in every.rows()}
    for project in Project.objects.all():
        assert [getattr(found[project.pk], name) for name in columns_of(Project)] == [
            getattr(project, name) for name in columns_of(Project)
        ]


def test_columns_may_come_in_any_order_and_json_is_read(workspace: Workspace) -> None:
    assert [(each.name, each.extra) for each in NAMED.rows(workspace.pk)] == [("a", {"of": "a"}), ("b", {"of": "b"})]


def test_what_was_not_selected_is_not_fetched_one_by_one(workspace: Workspace) -> None:
    first = NAMED.first(workspace.pk)
    assert first is not None
    with pytest.raises(FieldFetchBlocked):
        _ = first.description


def test_there_may_be_none() -> None:
    assert NAMED.first("00000000-0000-0000-0000-000000000000") is None
