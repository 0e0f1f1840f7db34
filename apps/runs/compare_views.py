import uuid

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.runs.compare import Comparison, Side

MAX_LIST = 2_000


@require_safe
@member()
def compare(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """?a= and ?b= are run ids: roots stand for their traces. ?x= and ?y= are the runs of the two trees that are read."""
    project = project_or_404(request.workspace, project_id)
    list_url = reverse("runs:list", args=[project.workspace_id, project.pk])
    if not (request.GET.get("a") and request.GET.get("b")):
        messages.error(request, "Select two rows to compare.")
        return redirect(list_url)
    a, b = (Side.of(name.upper(), project, _id(request.GET[name])) for name in ("a", "b"))
    x, y = (_id(request.GET[name]) if request.GET.get(name) else None for name in ("x", "y"))
    if x is None and y is None:
        x, y = a.run.id, b.run.id
    every, back = request.GET.get("every") == "1", request.GET.get("list", "")[:MAX_LIST]
    comparison = Comparison(project, a, b, x, y, every, back)
    return page(request, "runs/compare.html", {"project": project, "list_url": list_url, "both": comparison})


def _id(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Http404("No such run") from None
