import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.server import BASE_DIR, LiveServer, children, clean_environment, new_home


@pytest.fixture(scope="module")
def server() -> Iterator[LiveServer]:
    """Not the session's `live`: here processes are killed."""
    above = new_home()
    above.chmod(0o751)
    running = LiveServer(home=above / "home")
    yield running
    running.stop()
    shutil.rmtree(above)


@pytest.fixture
def home() -> Iterator[Path]:
    path = new_home()
    yield path
    shutil.rmtree(path)


def status(server: LiveServer, path: str) -> int:
    try:
        with urllib.request.urlopen(server.origin + path, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 30
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def lives(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def refused(*options: str, **settings: str) -> list[str]:
    """The lines on stderr of an `up` that must end with 1."""
    command = [sys.executable, "manage.py", "up", *options]
    done = subprocess.run(
        command, cwd=BASE_DIR, env=clean_environment(**settings), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    return done.stderr.splitlines()


def rows(server: LiveServer, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.database_url) as session:
        return session.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_running_server_is_healthy_and_ready(server: LiveServer, path: str) -> None:
    assert status(server, path) == 200


def test_first_start_prints_what_to_paste(server: LiveServer) -> None:
    printed = server.output().splitlines()
    assert f"export LANGSMITH_ENDPOINT={server.origin}/api/v1" in printed
    assert f"export LANGSMITH_API_KEY={server.api_key}" in printed


@pytest.mark.parametrize("name", ["credentials", "secret-key", "database-url"])
def test_secrets_in_the_home_are_for_the_owner_only(server: LiveServer, name: str) -> None:
    assert (server.home / name).stat().st_mode & 0o777 == 0o600


def test_directory_above_the_home_keeps_its_mode(server: LiveServer) -> None:
    assert server.home.parent.stat().st_mode & 0o777 == 0o751


def test_second_up_on_the_same_home_is_refused(server: LiveServer) -> None:
    assert refused("--home", str(server.home), "--port", "0") == [
        f"threadline: Threadline already runs on {server.home} (process {server.process.pid})."
    ]


def test_other_commands_find_the_running_database(server: LiveServer) -> None:
    environment = clean_environment(THREADLINE_HOME=str(server.home))
    command = [sys.executable, "manage.py", "migrate", "--check"]
    assert subprocess.run(command, cwd=BASE_DIR, env=environment, timeout=60).returncode == 0


def test_killed_web_server_comes_back(server: LiveServer) -> None:
    killed = server.kill("config.up.web")
    assert eventually(lambda: status(server, "/readyz") == 200)
    assert killed not in server.pids("config.up.web")


def test_killed_worker_comes_back(server: LiveServer) -> None:
    killed = server.kill("config.up.worker")
    assert eventually(lambda: server.pids("config.up.worker") not in ([], [killed]))


def test_killed_database_comes_back(server: LiveServer) -> None:
    killed = server.kill("bin/postgres")
    assert eventually(lambda: server.pids("bin/postgres") not in ([], [killed]))
    assert eventually(lambda: status(server, "/readyz") == 200)


def test_worker_takes_jobs_again_after_the_database_was_killed(server: LiveServer) -> None:
    killed = server.kill("bin/postgres")
    assert eventually(lambda: server.pids("bin/postgres") not in ([], [killed]))
    assert eventually(lambda: status(server, "/readyz") == 200)
    with psycopg.connect(server.database_url) as session:
        session.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
            " VALUES ('default', 'apps.common.tasks.forget_expired_sessions', '{\"timestamp\": 0}')"
        )
    assert eventually(
        lambda: (
            ("succeeded",)
            in rows(server, "SELECT status::text FROM procrastinate_jobs WHERE task_name LIKE '%sessions'")
        )
    )


def test_external_database_starts_no_server(server: LiveServer) -> None:
    with psycopg.connect(server.database_url, autocommit=True) as session:
        session.execute("CREATE DATABASE elsewhere")
    url = server.database_url.replace("/threadline?", "/elsewhere?")
    other = LiveServer(DATABASE_URL=url)
    found = status(other, "/readyz"), other.pids("bin/postgres"), (other.home / "postgres").exists()
    other.stop()
    assert found == (200, [], False)


def test_sigterm_ends_every_process_and_the_next_start_finds_its_data(home: Path) -> None:
    first = LiveServer(home=home)
    processes = children(first.process.pid)
    workspaces = rows(first, "SELECT id, name FROM accounts_workspace")
    assert first.stop() == 0
    assert not any(map(lives, processes))
    assert not (home / "database-url").exists()

    second = LiveServer(home=home)
    found, printed = rows(second, "SELECT id, name FROM accounts_workspace"), second.output()
    second.stop()
    assert found == workspaces
    assert second.api_key not in printed
    assert str(home / "credentials") in printed


def test_killed_up_takes_its_processes_along_and_can_start_again(home: Path) -> None:
    first = LiveServer(home=home)
    processes = children(first.process.pid)
    os.kill(first.process.pid, signal.SIGKILL)
    assert eventually(lambda: not any(map(lives, processes)))
    assert first.process.wait() == -signal.SIGKILL

    second = LiveServer(home=home)
    ready = status(second, "/readyz")
    second.stop()
    assert ready == 200


def test_port_in_use_is_refused(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        lines = refused("--home", str(home), "--port", port)
    assert lines == [
        f"threadline: Cannot listen on port {port} of 127.0.0.1: Address already in use. Choose another with --port."
    ]


def test_home_that_cannot_be_written_is_refused(home: Path) -> None:
    (home / "file").touch()
    (line,) = refused("--home", str(home / "file/home"), "--port", "0")
    assert line.startswith(f"threadline: Cannot write to the home {home / 'file/home'}")


def test_unreachable_database_is_refused(home: Path) -> None:
    (line,) = refused("--home", str(home), "--port", "0", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert line.startswith("threadline: Cannot reach the database: ")


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("THREADLINE_WEB_WORKERS", "0", "THREADLINE_WEB_WORKERS='0' is not a whole number from 1 on."),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL must start with postgresql://, not 'mysql'"),
    ],
)
def test_setting_that_makes_no_sense_is_refused(home: Path, name: str, value: str, complaint: str) -> None:
    assert refused("--home", str(home), "--port", "0", **{name: value}) == [f"threadline: {complaint}"]
