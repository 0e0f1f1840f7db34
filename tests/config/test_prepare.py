from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from apps.accounts.models import ApiKey, Membership, Role, Scope, User, Workspace
from apps.projects.models import Project
from config.up import prepare
from config.up.home import Problem


class Report:
    def __init__(self) -> None:
        self.given: list[tuple[str, str, str]] = []

    def begin(self, step: str) -> None: ...

    def done(self) -> None: ...

    def first(self, email: str, password: str, key: str) -> None:
        self.given.append((email, password, key))


@pytest.fixture
def report(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Report:
    settings.HOME = tmp_path
    for name in ("EMAIL", "PASSWORD"):
        monkeypatch.delenv(f"THREADLINE_ADMIN_{name}", raising=False)
    monkeypatch.delenv("THREADLINE_API_KEY", raising=False)
    return Report()


def too_old(*args: Any, **kwargs: Any) -> Any:
    class Session:
        info = SimpleNamespace(server_version=170006)

        def __enter__(self) -> "Session":
            return self

        def __exit__(self, *args: object) -> None: ...

    return Session()


def test_database_before_18_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psycopg, "connect", too_old)
    with pytest.raises(Problem, match="The database is PostgreSQL 17; Threadline needs 18 or later"):
        prepare.check_server()


@pytest.mark.django_db
def test_schema_of_a_newer_threadline_is_refused(report: Report) -> None:
    MigrationRecorder(connection).record_applied("accounts", "9999_from_the_future")
    with pytest.raises(Problem, match=r"newer Threadline \(accounts.9999_from_the_future\)"):
        prepare.migrate(report)


@pytest.mark.django_db
def test_first_start_makes_workspace_admin_key_and_default_project(report: Report) -> None:
    prepare.create_first(report)
    workspace = Workspace.objects.get()
    membership, key = Membership.objects.get(), ApiKey.objects.get()
    assert (workspace.name, membership.workspace, membership.role) == ("Default", workspace, Role.ADMIN)
    assert (membership.user.is_superuser, membership.user.is_staff) == (True, True)
    assert (key.workspace, key.scope) == (workspace, Scope.FULL)
    assert Project.objects.get().name == "default"


@pytest.mark.django_db
def test_generated_secrets_are_kept_and_work(report: Report, tmp_path: Path) -> None:
    prepare.create_first(report)
    ((email, password, key),) = report.given
    assert (tmp_path / "credentials").read_text() == f"email={email}\npassword={password}\napi_key={key}\n"
    assert User.objects.get(email=email).check_password(password)


@pytest.mark.django_db
def test_wishes_of_the_environment_are_taken(report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADLINE_ADMIN_EMAIL", "ada@example.com")
    monkeypatch.setenv("THREADLINE_ADMIN_PASSWORD", "difference engine")
    monkeypatch.setenv("THREADLINE_API_KEY", "tl_wished")
    prepare.create_first(report)
    assert User.objects.get(email="ada@example.com").check_password("difference engine")
    assert ApiKey.objects.get().hint == "tl_wish"
    assert "difference engine" not in (tmp_path / "credentials").read_text()


@pytest.mark.django_db
def test_later_starts_make_nothing(report: Report) -> None:
    prepare.create_first(report)
    prepare.create_first(report)
    assert (Workspace.objects.count(), len(report.given)) == (1, 1)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "value"), [("THREADLINE_ADMIN_EMAIL", "nobody"), ("THREADLINE_API_KEY", "two words")])
def test_wish_that_cannot_work_is_refused(
    report: Report, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(Problem, match=name):
        prepare.create_first(report)
