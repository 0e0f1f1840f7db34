"""The attachment parts of a request, stored after its runs: files first, then their rows in one transaction."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.runs.attachments import Attachment, discard, key_of_file, storage
from apps.runs.ingest import sql
from apps.runs.ingest.decode import Part, clean_text
from apps.runs.ingest.schema import BadRun, as_uuid
from apps.runs.ingest.store import Rejection, raw_cursor
from apps.runs.models import Run

MAX_NAME = 255
DEFAULT_TYPE = "application/octet-stream"
_CONTENT_TYPE = re.compile(rb"^content-type:[ \t]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_ESSENCE = re.compile(r"[a-z0-9][\w.+-]{0,60}/[a-z0-9][\w.+-]{0,100}", re.ASCII | re.IGNORECASE)
_PARAMETER = re.compile(r'(?!length=)[\w-]{1,30}="?[\w.+, -]{1,100}"?', re.ASCII | re.IGNORECASE)

# Joined with the runs, so that no attachment outlives its run: the traces are locked, hence nobody deletes or moves one meanwhile.
INSERT = """
INSERT INTO runs_attachment (trace_id, run_id, name, project_id, file_id, mime_type, size, created_at)
SELECT run.trace_id, run.id, sent.name, run.project_id, sent.file_id, sent.mime_type, sent.size, %(now)s
FROM unnest(%(trace_id)s::uuid[], %(run_id)s::uuid[], %(name)s::text[], %(file_id)s::uuid[], %(mime_type)s::text[], %(size)s::bigint[])
    AS sent (trace_id, run_id, name, file_id, mime_type, size)
JOIN runs_run AS run ON run.trace_id = sent.trace_id AND run.id = sent.run_id
ORDER BY run.trace_id, run.id, sent.name
ON CONFLICT (trace_id, run_id, name) DO UPDATE SET
    file_id = excluded.file_id, mime_type = excluded.mime_type, size = excluded.size, created_at = excluded.created_at
RETURNING new.file_id, old.file_id
"""


class Sent(NamedTuple):
    """A part as it came; run_id and name are the client's text."""

    run_id: str
    name: str
    mime_type: str
    body: bytes

    @classmethod
    def from_part(cls, part: Part) -> "Sent":
        _, _, rest = part.name.partition(".")
        run_id, _, name = rest.partition(".")
        found = _CONTENT_TYPE.search(part.head)
        return cls(run_id, clean_text(name), mime_type(found[1].decode("latin-1") if found else ""), part.body)

    def refused(self, reason: str) -> Rejection:
        return Rejection(self.run_id, f"attachment {self.name[:80]!r} {reason}")


class _Row(NamedTuple):
    sent: Sent
    trace_id: UUID
    run_id: UUID
    file_id: UUID


def mime_type(header: str) -> str:
    """The type with those parameters that are one; JS tells the length as a parameter too."""
    essence, *parameters = (piece.strip() for piece in header.split(";"))
    if not _ESSENCE.fullmatch(essence):
        return DEFAULT_TYPE
    return "; ".join([essence, *(piece for piece in parameters if _PARAMETER.fullmatch(piece))])


def attach(workspace: Workspace, sent: Iterable[Sent]) -> list[Rejection]:
    """Store them beside what their runs have already; a name that is there is replaced. Returns those that were left out."""
    latest = {(part.run_id, part.name): part for part in sent}
    if not latest:
        return []
    fit, rejected = _fit(latest.values())
    rows, homeless = _placed(workspace, fit)
    kept, too_many = _within_count(rows)
    rejected += homeless + too_many
    if kept:
        rejected += _store(kept)
    return rejected


def _fit(parts: Iterable[Sent]) -> tuple[list[tuple[UUID, Sent]], list[Rejection]]:
    fit: list[tuple[UUID, Sent]] = []
    rejected = []
    for part in parts:
        try:
            run_id = as_uuid(part.run_id, "the run id")
        except BadRun as error:
            rejected.append(part.refused(f"was left out: {error}"))
            continue
        if run_id is None or not part.name:
            rejected.append(part.refused("was left out: its part must be named attachment.<run id>.<name>"))
        elif len(part.name) > MAX_NAME:
            rejected.append(part.refused(f"was left out: a name has at most {MAX_NAME} characters"))
        elif len(part.body) > (cap := settings.MAX_ATTACHMENT_BYTES):
            rejected.append(part.refused(f"exceeds the cap of {cap:,} bytes (THREADLINE_MAX_ATTACHMENT_BYTES)"))
        else:
            fit.append((run_id, part))
    return fit, rejected


def _placed(workspace: Workspace, parts: list[tuple[UUID, Sent]]) -> tuple[list[_Row], list[Rejection]]:
    """With the trace of their runs, which are stored by now unless they were refused."""
    places = Run.objects.in_workspace(workspace).places_of({run_id for run_id, _ in parts}).order_by("received_at")
    traces = {place[0]: place[1] for place in places} if parts else {}
    rows = [_Row(part, traces[run_id], run_id, uuid4()) for run_id, part in parts if run_id in traces]
    homeless = [part.refused("was left out: its run is not stored") for run_id, part in parts if run_id not in traces]
    return rows, homeless


def _within_count(rows: list[_Row]) -> tuple[list[_Row], list[Rejection]]:
    cap = settings.MAX_ATTACHMENTS_PER_RUN
    names: dict[UUID, set[str]] = {row.run_id: set() for row in rows}
    found = Attachment.objects.in_traces({row.trace_id for row in rows}).filter(run_id__in=list(names))
    for run_id, name in found.values_list("run_id", "name"):
        names[run_id].add(name)
    kept, rejected = [], []
    for row in rows:
        mine = names[row.run_id]
        if row.sent.name in mine or len(mine) < cap:
            mine.add(row.sent.name)
            kept.append(row)
        else:
            reason = f"is one more than the cap of {cap} a run (THREADLINE_MAX_ATTACHMENTS_PER_RUN)"
            rejected.append(row.sent.refused(reason))
    return kept, rejected


def _store(rows: list[_Row]) -> list[Rejection]:
    """After an error the files stay: whether their rows were committed is then not known."""
    unused = {row.file_id: row for row in rows}
    for row in rows:
        storage().save(key_of_file(row.file_id), ContentFile(row.sent.body))
    with transaction.atomic():
        stored = _insert(rows)
        replaced = [old for _, old in stored if old]
        transaction.on_commit(lambda: discard(replaced), robust=True)
    for new, _ in stored:
        del unused[new]
    discard(list(unused))
    return [row.sent.refused("was left out: its run was deleted meanwhile") for row in unused.values()]


def _insert(rows: list[_Row]) -> list[tuple[UUID, UUID | None]]:
    """The new file of each row that was written, and the one it replaces."""
    columns: dict[str, Any] = {
        "trace_id": [row.trace_id for row in rows],
        "run_id": [row.run_id for row in rows],
        "name": [row.sent.name for row in rows],
        "file_id": [row.file_id for row in rows],
        "mime_type": [row.sent.mime_type for row in rows],
        "size": [len(row.sent.body) for row in rows],
    }
    with connection.wrap_database_errors, raw_cursor() as cursor:
        cursor.execute(sql.LOCK_TRACES, {"traces": sorted(set(columns["trace_id"]))})
        cursor.execute(INSERT, {**columns, "now": timezone.now()})
        return cursor.fetchall()
