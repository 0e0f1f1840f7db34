"""A request's runs to their projects: normalise each, find the traces that were not told, write project by project."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.projects.access import project_named
from apps.projects.models import DEFAULT_PROJECT, Project
from apps.runs.ingest import store
from apps.runs.ingest.change import RunChange
from apps.runs.ingest.decode import past_cap
from apps.runs.ingest.normalise import MAX_DOTTED_ORDER, normalise, pack, trace_of
from apps.runs.ingest.schema import BadRun, RunIn, run_decoder, segment
from apps.runs.ingest.store import Rejection
from apps.runs.models import Run, Trace

SERIALISE_ATTEMPTS = 2
# Building this query with the ORM takes longer than running it.
PROJECTS_NAMED = "SELECT name, id FROM projects_project WHERE workspace_id = %(workspace)s AND name = ANY(%(names)s)"


class Incoming(NamedTuple):
    run: RunIn
    patch: bool


class Outcome(NamedTuple):
    accepted: int
    rejected: list[Rejection]
    left_out: Sequence[Rejection] = ()
    """Attachments; the runs they belong to may be stored."""
    feedback_left_out: Sequence[Rejection] = ()


def deliver(workspace: Workspace, posts: Iterable[dict[str, Any]], patches: Iterable[dict[str, Any]] = ()) -> Outcome:
    """Run objects as in POST /runs/batch, from inside the program."""
    return accept(workspace, [*_encoded(posts, patch=False), *_encoded(patches, patch=True)])


def _encoded(runs: Iterable[dict[str, Any]], *, patch: bool) -> list[Incoming]:
    return [Incoming(run_decoder.decode(msgspec.json.encode(run)), patch) for run in runs]


def accept(workspace: Workspace, incoming: list[Incoming]) -> Outcome:
    """Write all runs that can be written. When this returns they are on disk and readable."""
    if len(incoming) > settings.MAX_RUNS_PER_BATCH:
        raise past_cap("The number of runs", settings.MAX_RUNS_PER_BATCH, "THREADLINE_MAX_RUNS_PER_BATCH")
    now = timezone.now()
    changes, rejected = [], []
    for item in incoming:
        try:
            changes.append(normalise(item.run, patch=item.patch, now=now))
        except BadRun as error:
            rejected.append(Rejection(str(item.run.id), str(error)))
    pack(changes)
    _find_traces(workspace, changes, now)
    refused = _write_by_project(workspace, changes)
    rejected += refused
    return Outcome(len(changes) - len(refused), rejected)


class _Place(NamedTuple):
    trace_id: UUID
    dotted_order: str
    provisional: bool


def _find_traces(workspace: Workspace, changes: list[RunChange], now: datetime) -> None:
    """Fill in trace_id and dotted_order where a client leaves them to the server (create_run and update_run by hand)."""
    lacking = [change for change in changes if change.trace_id is None or change.dotted_order is None]
    if not lacking:
        return
    wanted = {change.id for change in lacking} | {change.parent_run_id for change in lacking if change.parent_run_id}
    places = {place[0]: _Place(*place[1:]) for place in Run.objects.in_workspace(workspace).places_of(wanted)}
    for change in changes:
        if change.trace_id is None or change.dotted_order is None:
            _place(change, places, now)
        places[change.id] = _Place(trace_of(change), change.dotted_order or "", change.provisional)


def _place(change: RunChange, places: dict[UUID, _Place], now: datetime) -> None:
    own = segment(change.start_time or now, change.id)
    known, parent = places.get(change.id), places.get(change.parent_run_id) if change.parent_run_id else None
    if known is not None and not known.provisional and change.trace_id in (None, known.trace_id):
        change.trace_id, change.dotted_order, _ = known
    elif (
        parent is not None
        and change.trace_id in (None, parent.trace_id)
        and len(parent.dotted_order) < MAX_DOTTED_ORDER
    ):
        change.trace_id, change.dotted_order = parent.trace_id, f"{parent.dotted_order}.{own}"
    elif change.trace_id is None:
        change.trace_id, change.dotted_order = change.id, own
        change.provisional = change.parent_run_id is not None or change.patched != 0
    else:
        root = segment(change.start_time or now, change.trace_id)
        change.dotted_order = own if change.trace_id == change.id else f"{root}.{own}"


def _write_by_project(workspace: Workspace, changes: list[RunChange]) -> list[Rejection]:
    rejected: list[Rejection] = []
    for attempt in range(SERIALISE_ATTEMPTS):
        groups, rejected = _by_project(workspace, changes)
        try:
            for project, group in groups:
                rejected += store.write(project, group)
            return rejected
        except IntegrityError:  # a project was deleted in between: it is made anew
            if attempt + 1 == SERIALISE_ATTEMPTS:
                raise
    return rejected


def _by_project(
    workspace: Workspace, changes: list[RunChange]
) -> tuple[list[tuple[Project, list[RunChange]]], list[Rejection]]:
    """session_id, else session_name, else where the trace already is, else `default`. An id of another workspace is refused."""
    named = _named(workspace, changes)
    for change in changes:
        if change.project_id is None and change.project_name:
            change.project_id = named[change.project_name].pk
    by_id = {project.pk: project for project in named.values()}
    told = {change.project_id for change in changes if change.project_id} - by_id.keys()
    if told:
        by_id |= {project.pk: project for project in Project.objects.in_workspace(workspace).among(told)}
    traces = _projects_of_traces(workspace, changes)
    groups: dict[UUID, list[RunChange]] = defaultdict(list)
    rejected = []
    for change in changes:
        if change.project_id and change.project_id not in by_id:
            reason = f"session_id {change.project_id} is not a project of this workspace"
            rejected.append(Rejection(str(change.id), reason, status=404))
            continue
        owner = change.project_id or traces.get(trace_of(change)) or named[DEFAULT_PROJECT].pk
        groups[owner].append(change)
    if missing := groups.keys() - by_id.keys():
        by_id |= {p.pk: p for p in Project.objects.in_workspace(workspace).among(missing)}
    return sorted(((by_id[pk], group) for pk, group in groups.items()), key=lambda item: item[0].pk), rejected


def _named(workspace: Workspace, changes: list[RunChange]) -> dict[str, Project]:
    """By name, `default` among them where some run needs it."""
    names = {change.project_name for change in changes if change.project_name and not change.project_id}
    if any(not change.project_id and not change.project_name for change in changes):
        names.add(DEFAULT_PROJECT)
    found = {}
    if names:
        with store.raw_cursor() as cursor:
            cursor.execute(PROJECTS_NAMED, {"workspace": workspace.pk, "names": list(names)}, prepare=True)
            found = {name: Project(id=pk, name=name, workspace=workspace) for name, pk in cursor.fetchall()}
    return found | {name: project_named(workspace, name) for name in sorted(names - found.keys())}


def _projects_of_traces(workspace: Workspace, changes: list[RunChange]) -> dict[UUID, UUID]:
    """For patches that tell no project: theirs is the one in which the trace lies, or is being written."""
    homeless = {trace_of(change) for change in changes if not change.project_id}
    if not homeless:
        return {}
    found = Trace.objects.in_workspace(workspace).projects_of(homeless)
    for change in changes:
        if change.project_id and trace_of(change) in homeless:
            found.setdefault(trace_of(change), change.project_id)
    return found
