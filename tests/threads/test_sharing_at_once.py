"""Links that several ask for at the same moment."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from apps.accounts.models import Workspace
from apps.runs.models import Run
from apps.threads.models import Thread
from apps.threads.shared import SharedLink
from apps.threads.sharing import Maker, share_run, share_thread
from tests.threads.wire import run, send


@pytest.mark.django_db(transaction=True)
def test_what_is_shared_by_several_at_once_gets_one_link(workspace: Workspace) -> None:
    """As by a client that asks again before it was answered."""
    project = send(workspace, run(thread_id="t"))
    root, thread = Run.objects.get(), Thread.objects.get()
    everybody = Barrier(8)

    def share(_: int) -> tuple[uuid.UUID, uuid.UUID]:
        everybody.wait()
        try:
            return share_run(project, root, Maker(None)).token, share_thread(thread, Maker(None)).token
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(share, range(8)))) == 1
    assert SharedLink.objects.count() == 2
