"""Spans to stored runs, over the one way that all runs go."""

from collections.abc import Collection, Iterable
from itertools import islice
from uuid import UUID

from django.conf import settings

from apps.accounts.models import Workspace
from apps.runs.ingest.decode import past_cap
from apps.runs.ingest.deliver import Incoming, Outcome, accept
from apps.runs.ingest.otlp.run import is_duplicate, run_of
from apps.runs.ingest.otlp.span import Span
from apps.runs.ingest.otlp.tree import place
from apps.runs.ingest.otlp.turn import told_by_models
from apps.runs.ingest.reconcile import adopt
from apps.runs.models import Run


def receive(workspace: Workspace, spans: Iterable[Span], project: str | None) -> Outcome:
    """Store the spans as runs; `project` is the name for those that tell none themselves."""
    cap = settings.MAX_RUNS_PER_BATCH
    taken = list(islice(spans, cap + 1))
    if len(taken) > cap:
        raise past_cap("The number of spans", cap, "THREADLINE_MAX_RUNS_PER_BATCH")
    nodes, rejected = place(span for span in taken if not is_duplicate(span))
    outcome = accept(workspace, [Incoming(run_of(node, project), patch=False) for node in nodes])
    if nodes:
        run_ids = {node.run_id for node in nodes}
        settle(workspace, run_ids)
        accept(workspace, [Incoming(run, patch=False) for run in told_by_models(workspace, run_ids)])
    return Outcome(outcome.accepted, [*rejected, *outcome.rejected])


def settle(workspace: Workspace, run_ids: Collection[UUID]) -> None:
    """Services of one trace send at the same moment: a parent and a child that did not see each other meet here.

    Each side looks after its own commit, so the later one finds the other.
    """
    for _, parent in Run.objects.in_workspace(workspace).orphans_with_parents(run_ids):
        adopt(parent)
