"""How many threads or runs a list holds: exactly, or up to a bound, or not at all when that would take long."""

from dataclasses import dataclass
from typing import Any, Final

from django.db import OperationalError, connection, transaction
from django.utils.module_loading import import_string

from apps.projects.models import Project
from apps.runs.listing.asked import Asked
from apps.runs.listing.narrow import narrowed_runs

MOST: Final = 1_000
PATIENCE_MS: Final = 400


@dataclass(frozen=True, slots=True)
class Count:
    """number is None when it was given up."""

    number: int | None

    @property
    def text(self) -> str:
        if self.number is None:
            return "many"
        return f"{MOST:,}+" if self.number > MOST else f"{self.number:,}"


def counted(project: Project, kind: str, asked: Asked) -> Count:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            return Count(_rows(project, kind, asked)[: MOST + 1].count())
    except OperationalError:
        return Count(None)


def _rows(project: Project, kind: str, asked: Asked) -> Any:
    if kind == "threads":
        # By name: runs may not import threads.
        return import_string("apps.threads.narrow.narrowed")(project, asked)
    return narrowed_runs(project, asked)
