import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.browser import chromium


def with_own(path: str) -> SimpleNamespace:
    """As much of Playwright as the search looks at."""
    return SimpleNamespace(chromium=SimpleNamespace(executable_path=path))


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine without any browser."""
    monkeypatch.delenv("THREADLINE_CHROMIUM", raising=False)
    monkeypatch.setattr(chromium.shutil, "which", lambda name: None)
    return monkeypatch


def test_named_browser_goes_first(bare: pytest.MonkeyPatch, tmp_path: Path):
    mine = tmp_path / "chrome"
    mine.touch()
    bare.setenv("THREADLINE_CHROMIUM", str(mine))
    assert chromium.find(with_own("/nowhere")) == str(mine)


def test_named_browser_that_is_missing_is_said(bare: pytest.MonkeyPatch):
    bare.setenv("THREADLINE_CHROMIUM", "/nowhere/chrome")
    with pytest.raises(chromium.NoChromium, match="/nowhere/chrome is not there"):
        chromium.find(with_own("/nowhere"))


def test_playwrights_own_browser_will_do(bare: pytest.MonkeyPatch, tmp_path: Path):
    own = tmp_path / "own"
    own.touch()
    assert chromium.find(with_own(str(own))) == str(own)


def test_root_on_debian_installs_the_package(bare: pytest.MonkeyPatch):
    bare.setattr(chromium.os, "geteuid", lambda: 0)
    bare.setattr(chromium.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    assert chromium.installation()[-1][-1] == "chromium"


def test_others_install_what_playwright_brings(bare: pytest.MonkeyPatch):
    bare.setattr(chromium.os, "geteuid", lambda: 1000)
    assert chromium.installation()[-1][-3:] == ["playwright", "install", "chromium"]


def test_failed_installation_says_what_to_do(bare: pytest.MonkeyPatch):
    failed = subprocess.CompletedProcess([], 1, stdout="", stderr="no network")
    bare.setattr(chromium.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(chromium.NoChromium, match=r"no network\nInstall Chromium"):
        chromium.executable(with_own("/nowhere"))


def test_a_driver_that_lacks_a_library_says_which(bare: pytest.MonkeyPatch):
    failed = subprocess.CompletedProcess([], 127, stdout="", stderr="libatomic.so.1: cannot open shared object file")
    bare.setattr(chromium.subprocess, "run", lambda *args, **kwargs: failed)
    with pytest.raises(chromium.NoChromium, match=r"libatomic\.so\.1"):
        chromium.driver()


def test_root_on_debian_installs_what_the_driver_lacks(bare: pytest.MonkeyPatch):
    ran: list[list[str]] = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        ran.append(command)
        return subprocess.CompletedProcess(command, 127 if len(ran) == 1 else 0, stdout="", stderr="")

    bare.setattr(chromium.os, "geteuid", lambda: 0)
    bare.setattr(chromium.shutil, "which", lambda name: "/usr/bin/apt-get" if name == "apt-get" else None)
    bare.setattr(chromium.subprocess, "run", run)
    chromium.driver()
    assert ran[-1][-1] == "libatomic1"
