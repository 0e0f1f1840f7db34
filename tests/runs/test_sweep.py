"""Files that a crash left without a row are removed after a day; all others stay."""

import os
import time
import uuid
from datetime import datetime, timedelta

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from apps.runs.attachments import FOLDERS, Attachment, key_of_file, storage, sweep
from apps.runs.tasks import sweep_attachments
from tests.factories import ProjectFactory

pytestmark = pytest.mark.django_db
DAYS = 86_400


def stored(file_id: uuid.UUID, *, age: float = 2 * DAYS) -> str:
    key = key_of_file(file_id)
    storage().save(key, ContentFile(b"bytes"))
    written = time.time() - age
    os.utime(storage().path(key), (written, written))
    return key


def named(file_id: uuid.UUID) -> None:
    ids = {"trace_id": uuid.uuid4(), "run_id": uuid.uuid4(), "project": ProjectFactory()}
    Attachment.objects.create(
        **ids, name="a", file_id=file_id, mime_type="text/plain", size=5, created_at=timezone.now()
    )


def a_day_ago() -> datetime:
    return timezone.now() - timedelta(days=1)


def test_a_file_that_no_row_names_is_removed() -> None:
    file_id = uuid.uuid4()
    key = stored(file_id)
    assert sweep(file_id.hex[:2], a_day_ago()) == 1
    assert not storage().exists(key)


def test_a_file_of_a_row_stays() -> None:
    file_id = uuid.uuid4()
    named(file_id)
    key = stored(file_id)
    assert sweep(file_id.hex[:2], a_day_ago()) == 0
    assert storage().exists(key)


def test_a_file_that_may_still_get_its_row_stays() -> None:
    file_id = uuid.uuid4()
    key = stored(file_id, age=60)
    assert sweep(file_id.hex[:2], a_day_ago()) == 0
    assert storage().exists(key)


def test_what_is_no_attachment_stays() -> None:
    storage().save("zz/notes.txt", ContentFile(b"mine"))
    assert sweep("zz", a_day_ago()) == 0
    assert storage().exists("zz/notes.txt")
    storage().delete("zz/notes.txt")


def test_a_folder_that_is_not_there_is_empty() -> None:
    assert sweep("yy", a_day_ago()) == 0


def test_a_day_of_the_task_comes_by_every_folder() -> None:
    keys = [stored(uuid.UUID(folder + uuid.uuid4().hex[2:])) for folder in FOLDERS]
    begin = int(time.time())
    for hour in range(24):
        sweep_attachments(begin + hour * 3600)
    assert not [key for key in keys if storage().exists(key)]
