"""Makes the database fit for use: its version, its schema, and on the first start a workspace, an admin and a key."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import psycopg
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.validators import validate_email
from django.db import connection, transaction

from apps.accounts.models import ApiKey, Membership, Role, User, Workspace
from apps.projects.models import DEFAULT_PROJECT, Project
from apps.runs import price_list
from config import schema
from config.up.home import Home, Problem, write_private

OLDEST = 180000
CONNECT_SECONDS = 5
# Any number will do, as long as every `up` takes the same one.
ADVISORY_LOCK = 0x7468726561646C


class Report(Protocol):
    def begin(self, step: str) -> None: ...
    def done(self) -> None: ...
    def first(self, email: str, password: str, key: str) -> None: ...


def prepare(report: Report, *, demo: bool) -> bool:
    """Whether there was anything to do. Raises Problem.

    Two `up`s that share one external database prepare it one after the other.
    """
    check_server()
    with _alone():
        changed = migrate(report) | load_prices(report)
        create_first(report)
    if demo:
        load_demo(report)
    return changed or demo


def check_server() -> None:
    """Reachable, and new enough for what the schema uses."""
    parameters = connection.get_connection_params()
    for name in ("pool", "cursor_factory", "context"):
        parameters.pop(name, None)
    try:
        with psycopg.connect(**parameters, connect_timeout=CONNECT_SECONDS) as server:
            version = server.info.server_version
    except psycopg.Error as error:
        raise Problem(f"Cannot reach the database: {' '.join(str(error).split())}") from None
    if version < OLDEST:
        raise Problem(f"The database is PostgreSQL {version // 10000}; Threadline needs {OLDEST // 10000} or later.")


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])


def migrate(report: Report) -> bool:
    found = schema.applied()
    if newer := schema.unknown(found):
        raise Problem(f"The database was made by a newer Threadline ({newer[0]}): update this one.")
    if schema.expected() <= found:
        return False
    report.begin("Database schema")
    call_command("migrate", verbosity=0, interactive=False)
    report.done()
    return True


def load_prices(report: Report) -> bool:
    if price_list.loaded():
        return False
    report.begin("Prices of models")
    price_list.load()
    report.done()
    return True


def create_first(report: Report) -> None:
    if Workspace.objects.exists():
        return
    report.begin("First workspace, admin and API key")
    email, password, key = (
        _wanted("THREADLINE_ADMIN_EMAIL") or "admin@threadline.local",
        _wanted("THREADLINE_ADMIN_PASSWORD"),
        _wanted("THREADLINE_API_KEY"),
    )
    _check(email, key)
    generated = "" if password else secrets.token_urlsafe(12)
    with transaction.atomic():
        workspace = Workspace.objects.create(name="Default")
        admin = User.objects.create_superuser(email, password or generated)
        Membership.objects.create(user=admin, workspace=workspace, role=Role.ADMIN)
        _, key = ApiKey.objects.issue(workspace, "First key", secret=key, created_by=admin)
        Project.objects.create(workspace=workspace, name=DEFAULT_PROJECT)
        # Before the commit: a key that is in the database but nowhere else would be lost.
        _keep(email, generated, key)
    report.done()
    report.first(email, generated, key)


def _wanted(name: str) -> str:
    return os.environ.get(name, "").strip()


def _check(email: str, key: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise Problem(f"THREADLINE_ADMIN_EMAIL={email!r} is not an e-mail address.") from None
    if any(character in key for character in " ,\t") or not key.isascii():
        raise Problem("THREADLINE_API_KEY must be ASCII without spaces and commas.")


def _keep(email: str, generated_password: str, key: str) -> None:
    password = f"password={generated_password}\n" if generated_password else ""
    write_private(Home(settings.HOME).credentials, f"email={email}\n{password}api_key={key}\n")


def load_demo(report: Report) -> None:
    from apps.runs import demo

    report.begin("Sample conversations")
    demo.load(Workspace.objects.earliest("created_at"))
    report.done()
