"""The sample conversations: about 40 threads in three projects, written through the ingest path like anybody's."""

import uuid
from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import Workspace
from apps.runs.demo.play import play
from apps.runs.demo.script import conversations
from apps.runs.demo.stocktake import stocktake
from apps.runs.ingest.deliver import deliver
from apps.runs.models import Trace


def load(workspace: Workspace) -> int:
    """How many threads were written. What is there already is left alone, so a second load writes nothing."""
    now = timezone.now()
    threads = 0
    for conversation in [*conversations(), stocktake()]:
        traces, length = play(
            conversation, uuid.uuid5(workspace.pk, f"sample/{conversation.project}/{conversation.id}")
        )
        there = Trace.objects.projects_of(trace.id for trace in traces)
        began = now - timedelta(minutes=conversation.ago, seconds=length)
        runs = [run for trace in traces if trace.id not in there for run in trace.wire(began)]
        threads += bool(runs)
        deliver(workspace, runs)
    return threads
