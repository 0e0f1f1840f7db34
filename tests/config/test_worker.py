"""The process that runs background jobs."""

import subprocess
import sys

MODULES = """
import sys
from config.up.worker import set_up
set_up()
from procrastinate.contrib.django import app
assert any("delete" in name for name in app.tasks), list(app.tasks)
print(*sorted({"ninja", "pydantic", "django.contrib.admin.sites"} & sys.modules.keys()))
"""


def test_the_worker_does_without_what_only_pages_and_the_api_need() -> None:
    told = subprocess.run([sys.executable, "-c", MODULES], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""
