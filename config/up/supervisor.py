"""Starts what Threadline consists of, watches over it and ends it. Knows no Django, so it stays small."""

import argparse
import contextlib
import errno
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from config import embedded
from config.up.home import Home, Problem
from config.up.screen import Screen

BASE_DIR = Path(__file__).resolve().parent.parent.parent
BACKLOG = 1024
PORT_SECONDS = 1
READY_SECONDS = 180
STOP_SECONDS = 10
# A process that lived this long starts again at once; one that fails at once waits longer each time.
STEADY_SECONDS = 10
LONGEST_WAIT = 10.0


class Stop(BaseException):
    """SIGTERM or SIGINT came."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (default 8000; 0 takes a free one)")
    parser.add_argument("--home", help="directory of the data (default .threadline beside manage.py)")
    parser.add_argument("--demo", action="store_true", help="load sample conversations")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="manage.py up", description="Run Threadline.")
    add_arguments(parser)
    options = parser.parse_args(arguments)
    screen = Screen()
    up = Up(options, screen)
    try:
        up.run()
    except Stop:
        screen.say("Stopping")
    except (Problem, embedded.EmbeddedError) as problem:
        screen.fail(str(problem))
        return 1
    except OSError as error:
        screen.fail(f"{error.strerror}: {error.filename or error}")
        return 1
    finally:
        up.end()
    return 0


def _workers() -> int:
    wanted = os.environ.get("THREADLINE_WEB_WORKERS") or "1"
    if not wanted.isdecimal() or int(wanted) < 1:
        raise Problem(f"THREADLINE_WEB_WORKERS={wanted!r} is not a whole number from 1 on.")
    return int(wanted)


class Service:
    """A process that is started again when it ends unasked."""

    def __init__(self, name: str, command: list[str], pass_fds: tuple[int, ...] = ()) -> None:
        self.name, self.command, self.pass_fds = name, command, pass_fds
        self.process: subprocess.Popen[bytes] | None = None
        self.started = self.due = 0.0
        self.wait = 0.0

    def start(
        self, environment: dict[str, str], extra: list[str] | None = None, pass_fds: tuple[int, ...] = ()
    ) -> None:
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *self.command, *(extra or [])],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=self.pass_fds + pass_fds,
            start_new_session=True,
            preexec_fn=embedded.die_with_parent(signal.SIGKILL),
        )

    def ended(self) -> str:
        """How it ended, or nothing while it runs."""
        code = self.process.poll() if self.process else None
        if code is None:
            return ""
        return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"

    def postpone(self) -> None:
        lived = time.monotonic() - self.started
        self.wait = 0.0 if lived > STEADY_SECONDS else min(max(self.wait * 2, 0.25), LONGEST_WAIT)
        self.process, self.due = None, time.monotonic() + self.wait

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def end(self, deadline: float) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            self.kill()


class Up:
    def __init__(self, options: argparse.Namespace, screen: Screen) -> None:
        self.options, self.screen = options, screen
        self.home = Home(Path(options.home or os.environ.get("THREADLINE_HOME") or BASE_DIR / ".threadline").absolute())
        self.listening: socket.socket | None = None
        self.database: embedded.Embedded | None = None
        self.services: list[Service] = []
        self.first: dict[str, str] | None = None
        self.environment = self._environment()

    def _environment(self) -> dict[str, str]:
        environment = os.environ | {"THREADLINE_HOME": str(self.home.path)}
        environment.setdefault("MALLOC_ARENA_MAX", "2")
        # The web server's threads, by default 2 MiB: CPython counts on more before it calls a recursion too deep.
        environment.setdefault("RUST_MIN_STACK", str(16 << 20))
        # Container images like to forbid bytecode beside the sources; without any, each start compiles for seconds.
        if environment.pop("PYTHONDONTWRITEBYTECODE", ""):
            environment.setdefault("PYTHONPYCACHEPREFIX", str(self.home.path / "bytecode"))
        return environment

    def run(self) -> None:
        self._catch_signals()
        self.web_workers = _workers()
        self.home.claim()
        self._listen()
        self._find_database()
        with self._start_first_web() as link:
            self._start_database()
            self._await_preparation(link)
        for service in self.services[1:]:
            service.start(self.environment)
        self._wait_until_ready()
        self._show_where_to_go()
        self._watch()

    def end(self) -> None:
        self._stopping = True
        for service in self.services:
            if service.process:
                service.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for service in self.services:
            service.end(deadline)
        if self.database:
            self.database.stop()
            self.home.forget_database()

    def _catch_signals(self) -> None:
        self._stopping = False
        self._woken, wake = socket.socketpair()
        self._woken.setblocking(False)
        wake.setblocking(False)
        self._wake = wake
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_stop)

    def _on_stop(self, *_: object) -> None:
        if not self._stopping:
            self._stopping = True
            raise Stop

    def _listen(self) -> None:
        host, port = self.options.host, self.options.port
        deadline = time.monotonic() + PORT_SECONDS
        while self.listening is None:
            try:
                family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
                self.listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
                # Accepted connections inherit it. Without it an answer waits 40 ms for the client's delayed ACK.
                self.listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OverflowError:
                raise Problem(f"{port} is not a port number.") from None
            except socket.gaierror as error:
                raise Problem(f"Cannot listen on {host}: {error.strerror}.") from None
            except OSError as error:
                # The web process of an `up` that was killed may take a moment to go.
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    reason = os.strerror(error.errno or 0)
                    raise Problem(
                        f"Cannot listen on port {port} of {host}: {reason}. Choose another with --port."
                    ) from None
                time.sleep(0.1)

    def _find_database(self) -> None:
        self.home.forget_database()
        if not os.environ.get("DATABASE_URL"):
            self.database = embedded.Embedded(self.home.path)
            self.environment["DATABASE_URL"] = self.database.url

    def _start_first_web(self) -> socket.socket:
        """It prepares the database before it serves (one start of Django less), and loads while the database starts."""
        assert self.listening
        descriptor = self.listening.fileno()
        webs = [
            Service("The web server", ["config.up.web", str(descriptor)], (descriptor,))
            for _ in range(self.web_workers)
        ]
        self.worker = Service("The background worker", ["config.up.worker"])
        self.services = [*webs, self.worker]
        ours, theirs = socket.socketpair()
        demo = ["--demo"] if self.options.demo else []
        with theirs:
            link = theirs.fileno()
            webs[0].start(self.environment, ["--prepare", str(link), *demo], (link,))
        return ours

    def _start_database(self) -> None:
        if self.database is None:
            return
        self.screen.begin("PostgreSQL" if self.database.exists() else "PostgreSQL, a new database")
        self.database.start()
        self.screen.done()
        for note in self.database.notes:
            self.screen.say(note)
        self.home.note_database(self.database.url)

    def _await_preparation(self, link: socket.socket) -> None:
        with contextlib.suppress(BrokenPipeError):
            link.sendall(b"go")
        with link.makefile() as messages:
            if not any(self._hear(json.loads(line)) for line in messages):
                raise Problem("The web server ended before it could serve; its own message is above.")

    def _hear(self, message: dict[str, Any]) -> bool:
        """True with the last message, when the database is fit for use."""
        match message:
            case {"begin": step}:
                self.screen.begin(step)
            case {"done": _}:
                self.screen.done()
            case {"first": first}:
                self.first = first
            case {"problem": line}:
                raise Problem(line)
        return "prepared" in message

    def _wait_until_ready(self) -> None:
        self.screen.begin("Web server and background worker")
        deadline = time.monotonic() + READY_SECONDS
        while not self._answers():
            ends = [f"{service.name} {service.ended()}" for service in self.services if service.ended()]
            if ends:
                raise Problem(f"{ends[0]}; its own message is above.")
            if time.monotonic() > deadline:
                raise Problem(f"The web server does not answer within {READY_SECONDS} s.")
            time.sleep(0.05)
        self.screen.done()

    def _answers(self) -> bool:
        assert self.listening
        allowed = [name.strip().lstrip(".") for name in os.environ.get("THREADLINE_ALLOWED_HOSTS", "").split(",")]
        host = next((name for name in allowed if name and name != "*"), "localhost")
        try:
            with socket.create_connection(self._address(), timeout=5) as connection:
                connection.sendall(f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in connection.recv(100)
        except OSError:
            return False

    def _address(self) -> tuple[str, int]:
        """Where this machine reaches the server, which may listen on every address."""
        assert self.listening
        host, port = self.listening.getsockname()[:2]
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port

    def _show_where_to_go(self) -> None:
        host, port = self._address()
        origin = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        lines = [f"Threadline is ready: {origin}", ""]
        if self.first:
            password = self.first["password"] or "the one in THREADLINE_ADMIN_PASSWORD"
            lines += [f"Sign in as  {self.first['email']}", f"Password    {password}", ""]
        lines += ["Send the runs of an application here:", ""]
        lines += ["export LANGSMITH_TRACING=true", f"export LANGSMITH_ENDPOINT={origin}/api/v1"]
        if self.first:
            lines.append(f"export LANGSMITH_API_KEY={self.first['key']}")
        if self.home.credentials.exists():
            shown = "Kept in" if self.first else "Sign-in and API key: see"
            lines += ["", f"{shown} {self.home.credentials}"]
        self.screen.panel(lines)

    def _watch(self) -> None:
        while True:
            due = [service.due for service in self.services if service.process is None]
            timeout = max(min(due) - time.monotonic(), 0) if due else None
            if select.select([self._woken], [], [], timeout)[0]:
                self._woken.recv(4096)
            self._revive()

    def _revive(self) -> None:
        if self.database and self.database.ended():
            self.screen.say("PostgreSQL ended unasked; starting it again.")
            # The worker's sessions are gone with it, and it would fill the log until the server is back.
            self.worker.kill()
            self.database.start()
            self.worker.start(self.environment)
        for service in self.services:
            if how := service.ended():
                self.screen.say(f"{service.name} {how}; starting it again.")
                service.postpone()
            if service.process is None and time.monotonic() >= service.due:
                service.start(self.environment)
