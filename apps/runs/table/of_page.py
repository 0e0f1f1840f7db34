"""What a row of the Runs tab shows beyond its own columns, read for a page of runs at once, by their keys (trace id, id)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.db import connection

from apps.projects import ports
from apps.projects.models import Project
from apps.projects.ports import RunKey
from apps.runs.listing.choices import USER_KEYS
from apps.runs.models import Run, Trace
from apps.runs.payloads import read
from apps.runs.preview import preview_inputs, preview_outputs

MAX_FRAME: Final = 32 * 1024
"""Bytes of a compressed payload; a larger one, or one of more than MAX_JSON bytes, is not read for a line of a table."""
MAX_JSON: Final = 256 * 1024


def traces_of(project: Project, runs: Sequence[Run]) -> Mapping[RunKey, Trace]:
    """The trace that each run is in."""
    traces = Trace.objects.in_project(project).by_id({run.trace_id for run in runs})
    for trace in traces.values():
        trace.project = project
    return {run.pk: traces[run.trace_id] for run in runs if run.trace_id in traces}


class Preview(NamedTuple):
    """Lines of words. large: whether a payload was left unread for its size."""

    inputs: str | None
    outputs: str | None
    large: bool = False


_FRAMES = """
SELECT trace_id, id, CASE WHEN octet_length(inputs) <= %(most)s THEN inputs END,
    CASE WHEN octet_length(outputs) <= %(most)s THEN outputs END, greatest(octet_length(inputs), octet_length(outputs)) > %(most)s
FROM runs_run WHERE (trace_id, id) IN (SELECT * FROM unnest(%(traces)s::uuid[], %(ids)s::uuid[]))
"""


def previews_of(project: Project, runs: Sequence[Run]) -> Mapping[RunKey, Preview]:
    """Stored for roots; of other runs the payloads are read, where they are small."""
    found: dict[RunKey, Preview] = {run.pk: Preview(run.inputs_preview, run.outputs_preview) for run in runs}
    missing = [run for run in runs if run.inputs_preview is None and run.outputs_preview is None]
    if missing:
        given: dict[str, Any] = {
            "traces": [run.trace_id for run in missing],
            "ids": [run.id for run in missing],
            "most": MAX_FRAME,
        }
        with connection.cursor() as cursor:
            cursor.execute(_FRAMES, given)
            for trace_id, run_id, inputs, outputs, large in cursor.fetchall():
                asked, answered = read(inputs, MAX_JSON), read(outputs, MAX_JSON)
                found[trace_id, run_id] = Preview(
                    preview_inputs(asked.value),
                    preview_outputs(answered.value),
                    bool(large) or asked.skipped or answered.skipped,
                )
    return found


@dataclass(frozen=True)
class OfMetadata:
    """The text of the first of these keys of the metadata that a run has. A key that holds dots comes before a path through objects."""

    keys: tuple[str, ...]

    def __call__(self, project: Project, runs: Sequence[Run]) -> Mapping[RunKey, str]:
        value = ", ".join(["run.metadata -> %s, run.metadata #> %s::text[]"] * len(self.keys))
        given: list[Any] = [part for key in self.keys for part in (key, key.split("."))]
        sql = f"""
            SELECT run.trace_id, run.id, nullif(coalesce({value}), 'null'::jsonb) #>> '{{}}' FROM runs_run AS run
            WHERE (run.trace_id, run.id) IN (SELECT * FROM unnest(%s::uuid[], %s::uuid[]))
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, [*given, [run.trace_id for run in runs], [run.id for run in runs]])
            return {(trace_id, run_id): text for trace_id, run_id, text in cursor.fetchall() if text is not None}


users_of: Final = OfMetadata(USER_KEYS)


def feedback_of(project: Project, runs: Sequence[Run]) -> Mapping[RunKey, ports.Stats]:
    return ports.feedback.of_runs([run.pk for run in runs])
