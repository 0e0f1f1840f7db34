from typing import Any

from django.core.management.base import BaseCommand

from apps.runs.price_list import load


class Command(BaseCommand):
    help = "Load the built-in prices of models, where they are not loaded yet. Your own prices are kept and win."

    def handle(self, *args: Any, **options: Any) -> None:
        count = load()
        self.stdout.write(f"Loaded {count:,} prices." if count else "The prices are up to date.")
