import uuid

from django.contrib import messages
from django.db.models import FETCH_RAISE
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.module_loading import import_string
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.access import MemberRequest, member
from apps.accounts.services import record
from apps.common.htmx import page
from apps.common.paging import Term, keyset
from apps.projects import services
from apps.projects.access import project_or_404
from apps.projects.forms import DeleteForm, ProjectForm, SearchForm
from apps.projects.models import Project

BY_ACTIVITY = (Term("last_activity", descending=True, nulls_last=True), Term("name"))


@require_safe
@member()
def projects(request: MemberRequest) -> HttpResponse:
    search = SearchForm(request.GET)
    projects = Project.objects.in_workspace(request.workspace)
    found = projects.named_like(search.text()).for_list().fetch_mode(FETCH_RAISE)
    return page(
        request,
        "projects/list.html",
        {
            "page": keyset(found, BY_ACTIVITY, request.GET.get("cursor", "")),
            "q": search.text(),
            "new": not search.text() and not projects.have_runs(),
        },
    )


@member("editor")
def create(request: MemberRequest) -> HttpResponse:
    form = ProjectForm(Project(workspace=request.workspace), request.POST or None)
    if request.method == "POST" and form.is_valid():
        project = services.save(form.project, request.user, **form.cleaned_data)
        return redirect("projects:detail", request.workspace.pk, project.pk)
    return page(request, "projects/create.html", {"form": form})


@require_safe
@member()
def detail(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    return redirect("threads:list", request.workspace.pk, project_or_404(request.workspace, project_id).pk)


@member("editor")
def settings(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    form = ProjectForm(project, request.POST or None)
    if request.method == "POST" and form.is_valid():
        services.save(project, request.user, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("projects:settings", request.workspace.pk, project.pk)
    return page(
        request, "projects/settings.html", {"project": project, "form": form, "delete_form": DeleteForm(project)}
    )


@require_POST
@member("admin")
def delete(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = project_or_404(request.workspace, project_id)
    form = DeleteForm(project, request.POST)
    if not form.is_valid():
        context = {"project": project, "form": ProjectForm(project), "delete_form": form}
        return page(request, "projects/settings.html", context)
    services.delete(project, request.user)
    messages.success(request, f"The project {project.name} is gone; its runs are being removed.")
    return redirect("projects:list", request.workspace.pk)


@require_POST
@member("editor")
def load_samples(request: MemberRequest) -> HttpResponse:
    # By name: projects may not import runs.
    import_string("apps.runs.demo.load")(request.workspace)
    record(request.workspace, request.user, "loaded the sample conversations")
    messages.success(request, "The sample conversations are here.")
    return redirect("projects:list", request.workspace.pk)
