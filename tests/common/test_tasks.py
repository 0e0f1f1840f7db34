from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from procrastinate.contrib.django import app

from apps.common import tasks

pytestmark = pytest.mark.django_db


def run(task: Any) -> None:
    async_to_sync(task.func)(SimpleNamespace(app=app), timestamp=0)


def job(status: str, *, hours_ago: float = 0) -> int:
    """By hand, because procrastinate's models are read-only; its triggers write the events."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('default', 'any') RETURNING id")
        (number,) = cursor.fetchone() or (0,)
        cursor.execute("UPDATE procrastinate_jobs SET status = %s WHERE id = %s", [status, number])
        age = timedelta(hours=hours_ago)
        cursor.execute("UPDATE procrastinate_events SET at = now() - %s WHERE job_id = %s", [age, number])
    return int(number)


@pytest.fixture(autouse=True)
def no_job_of_another_test(db: None) -> None:
    """Tests that commit are cleaned up after by Django, which leaves tables that are not its own."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def statuses() -> dict[int, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, status::text FROM procrastinate_jobs")
        return dict(cursor.fetchall())


def test_jobs_that_finished_long_ago_are_forgotten() -> None:
    job("succeeded", hours_ago=25)
    job("failed", hours_ago=25)
    kept = job("succeeded", hours_ago=23)
    waiting = job("todo", hours_ago=25)
    run(tasks.forget_finished_jobs)
    assert statuses() == {kept: "succeeded", waiting: "todo"}


def test_job_of_a_killed_worker_is_done_again() -> None:
    stalled = job("doing")
    run(tasks.resume_stalled_jobs)
    assert statuses() == {stalled: "todo"}


def test_expired_sessions_are_forgotten() -> None:
    now = timezone.now()
    Session.objects.create(session_key="old", session_data="", expire_date=now - timedelta(days=1))
    Session.objects.create(session_key="new", session_data="", expire_date=now + timedelta(days=1))
    tasks.forget_expired_sessions(timestamp=0)
    assert list(Session.objects.values_list("session_key", flat=True)) == ["new"]
