import uuid
from collections.abc import Callable
from typing import Any

from django.db.models import FETCH_RAISE
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.runs import payload
from apps.runs.access import run_or_404
from apps.runs.beside import Beside
from apps.runs.jsontree import text_at
from apps.runs.models import Run, Trace
from apps.runs.payloads import read
from apps.runs.place import Place
from apps.runs.places import read as read_path
from apps.runs.show import LOAD_BYTES, RAW_FIELDS, RunView, history
from apps.runs.tree import trace_tree

# What a turn's overview loads when it is unfolded.
PARTS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "history": lambda run: {"content": history(run)},
    "step": lambda run: {"shown": RunView(run)},
}


@require_safe
@member()
def run(request: MemberRequest, project_id: uuid.UUID, run_id: uuid.UUID) -> HttpResponse:
    """The SDKs print this URL."""
    project = project_or_404(request.workspace, project_id)
    return show(request, project, run_or_404(project, run_id))


def show(request: HttpRequest, project: Project, found: Run, **extra: Any) -> HttpResponse:
    """The run beside the tree of its trace, to somebody who may see it."""
    if (part := request.GET.get("part")) in PARTS:
        return render(
            request,
            f"runs/detail.html#{part}",
            {**PARTS[part](found), "project": project, "trace_url": request.path, **extra},
        )
    place = Place.of(request.path, request.GET, runs_path=request.path.removesuffix(f"/{found.id}") + "/")
    context = {"project": project, "shown": RunView(found, place), **extra}
    if request.htmx.target != "run":  # type: ignore[attr-defined]
        runs = Run.objects.all().fetch_mode(FETCH_RAISE)
        trace = get_object_or_404(Trace.objects.in_project(project), pk=found.trace_id)
        context |= {"trace": trace, "tree": trace_tree(trace, runs, found, place)}
        shared = extra.get("shared")
        # Who was given one trace learns nothing of the others in its thread.
        context["beside"] = Beside.of(trace) if shared is None or shared.thread_id is not None else None
    return page(request, "runs/detail.html", context)


@require_safe
@member()
def raw(request: MemberRequest, project_id: uuid.UUID, run_id: uuid.UUID, field: str) -> HttpResponse:
    """A field of the run as it was sent, whatever its size; with ?path= one text inside it."""
    found = run_or_404(project_or_404(request.workspace, project_id), run_id)
    return answer_raw(found, field, request.GET.get("path", ""))


def answer_raw(found: Run, field: str, path: str) -> HttpResponse:
    frame = getattr(found, field) if field in RAW_FIELDS else None
    if frame is None:
        raise Http404(f"The run has no {field}")
    if not path:
        return HttpResponse(payload.unpack(frame), content_type="application/json")
    first, *steps = read_path(path) or ("",)
    text = text_at(read(frame, LOAD_BYTES).value, tuple(steps)) if first == field else None
    if text is None:
        raise Http404("No text stands there")
    return HttpResponse(text.encode(errors="replace"), content_type="text/plain; charset=utf-8")
