"""An answer of 202 is a promise: what is killed, and when, must not matter."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from apps.runs import payload
from tests.crash.load import Load, Told, digest
from tests.server import BASE_DIR, LiveServer, children, clean_environment, command_line, new_home

SEED = 20261122
ROUNDS = ("web", "backend", "database", "up", "web", "database", "backend", "web and database")
STORED = "SELECT id::text, trace_id::text, thread_id, inputs, end_time IS NOT NULL, outputs, error FROM runs_run"


class Ordeal:
    """A Threadline under load whose processes are killed. It comes back by itself, except where `up` itself was killed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.random = random.Random(SEED)
        self.server = LiveServer(home=home)
        self.load = Load(self.server.port, self.server.api_key, SEED)

    def run(self) -> None:
        try:
            for what in ROUNDS:
                self.load.wait_for_more(2)
                time.sleep(self.random.uniform(0, 0.6))
                self._kill(what)
                self.load.wait_for_more(1)
        except AssertionError as failure:
            failure.add_note(self.server.output()[-4_000:])
            raise
        finally:
            self.load.stop()

    def _kill(self, what: str) -> None:
        match what:
            case "web":
                self.server.kill("config.up.web")
            case "database":
                self.server.kill("bin/postgres")
            case "backend":
                os.kill(self._backend(), signal.SIGKILL)
            case "web and database":
                self.server.kill("config.up.web")
                self.server.kill("bin/postgres")
            case "up":
                self._kill_up()

    def _backend(self) -> int:
        """The process of some session. PostgreSQL then ends all the others and recovers."""
        (postmaster,) = self.server.pids("bin/postgres")
        return self.random.choice([pid for pid in children(postmaster) if "[local]" in command_line(pid)])

    def _kill_up(self) -> None:
        self.server.process.kill()
        self.server.process.wait()
        time.sleep(self.random.uniform(0, 0.5))
        self.server = LiveServer("--port", str(self.load.port), home=self.home)

    def stored(self) -> dict[str, Told]:
        with psycopg.connect(self.server.database_url) as session:
            return {row[0]: _told(*row[1:]) for row in session.execute(STORED)}


def _told(trace_id: str, thread_id: str, inputs: bytes, ended: bool, outputs: bytes | None, error: str | None) -> Told:
    packed = None if outputs is None else digest(payload.unpack(outputs))
    return Told(trace_id, thread_id, digest(payload.unpack(inputs)), ended, packed, error)


@pytest.fixture(scope="module")
def ordeal() -> Iterator[Ordeal]:
    home = new_home()
    tried = Ordeal(home)
    try:
        tried.run()
        yield tried
    finally:
        tried.server.stop()
        shutil.rmtree(home)


def test_every_acknowledged_run_is_there_with_its_content_and_no_other(ordeal: Ordeal) -> None:
    stored = ordeal.stored()
    assert {run for run, told in ordeal.load.told.items() if stored.get(run) != told} == set()
    assert stored.keys() == ordeal.load.told.keys()


def test_senders_were_turned_away_in_between(ordeal: Ordeal) -> None:
    assert ordeal.load.refused >= len(ROUNDS) / 2


def test_rollups_are_exact_after_crashes(ordeal: Ordeal) -> None:
    command = [sys.executable, "manage.py", "reconcile"]
    environment = clean_environment(THREADLINE_HOME=str(ordeal.home))
    done = subprocess.run(command, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, "No drift."), done.stderr
