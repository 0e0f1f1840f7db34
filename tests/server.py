"""A real server for tests: `manage.py up` on a temporary home and a free port."""

import atexit
import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from config.embedded import die_with_parent

BASE_DIR = Path(__file__).resolve().parent.parent
# A busy machine that has not compiled anything yet takes its time.
START_SECONDS = 120
STOP_SECONDS = 30
# What `up` reads; a developer's own values must not leak into a test.
SETTINGS = ("DATABASE_URL", "DJANGO_SETTINGS_MODULE")


def clean_environment(**extra: str) -> dict[str, str]:
    mine = {
        name: value for name, value in os.environ.items() if name not in SETTINGS and not name.startswith("THREADLINE_")
    }
    return mine | {"PYTHONPYCACHEPREFIX": bytecode()} | extra


@functools.cache
def bytecode() -> str:
    """One place for the session: each new home would compile everything anew."""
    path = tempfile.mkdtemp(prefix="threadline-bytecode-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def new_home() -> Path:
    """A directory that the user who runs PostgreSQL for root can enter (pytest's tmp_path is not)."""
    path = Path(tempfile.mkdtemp(prefix="threadline-home-"))
    path.chmod(0o755)
    return path


class LiveServer:
    """Runs until `stop`. Settings come as keyword arguments: LiveServer(THREADLINE_WEB_THREADS="2")."""

    admin_email = "admin@example.com"
    admin_password = "correct horse battery"
    api_key = "tl_live_server_of_the_tests"

    def __init__(self, *options: str, home: Path | None = None, **settings: str) -> None:
        self.home = home or new_home()
        self._owns_home = home is None
        self._log = tempfile.NamedTemporaryFile(prefix="threadline-up-", suffix=".log")  # noqa: SIM115
        given = {
            "THREADLINE_ADMIN_EMAIL": self.admin_email,
            "THREADLINE_ADMIN_PASSWORD": self.admin_password,
            "THREADLINE_API_KEY": self.api_key,
        }
        command = [sys.executable, "manage.py", "up", "--home", str(self.home), "--port", "0", *options]
        self.process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=clean_environment(**(given | settings)),
            stdout=self._log,
            stderr=self._log,
            # A test session that is killed leaves no server behind.
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        try:
            self.origin = self._wait_for_origin()
        except BaseException:
            self.stop()
            raise

    @property
    def port(self) -> int:
        return int(self.origin.rsplit(":", 1)[1])

    @property
    def database_url(self) -> str:
        return (self.home / "database-url").read_text().strip()

    def shell(self, code: str) -> str:
        """What the code prints, run beside the server on its database."""
        environment = clean_environment(DATABASE_URL=self.database_url, THREADLINE_HOME=str(self.home))
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def output(self) -> str:
        """What `up` has printed so far."""
        return Path(self._log.name).read_text()

    def pids(self, part: str) -> list[int]:
        """Children of `up` with this in their command line: config.up.web, config.up.worker or postgres."""
        return [pid for pid in children(self.process.pid) if part in command_line(pid)]

    def kill(self, part: str) -> int:
        """kill -9 for the only process of that part; its id."""
        (pid,) = self.pids(part)
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self) -> int:
        """SIGTERM, as an operator would; the exit code. The home goes too, if it was made here."""
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(STOP_SECONDS)
        self._log.close()
        if self._owns_home:
            shutil.rmtree(self.home, ignore_errors=True)
        return code

    def _wait_for_origin(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            for line in self.output().splitlines():
                if line.startswith("Threadline is ready: "):
                    return line.removeprefix("Threadline is ready: ")
            time.sleep(0.05)
        raise RuntimeError(f"up did not start:\n{self.output()}")


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
