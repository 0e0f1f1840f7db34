"""Annotating, reading feedback, and the keys of a workspace."""

import uuid
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import FETCH_RAISE
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import retarget, trigger_client_event

from apps.accounts.access import MemberRequest, member
from apps.common.htmx import page
from apps.feedback import configs
from apps.feedback.access import config_or_404
from apps.feedback.annotate import Row, Target, row_of, rows_of
from apps.feedback.annotate_keys import SUGGESTED, KeyForm
from apps.feedback.annotate_save import answer
from apps.feedback.keys import BadConfig
from apps.feedback.listing import Asked, listed
from apps.feedback.marks import marks_of
from apps.feedback.models import FeedbackKey
from apps.feedback.queues.blind import blind_for, blind_on
from apps.feedback.strip import figures_of
from apps.projects.access import project_or_404
from apps.projects.models import Project
from apps.threads.access import thread_or_404

UNDO = "feedback_undo"
"""Where a session keeps what takes the last verdict back, for a browser without a script."""


@require_http_methods(["GET", "HEAD", "POST"])
@member()
def annotate(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """What is annotated is asked for as annotate.Target reads it."""
    target = Target.of(_project(request, project_id), request.GET)
    if request.method == "POST":
        return _write(request, target)
    rows = _rows(request, target)
    if request.GET.get("part") == "others":
        return render(request, "feedback/annotate.html#others", {"rows": rows})
    row_id, token = request.session.pop(UNDO, ("", "")) if UNDO in request.session else ("", "")
    rows = [replace(row, undo=token) if row.id == row_id else row for row in rows]
    return _panel(request, target, rows, KeyForm(prefix="new"))


def _rows(request: MemberRequest, target: Target) -> list[Row]:
    return rows_of(target, request.user, blind_on(request.membership, target.thread, target.run))


def _panel(request: MemberRequest, target: Target, rows: list[Row], form: KeyForm, **more: Any) -> HttpResponse:
    context = {"project": target.project, "target": target, "rows": rows, "form": form, **more}
    context |= {"may": request.membership.may("annotator"), "suggested": [] if rows[0].is_key else SUGGESTED}
    return page(request, "feedback/annotate.html", context)


def _write(request: MemberRequest, target: Target) -> HttpResponse:
    _must_annotate(request)
    row, do = row_of(_rows(request, target), request.POST.get("key", "")), request.POST.get("do", "save")
    token, problem = answer(target, request.user, row, request.POST)
    if not request.htmx and not problem:
        request.session[UNDO] = (row.id, token)
        return redirect(f"{target.url}#{row.id}")
    entered = request.POST.dict() if problem else None
    rows = _rows(request, target)
    fresh = replace(row_of(rows, row.key), undo=token, problem=problem, entered=entered, saved=not problem)
    if not request.htmx:
        rows = [fresh if each.key == fresh.key else each for each in rows]
        return _panel(request, target, rows, KeyForm(prefix="new"))
    part = "state" if do == "save" else "row"
    context = {"project": target.project, "target": target, "row": fresh, "may": True}
    response = render(request, f"feedback/annotate.html#{part}", context)
    if part == "row":
        response = retarget(response, f"#{row.id}")
    return trigger_client_event(response, "feedback-changed", _changed(target))


def _changed(target: Target) -> dict[str, str]:
    """What the page behind the panel must know to show it."""
    if target.run is None or target.whole:
        return {}
    where = reverse("feedback:marks", args=[target.project.workspace_id, target.project.pk])
    run = str(target.run.id)
    return {"trace": str(target.run.trace_id), "run": run, "dot": f"{where}?run={run}&of=run"}


def _must_annotate(request: MemberRequest) -> None:
    if not request.membership.may("annotator"):
        raise PermissionDenied(f"This needs the role annotator; yours is {request.membership.role}.")


def _project(request: MemberRequest, project_id: uuid.UUID) -> Project:
    project = project_or_404(request.workspace, project_id)
    project.workspace = request.workspace
    return project


@require_POST
@member("annotator")
def make_key(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """Configures a new key on the spot; one that has a configuration keeps it."""
    target = Target.of(_project(request, project_id), request.GET)
    form = KeyForm(request.POST, prefix="new")
    made = _configured(request, form) if form.is_valid() else None
    if made and not request.htmx:
        return redirect(target.url)
    rows = _rows(request, target)
    fresh = row_of(rows, made.key) if made else None
    return _panel(request, target, rows, KeyForm(prefix="new") if made else form, made=fresh)


def _configured(request: MemberRequest, form: KeyForm) -> FeedbackKey | None:
    """None where it is refused, which the form then says."""
    name, lower = form.cleaned_data["key"], form.cleaned_data["lower_is_better"]
    try:
        return configs.create(request.workspace, name, form.config(), lower, request.user)
    except (BadConfig, configs.Differs) as error:
        field, _, reason = str(error).partition(": ")
        taken = isinstance(error, configs.Differs)
        form.add_error("key" if taken else FIELDS.get(field), f"{name} is there already." if taken else reason or field)
        return None


FIELDS = {"min": "min", "max": "max", "categories": "labels", "feedback_key": "key", "type": "type"}


@require_safe
@member()
def given(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """?thread=<id> with &key=, &level= or &trace=, or ?run=<id>: the verdicts, newest first."""
    project = _project(request, project_id)
    asked = Asked.of(project, request.GET)
    context = listed(asked, request.GET.get("cursor", ""), blind_on(request.membership, asked.thread, asked.run))
    return page(request, "feedback/given.html", {"project": project, **context})


@require_safe
@member()
def strip(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    project = _project(request, project_id)
    thread = thread_or_404(project, request.GET.get("thread", ""))
    figures = figures_of(thread, blind_on(request.membership, thread))
    context = {"project": project, "thread": thread, "figures": figures}
    return render(request, "feedback/strip.html#figures", context)


@require_safe
@member()
def marks(request: MemberRequest, project_id: uuid.UUID) -> HttpResponse:
    """?run=<id>: what is said about its turn, as the head of the turn shows it; with &of=run the dot of the run alone."""
    target = Target.of(_project(request, project_id), request.GET)
    if target.run is None:
        raise Http404("Name a run: ?run=<id>")
    traces = [target.run.trace_id]
    found = marks_of(target.project, traces, blind_for(request.membership, traces=traces))
    of_run = request.GET.get("of") == "run"
    return HttpResponse(found.of_run(target.run.id) if of_run else found.of_turn(target.run.trace_id))


@member("editor")
def keys(request: MemberRequest) -> HttpResponse:
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and (made := _configured(request, form)):
        messages.success(request, f"{made.key} is ready to be annotated.")
        if not request.htmx:
            return redirect("feedback:keys", request.workspace.pk)
        form = KeyForm()
    return _keys(request, form=form)


def _keys(request: MemberRequest, **context: Any) -> HttpResponse:
    found = FeedbackKey.objects.in_workspace(request.workspace).fetch_mode(FETCH_RAISE)
    return page(request, "feedback/keys.html", {"keys": found, **context})


@member("editor")
def key(request: MemberRequest) -> HttpResponse:
    """?key=<its name>."""
    config = config_or_404(request.workspace, request.GET.get("key", ""))
    form = KeyForm.editing(config, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            configs.change(config, form.config(), form.cleaned_data["lower_is_better"], request.user)
        except BadConfig as error:
            field, _, reason = str(error).partition(": ")
            form.add_error(FIELDS.get(field), reason or field)
        else:
            messages.success(request, f"{config.key} is changed. Verdicts that were given before stay as they are.")
            return redirect("feedback:keys", request.workspace.pk)
    return render(request, "feedback/key.html", {"config": config, "form": form})


@require_POST
@member("editor")
def delete_key(request: MemberRequest) -> HttpResponse:
    config = config_or_404(request.workspace, request.GET.get("key", ""))
    configs.delete(config, request.user)
    messages.success(request, f"{config.key} is no longer configured. Its verdicts stay.")
    return _keys(request, form=KeyForm()) if request.htmx else redirect("feedback:keys", request.workspace.pk)
