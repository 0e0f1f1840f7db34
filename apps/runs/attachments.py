"""Files that applications attach to runs: one row each, the bytes in the storage `attachments`.

A file is written before its row and removed after it: a crash may leave a file that no row names, never a row without its file.
sweep() finds such files later.
"""

import re
import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self

from django.core.files.storage import Storage, storages
from django.core.signing import TimestampSigner, b62_encode
from django.db import models, transaction
from django.db.models import FETCH_RAISE, F
from django.urls import reverse

from apps.common.sql import Statement, Written, columns_of
from apps.projects.models import Project
from apps.runs.columns import unenforced
from apps.runs.models import Run

LINK_SECONDS: Final = 24 * 3600
"""A link lives that long, less up to an hour."""

# A browser shows these without ever running a script; every other type is only offered for download. Listed one by one, because
# browsers take any type that ends in +xml for a document.
SHOWN: Final = {
    "image": {"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp"},
    "audio": {
        "audio/mpeg", "audio/mp3", "audio/mp4", "audio/aac", "audio/ogg", "audio/opus", "audio/wav", "audio/x-wav", "audio/wave",
        "audio/webm", "audio/flac", "audio/x-m4a",
    },
    "video": {"video/mp4", "video/webm", "video/ogg", "video/quicktime"},
}  # fmt: skip

FOLDERS: Final = tuple(f"{number:02x}" for number in range(256))
_KEY = re.compile(r"[0-9a-f]{32}")

type RunKey = tuple[uuid.UUID, uuid.UUID]


class AttachmentQuerySet(models.QuerySet["Attachment"]):
    def of_runs(self, runs: Iterable[Run]) -> "dict[RunKey, list[Attachment]]":
        """By (trace id, run id), each in the order of the names."""
        keys = {(run.trace_id, run.id) for run in runs}
        rows = self.in_traces({trace for trace, _ in keys}).filter(run_id__in={run for _, run in keys})
        found: dict[RunKey, list[Attachment]] = defaultdict(list)
        for attachment in rows.fetch_mode(FETCH_RAISE):
            found[attachment.trace_id, attachment.run_id].append(attachment)
        return found

    def of_run(self, run: Run) -> "list[Attachment]":
        """In the order of the names."""
        return _OF_RUN(run.trace_id, run.id)

    def by_trace(self, traces: Iterable[uuid.UUID], most: int) -> "dict[uuid.UUID, list[Attachment]]":
        """The first `most` of all these traces together."""
        found: dict[uuid.UUID, list[Attachment]] = defaultdict(list)
        for attachment in _IN_TRACES.rows(list(traces), most):
            found[attachment.trace_id].append(attachment)
        return found

    def in_traces(self, traces: Collection[uuid.UUID]) -> Self:
        return self.filter(trace_id__in=traces).order_by("trace_id", "run_id", "name")

    def files_in(self, folder: str) -> Iterable[uuid.UUID]:
        """The ids of the files whose key begins with the folder, two hexadecimal digits."""
        first, last = uuid.UUID(folder.ljust(32, "0")), uuid.UUID(folder.ljust(32, "f"))
        return self.filter(file_id__range=(first, last)).values_list("file_id", flat=True).iterator()

    def signed(self, token: str) -> "Attachment | None":
        """Raises SignatureExpired, or BadSignature for a token that was not made here."""
        value = _signer.unsign(token, max_age=LINK_SECONDS)
        return self.filter(trace_id=uuid.UUID(value[:32]), file_id=uuid.UUID(value[32:])).first()

    def move(self, places: Mapping[uuid.UUID, uuid.UUID]) -> None:
        """Take the rows from these traces to others. As new rows: what a cluster places a row by cannot change."""
        here = self.in_traces(list(places))
        rows = list(here)
        here._raw_delete(self.db)
        for row in rows:
            row.trace_id = places[row.trace_id]
        self.bulk_create(rows, ignore_conflicts=True)

    def delete(self) -> tuple[int, dict[str, int]]:
        """The files follow when the transaction is committed."""
        files = list(self.values_list("file_id", flat=True))
        with transaction.atomic():
            gone = super().delete()
            transaction.on_commit(lambda: discard(files), robust=True)
        return gone

    delete.alters_data = True  # type: ignore[attr-defined]


class Attachment(models.Model):
    pk = models.CompositePrimaryKey("trace_id", "run_id", "name")
    created_at = models.DateTimeField()
    size = models.BigIntegerField(help_text="bytes")
    trace_id = models.UUIDField()
    run_id = models.UUIDField()
    file_id = models.UUIDField(help_text="names the file; new with each upload, so that a link never shows other bytes")
    project = unenforced(Project, "attachments")
    name = models.TextField()
    mime_type = models.TextField(help_text="as the client said it, checked for its form")

    objects = AttachmentQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        indexes = [models.Index(F("project"), name="attachment_in_project")]

    def __str__(self) -> str:
        return f"{self.name} {self.run_id}"

    @property
    def kind(self) -> str:
        """image, audio, video, or file for what no page shows."""
        essence = self.mime_type.partition(";")[0].lower()
        return next((kind for kind, types in SHOWN.items() if essence in types), "file")

    @property
    def path(self) -> str:
        """Where whoever holds it reads the file, without signing in, until it expires."""
        return reverse("runs:attachment", args=[_signer.sign(self.trace_id.hex + self.file_id.hex)])


_IN_TRACES: Final = Statement(
    Attachment,
    columns_of(Attachment),
    f"""
SELECT {", ".join(columns_of(Attachment))} FROM runs_attachment WHERE trace_id = ANY(%s) ORDER BY trace_id, run_id, name LIMIT %s
""",
)
_OF_RUN: Final = Written(
    lambda trace, run: Attachment.objects.filter(trace_id=trace, run_id=run).order_by("name").fetch_mode(FETCH_RAISE),
    uuid.uuid4(),
    uuid.uuid4(),
)


class _HourlySigner(TimestampSigner):
    """Signs the same for an hour: two reads of an unchanged run are equal, and a browser finds the file in its cache."""

    def timestamp(self) -> str:
        return b62_encode(int(time.time()) // 3600 * 3600)


_signer = _HourlySigner(salt="threadline.attachment")


def storage() -> Storage:
    return storages["attachments"]


def key_of_file(file_id: uuid.UUID) -> str:
    """Nothing of the client's: its names are hostile."""
    return f"{file_id.hex[:2]}/{file_id.hex}"


def discard(files: Sequence[uuid.UUID]) -> None:
    for file_id in files:
        storage().delete(key_of_file(file_id))


def sweep(folder: str, before: datetime) -> int:
    """Remove the files of one folder that were written before and that no row names, as a crash leaves them. Returns how many."""
    try:
        _, names = storage().listdir(folder)
    except FileNotFoundError:
        return 0
    found = {name for name in names if _KEY.fullmatch(name) and name.startswith(folder)}
    named = {file_id.hex for file_id in Attachment.objects.files_in(folder)} if found else set()
    unnamed = [name for name in found - named if storage().get_modified_time(f"{folder}/{name}") < before]
    for name in unnamed:
        storage().delete(f"{folder}/{name}")
    return len(unnamed)


def s3_urls(attachments: Iterable[Attachment], origin: str) -> dict[str, Any]:
    """As a v1 run has them; origin is where the client reaches this server: the SDKs fetch the URL without a key."""
    return {
        f"attachment.{attachment.name}": {"presigned_url": origin + attachment.path, "mime_type": attachment.mime_type}
        for attachment in attachments
    }
