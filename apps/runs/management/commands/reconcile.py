from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.runs.ingest.reconcile import reconcile

SHOWN = 20


class Command(BaseCommand):
    help = "Compare traces, threads and project totals with a recomputation from the runs. Exits 1 where any differ and --fix is not given."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--fix", action="store_true", help="repair what differs")

    def handle(self, *args: Any, fix: bool, **options: Any) -> None:
        found: Counter[str] = Counter()
        for drift in reconcile(fix=fix):
            found[drift.kind] += 1
            if found[drift.kind] <= SHOWN:
                self.stdout.write(f"{drift.kind} {drift.key} {'repaired' if fix else 'differs'}")
        total = ", ".join(f"{count:,} {kind}s" for kind, count in found.items())
        if found and not fix:
            raise CommandError(f"Drift in {total}. Run again with --fix to repair it.")
        self.stdout.write(f"Repaired {total}." if found else "No drift.")
