"""Finds a Chromium for the browser tests, and installs one where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright._impl._driver import compute_driver_executable
from playwright.sync_api import Playwright

from tests.alone import alone

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
INSTALL_SECONDS = 900


class NoChromium(Exception):
    """Says what was tried and what to do."""


@alone("chromium")
def driver() -> None:
    """Playwright's own Node starts, for which a bare Debian lacks a library."""
    node, *_ = compute_driver_executable()
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    if said.returncode and (steps := debian("libatomic1")):
        for step in steps:
            run(step)
    elif said.returncode:
        raise NoChromium(f"Playwright cannot start: {said.stderr.strip()}\nInstall that library (Debian: libatomic1).")


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
    return debian("chromium") or [[sys.executable, "-m", "playwright", "install", "chromium"]]


def debian(package: str) -> list[list[str]]:
    """Nothing where it cannot be installed so."""
    if os.geteuid() or not shutil.which("apt-get"):
        return []
    return [["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", package]]


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
