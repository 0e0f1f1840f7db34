"""The only way from an id to a run."""

import uuid

from django.http import Http404

from apps.projects.models import Project
from apps.runs.models import Run


def run_or_404(project: Project, run_id: uuid.UUID) -> Run:
    """With its payload. An id is unique within a project unless two traces claim it; then the latest counts."""
    run = Run.objects.in_project(project).with_id(run_id).first()
    if run is None:
        raise Http404(f"No run {run_id} in this project")
    return run
