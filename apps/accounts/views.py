"""The way in, and the settings of a workspace: keys, members, name, audit log."""

import uuid
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import FETCH_RAISE
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import services
from apps.accounts.access import MemberRequest, api_key_or_404, member, member_or_404
from apps.accounts.forms import InviteForm, KeyForm, RoleForm, WorkspaceForm, ZoneForm
from apps.accounts.models import ApiKey, AuditEntry, Membership, User
from apps.common.htmx import page
from apps.common.paging import keyset

LAST_ADMIN = "A workspace needs an admin: make someone else admin first."


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    membership = Membership.objects.of(cast(User, request.user)).first()
    if membership is None:
        return page(request, "accounts/no_workspace.html", {})
    return redirect("projects:list", membership.workspace_id)


@login_required
def zone(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    form = ZoneForm(request.POST or None, initial={"timezone": user.timezone})
    if request.method == "POST" and form.is_valid():
        services.choose_zone(user, form.cleaned_data["timezone"])
        messages.success(request, "Times are shown in your time zone.")
        return redirect("home")
    return page(request, "accounts/zone.html", {"form": form})


@never_cache
@member("editor")
def keys(request: MemberRequest) -> HttpResponse:
    form = KeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        key, secret = services.issue_key(request.workspace, request.user, **form.cleaned_data)
        # Not a redirect: the secret is nowhere but in this answer.
        return _keys(request, KeyForm(), created=key, secret=secret)
    return _keys(request, form)


@require_POST
@member("editor")
def revoke_key(request: MemberRequest, key_id: uuid.UUID) -> HttpResponse:
    key = api_key_or_404(request.workspace, key_id)
    services.revoke_key(key, request.user)
    messages.success(request, f"The key {key.name} is revoked.")
    return _keys(request, KeyForm()) if request.htmx else redirect("accounts:keys", request.workspace.pk)


def _keys(request: MemberRequest, form: KeyForm, **context: Any) -> HttpResponse:
    keys = ApiKey.objects.in_workspace(request.workspace).fetch_mode(FETCH_RAISE)
    return page(request, "accounts/keys.html", {"form": form, "keys": keys, **context})


@never_cache
@member("admin")
def members(request: MemberRequest) -> HttpResponse:
    form = InviteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        invitation = services.invite(request.workspace, request.user, **form.cleaned_data)
        # Not a redirect: the link is nowhere but in this answer.
        return _members(request, InviteForm(), invitation=invitation)
    return _members(request, form)


@require_POST
@member("admin")
def member_role(request: MemberRequest, membership_id: int) -> HttpResponse:
    membership = member_or_404(request.workspace, membership_id)
    form = RoleForm(request.POST)
    try:
        if form.is_valid():
            services.change_role(membership, request.user, form.cleaned_data["role"])
            messages.success(request, f"{membership.user} is {membership.get_role_display().lower()} now.")
    except services.LastAdmin:
        messages.error(request, LAST_ADMIN)
    return _after_member_change(request, membership)


@require_POST
@member("admin")
def member_remove(request: MemberRequest, membership_id: int) -> HttpResponse:
    membership = member_or_404(request.workspace, membership_id)
    try:
        services.remove_member(membership, request.user)
        messages.success(request, f"{membership.user} is no longer a member.")
    except services.LastAdmin:
        messages.error(request, LAST_ADMIN)
    return _after_member_change(request, membership)


@never_cache
@require_POST
@member("admin")
def member_link(request: MemberRequest, membership_id: int) -> HttpResponse:
    membership = member_or_404(request.workspace, membership_id)
    invitation = services.Invitation(membership, services.password_path(membership.user))
    return _members(request, InviteForm(), invitation=invitation)


def _after_member_change(request: MemberRequest, membership: Membership) -> HttpResponse:
    return (
        redirect("home")
        if membership.user_id == request.user.pk
        else redirect("accounts:members", request.workspace.pk)
    )


def _members(request: MemberRequest, form: InviteForm, **context: Any) -> HttpResponse:
    members = Membership.objects.in_workspace(request.workspace).fetch_mode(FETCH_RAISE)
    return page(request, "accounts/members.html", {"form": form, "members": members, **context})


@member("admin")
def workspace(request: MemberRequest) -> HttpResponse:
    form = WorkspaceForm(request.POST or None, initial={"name": request.workspace.name})
    if request.method == "POST" and form.is_valid():
        services.rename_workspace(request.workspace, request.user, form.cleaned_data["name"])
        messages.success(request, "The workspace has its new name.")
        return redirect("accounts:workspace", request.workspace.pk)
    return page(request, "accounts/workspace.html", {"form": form})


@require_safe
@member("admin")
def audit(request: MemberRequest) -> HttpResponse:
    entries = AuditEntry.objects.in_workspace(request.workspace).fetch_mode(FETCH_RAISE)
    return page(
        request, "accounts/audit.html", {"page": keyset(entries, ("-at", "-id"), request.GET.get("cursor", ""))}
    )
