"""Whether the database has the tables that this code expects.

It compares names only: building Django's graph of migrations would take longer than the rest of a start.
"""

import pkgutil
from functools import cache
from importlib import import_module

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

type Migration = tuple[str, str]


@cache
def expected() -> frozenset[Migration]:
    return frozenset((app.label, name) for app in apps.get_app_configs() for name in _names(app.label))


def _names(label: str) -> list[str]:
    module_name, explicit = MigrationLoader.migrations_module(label)
    if module_name is None:
        return []
    try:
        package = import_module(module_name)
    except ModuleNotFoundError:
        if explicit:
            raise
        return []
    return [module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] not in "_~"]


def applied() -> frozenset[Migration]:
    return frozenset(MigrationRecorder(connection).applied_migrations())


def unknown(found: frozenset[Migration]) -> list[str]:
    """Migrations of our own apps that this code does not have: a newer Threadline made them."""
    ours = {app.label for app in apps.get_app_configs() if app.name.startswith("apps.")}
    return sorted(f"{label}.{name}" for label, name in found - expected() if label in ours)
