"""The home: the directory that holds the database, the secret key and the credentials of one Threadline."""

import fcntl
import os
from pathlib import Path

from config.embedded import make_directory


class Problem(Exception):
    """`up` cannot go on; the message is one line for a person."""


def write_private(path: Path, text: str) -> None:
    """Readable by its owner only from the first byte on."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.credentials = path / "credentials"
        self.database_url = path / "database-url"
        self._lock = -1

    def claim(self) -> None:
        """Makes the home if need be and keeps any other `up` off it until this process ends."""
        try:
            make_directory(self.path, 0o755)
            self._take_lock()
            self._keep_secret_key()
        except OSError as error:
            reason = f"{error.strerror}: {error.filename}"
            raise Problem(f"Cannot write to the home {self.path} ({reason}); choose another with --home.") from None

    def note_database(self, url: str) -> None:
        """For the other commands of manage.py, which find the running embedded server by it."""
        write_private(self.database_url, url + "\n")

    def forget_database(self) -> None:
        self.database_url.unlink(missing_ok=True)

    def _take_lock(self) -> None:
        self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._lock, 20).decode().strip()
            raise Problem(f"Threadline already runs on {self.path} (process {holder}).") from None
        os.truncate(self._lock, 0)
        os.write(self._lock, f"{os.getpid()}\n".encode())

    def _keep_secret_key(self) -> None:
        path = self.path / "secret-key"
        if not path.exists():
            write_private(path, os.urandom(40).hex() + "\n")
