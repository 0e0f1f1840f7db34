"""Finds a Chromium for the browser tests, and installs one where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Playwright

from tests.alone import alone

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_SECONDS = 900


class NoChromium(Exception):
    """Says what was tried and what to do."""


@alone("chromium")
def executable(playwright: Playwright) -> str:
    """The path of a Chromium: THREADLINE_CHROMIUM, one of the system, Playwright's own, or a new one."""
    if path := find(playwright):
        return path
    command = installation()
    print(f"\nNo Chromium for the browser tests; running: {' && '.join(map(' '.join, command))}", file=sys.stderr)
    for step in command:
        run(step)
    if path := find(playwright):
        return path
    raise NoChromium("Chromium was installed but cannot be found: set THREADLINE_CHROMIUM to its path.")


def find(playwright: Playwright) -> str | None:
    named = os.environ.get("THREADLINE_CHROMIUM")
    if named:
        if not Path(named).is_file():
            raise NoChromium(f"THREADLINE_CHROMIUM={named} is not there.")
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    return own if Path(own).is_file() else None


def installation() -> list[list[str]]:
    """The system's package brings the libraries that Playwright's own build would miss; it needs root."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        return [["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "chromium"]]
    return [[sys.executable, "-m", "playwright", "install", "chromium"]]


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    if done.returncode:
        raise NoChromium(
            f"{' '.join(command)} failed: {(done.stderr or done.stdout).strip()[-600:]}\n"
            "Install Chromium (Debian: apt-get install chromium) or set THREADLINE_CHROMIUM to its path."
        )


def arguments() -> list[str]:
    """Chromium's own sandbox refuses to start for root."""
    quiet = ["--disable-gpu", "--disable-background-networking"]
    return ["--no-sandbox", *quiet] if os.geteuid() == 0 else quiet
