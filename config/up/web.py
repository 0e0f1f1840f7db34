"""The web process: `python -m config.up.web LISTENING_FD [--prepare FD] [--demo]`.

It runs granian's worker in this very process. Granian's own parent would cost 35 MiB and do what the supervisor does
already, and the listening socket stays with the supervisor: while a killed web process is replaced, connections wait
and are not refused.
"""

import argparse
import gc
import json
import os
import sys
from collections.abc import Callable
from typing import Any

import django
from django.core.exceptions import ImproperlyConfigured
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces, RuntimeModes
from granian.log import LogLevels
from granian.server.mp import MPServer

from config import env
from config.up.home import Problem

BACKLOG = 1024


class Link:
    """To the supervisor, which says when the database runs and hears how its preparation goes: a JSON object a line."""

    def __init__(self, descriptor: int) -> None:
        self.file = os.fdopen(descriptor, "w")

    def wait_for_database(self) -> None:
        if not os.read(self.file.fileno(), 2):
            sys.exit(1)

    def begin(self, step: str) -> None:
        self._tell(begin=step)

    def done(self) -> None:
        self._tell(done=True)

    def first(self, email: str, password: str, key: str) -> None:
        self._tell(first={"email": email, "password": password, "key": key})

    def prepared(self) -> None:
        self._tell(prepared=True)
        self.file.close()

    def problem(self, line: str) -> None:
        self._tell(problem=line)

    def _tell(self, **message: object) -> None:
        self.file.write(json.dumps(message) + "\n")
        self.file.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("listening", type=int)
    parser.add_argument("--prepare", type=int)
    parser.add_argument("--demo", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if options.prepare is not None and run_prepare(Link(options.prepare), demo=options.demo):
        # Migrations leave 10 MiB here and 10 in the database's session: begin anew without them.
        os.execv(sys.executable, [sys.executable, "-m", "config.up.web", str(options.listening)])
    serve(options.listening)


def run_prepare(link: Link, *, demo: bool) -> bool:
    try:
        link.begin("Application")
        django.setup()
        link.wait_for_database()
        link.done()
        from config.up.prepare import prepare

        changed = prepare(link, demo=demo)
        link.prepared()
    except (Problem, ImproperlyConfigured) as problem:
        link.problem(str(problem))
        sys.exit(1)
    return changed


def application() -> Callable[..., Any]:
    from config.wsgi import application

    # What is loaded by now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    return application


def serve(listening: int) -> None:
    server = MPServer(
        "config.wsgi:application",
        interface=Interfaces.WSGI,
        blocking_threads=env.integer("THREADLINE_WEB_THREADS", 8),
        runtime_mode=RuntimeModes.mt,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
    )
    server._ssp, server._sso = None, None
    server._shd = SocketHolder(listening, False, BACKLOG)  # type: ignore[assignment, call-arg]
    worker = server._spawn_worker(0, MPServer._spawn_wsgi_worker, application)
    worker.inner.run()


if __name__ == "__main__":
    main()
