import uuid

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.runs.models import Trace
from apps.threads.context_page import context_page


@require_safe
@member()
def saw(request: MemberRequest, project_id: uuid.UUID, trace_id: uuid.UUID) -> HttpResponse:
    """What the model was given in a turn, beside what it was given in the turn before."""
    project = project_or_404(request.workspace, project_id)
    trace = get_object_or_404(Trace.objects.in_project(project), pk=trace_id)
    context = {"project": project, "page": context_page(trace, request.GET)}
    return page(request, "threads/context.html", context)
