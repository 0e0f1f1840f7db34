#!/usr/bin/env python
import os
import sys


def main() -> None:
    if sys.argv[1:2] == ["up"]:
        # Before Django: `up` starts the database whose address the settings read.
        from config.up.supervisor import main as up

        sys.exit(up(sys.argv[2:]))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
