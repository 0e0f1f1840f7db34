"""The sample conversations: about 40 threads in three projects, written through the ingest path like anybody's."""

import uuid
from datetime import timedelta

import msgspec
from django.utils import timezone

from apps.accounts.models import Workspace
from apps.projects import ports
from apps.runs.demo.play import play
from apps.runs.demo.script import conversations
from apps.runs.demo.stocktake import stocktake
from apps.runs.demo.verdicts import verdicts
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
        new = [trace for trace in traces if trace.id not in there]
        deliver(workspace, [run for trace in new for run in trace.wire(began)])
        said = [(verdict["id"], msgspec.json.encode(verdict)) for verdict in verdicts(new, began)]
        ports.feedback.receive(workspace, said)
        threads += bool(new)
    return threads
