from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.projects.models import Project
from apps.runs.search.index import reindex


class Command(BaseCommand):
    help = "Build the search index anew: of all projects, or of the one with --project. The worker does the work, the newest runs last."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--project", help="id of the only project to index")

    def handle(self, *args: Any, **options: Any) -> None:
        project = Project.objects.filter(pk=options["project"]).first() if options["project"] else None
        if options["project"] and project is None:
            raise CommandError("There is no such project.")
        self.stdout.write(f"{reindex(project)} runs wait to be indexed.")
