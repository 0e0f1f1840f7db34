import sys
from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from config.up import supervisor


class Command(BaseCommand):
    """Listed and explained here; manage.py itself runs it, before Django reads settings that need the database."""

    help = "Run Threadline: database, migrations, web server and background worker."

    def add_arguments(self, parser: ArgumentParser) -> None:
        supervisor.add_arguments(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(supervisor.main(argv[2:]))
