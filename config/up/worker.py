"""The process that runs background jobs: `python -m config.up.worker`."""

import gc
import os
from threading import Event, Thread
from typing import Any

import django
from django.conf import settings
from django.db import close_old_connections

STOP_SECONDS = 8
OF_PAGES = {"django.contrib.admin", "ninja"}
"""Apps that only the web process needs: without them this one is 15 MiB smaller."""


async def fresh_connections(process: Any, context: Any, worker: Any) -> Any:
    """A job may be the first one since the database was restarted."""
    close_old_connections()
    try:
        return await process()
    finally:
        close_old_connections()


def set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app not in OF_PAGES]
    django.setup()


def main() -> None:
    set_up()
    from procrastinate import PsycopgConnector
    from procrastinate.contrib.django import app
    from procrastinate.contrib.django.utils import connector_params

    from apps.runs.search.index import index_steadily

    # What is loaded by now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    stop = Event()
    indexer = Thread(target=index_steadily, args=[stop], name="search index")
    indexer.start()
    connector = PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=1)
    try:
        with app.replace_connector(connector) as worker_app:
            worker_app.run_worker(
                concurrency=1,
                # A notification wakes the worker at once; polling only catches what a lost connection missed.
                fetch_job_polling_interval=30,
                abort_job_polling_interval=30,
                shutdown_graceful_timeout=STOP_SECONDS,
            )
    finally:
        stop.set()
        indexer.join(STOP_SECONDS)


if __name__ == "__main__":
    main()
