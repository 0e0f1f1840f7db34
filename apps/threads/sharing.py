"""Making and revoking shared links. Each change and its audit entry are one transaction."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record
from apps.projects.models import Project
from apps.runs.models import Run
from apps.runs.wire_v2 import BESIDE
from apps.threads.models import Thread
from apps.threads.shared import LEFT_OUT, SharedLink, SharedLinkQuerySet


def share_urls(runs: Sequence[Run], request: HttpRequest) -> dict[uuid.UUID, str]:
    """Where anybody reads those of the runs that were shared themselves."""
    links = SharedLink.objects.live().to_runs(runs).order_by("-created_at")
    return {link.run_id: request.build_absolute_uri(link.path) for link in links if link.run_id}


BESIDE["SHARE_URL"] = share_urls


class TokenTaken(Exception):
    """The token that a client chose is the link of something else."""


@dataclass(frozen=True)
class Maker:
    """A member, or whoever made the API key."""

    user: User | None
    key_name: str = ""
    days: int = 0
    """How long a new link works; 0 is until it is revoked."""
    leave_out: Collection[str] = ()
    """Of a thread, in a new link: keys of LEFT_OUT."""


@transaction.atomic
def share_run(project: Project, run: Run, by: Maker, token: uuid.UUID | None = None) -> SharedLink:
    """A link to the run within its trace. Without a token the one that there is. Raises TokenTaken."""
    if token is None:
        _wait(project)
        link = SharedLink.objects.to_trace(project, run.trace_id).live().order_by("created_at").first()
        return link or _create(project, by, kind=SharedLink.Kind.RUN, trace_id=run.trace_id, run_id=run.id)
    known = SharedLink.objects.select_for_update().filter(pk=token).first()
    if known is None:
        return _create(project, by, token=token, kind=SharedLink.Kind.RUN, trace_id=run.trace_id, run_id=run.id)
    if known.run_id != run.id or known.project_id != project.pk:
        raise TokenTaken(f"The share_token {token} is in use for something else.")
    if known.ended_at:
        known.revoked_at = known.expires_at = None
        known.save(update_fields=["revoked_at", "expires_at"])
        _note(known, by, "shared again")
    return known


@transaction.atomic
def share_thread(thread: Thread, by: Maker) -> SharedLink:
    """The link to the thread, made if there is none."""
    _wait(thread.project)
    link = SharedLink.objects.to_thread(thread.project, thread.thread_id).live().order_by("created_at").first()
    hidden = {field: name in by.leave_out for name, (field, _) in LEFT_OUT.items()}
    return link or _create(thread.project, by, kind=SharedLink.Kind.THREAD, thread_id=thread.thread_id, **hidden)


@transaction.atomic
def revoke(links: SharedLinkQuerySet, by: Maker) -> int:
    """Those that are live, at once and for good. Returns how many."""
    live = list(links.live().select_for_update(of=("self",)))
    for link in live:
        link.revoked_at = timezone.now()
        link.save(update_fields=["revoked_at"])
        _note(link, by, "revoked the link to")
    return len(live)


def _wait(project: Project) -> None:
    """For whoever else shares something of the project: a client that asks again before it was answered gets the same link."""
    Project.objects.among([project.pk]).select_for_update(no_key=True).get()


def _create(project: Project, by: Maker, **fields: Any) -> SharedLink:
    fields |= {"created_by": by.user, "key_name": by.key_name}
    if by.days:
        fields["expires_at"] = timezone.now() + timedelta(days=by.days)
    link = SharedLink.objects.create(workspace_id=project.workspace_id, project=project, **fields)
    _note(link, by, "shared")
    return link


def _note(link: SharedLink, by: Maker, action: str) -> None:
    target = link.thread_id or link.run_id
    record(
        link.workspace, by.user, f"{action} {link.kind}", f"{target} (API key {by.key_name})" if by.key_name else target
    )
