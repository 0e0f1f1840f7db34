"""`makemigrations --check` against a throw-away PostgreSQL: Django asks the server which generated columns it knows."""

import os
import sys
import tempfile
from pathlib import Path

from config.embedded import Embedded


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="threadline-migrations-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        server = Embedded(home, forgetful=True)
        server.start()
        os.environ |= {"DATABASE_URL": server.url, "DJANGO_SETTINGS_MODULE": "config.settings"}
        from django.core.management import execute_from_command_line

        try:
            execute_from_command_line(["manage.py", "makemigrations", "--check", "--dry-run"])
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
