"""The doors: a signed-in member of a workspace, or a program with a key. What is not theirs is 404."""

import functools
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Concatenate, cast

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django_htmx.middleware import HtmxDetails

from apps.accounts.models import ApiKey, Membership, Scope, User, Workspace

LAST_USED_EVERY = timedelta(minutes=1)


class MemberRequest(HttpRequest):
    """A request that passed `member`."""

    user: User
    membership: Membership
    workspace: Workspace
    htmx: HtmxDetails


class KeyRequest(HttpRequest):
    """A request that came with a good key."""

    auth: ApiKey


class KeyError401(Exception):
    """No usable key came with the request."""


class KeyError403(Exception):
    """The key is good, but not for this."""


def member[**P](
    role: str = "viewer",
) -> Callable[[Callable[Concatenate[MemberRequest, P], HttpResponse]], Callable[..., HttpResponse]]:
    """For pages under /o/<workspace_id>/: sign in first, 404 for another's workspace, 403 below the role."""

    def decorate(view: Callable[Concatenate[MemberRequest, P], HttpResponse]) -> Callable[..., HttpResponse]:
        @login_required
        @functools.wraps(view)
        def guarded(request: HttpRequest, workspace_id: uuid.UUID, *args: Any, **kwargs: Any) -> HttpResponse:
            membership = membership_or_404(cast(User, request.user), workspace_id)
            if not membership.may(role):
                raise PermissionDenied(f"This needs the role {role}; yours is {membership.role}.")
            mine = cast(MemberRequest, request)
            mine.membership, mine.workspace = membership, membership.workspace
            return view(mine, *args, **kwargs)

        return guarded

    return decorate


def membership_or_404(user: User, workspace_id: uuid.UUID) -> Membership:
    for membership in user.my_memberships:
        if membership.workspace_id == workspace_id:
            return membership
    raise Http404("No such workspace")


def member_or_404(workspace: Workspace, membership_id: int) -> Membership:
    membership = Membership.objects.in_workspace(workspace).filter(pk=membership_id).first()
    if membership is None:
        raise Http404("No such member")
    return membership


def api_key_or_404(workspace: Workspace, key_id: uuid.UUID) -> ApiKey:
    key: ApiKey | None = ApiKey.objects.in_workspace(workspace).filter(pk=key_id).first()
    if key is None:
        raise Http404("No such key")
    return key


def key_of(request: HttpRequest, *, scope: str = Scope.FULL) -> ApiKey:
    """The key of an API request. Raises KeyError401 or KeyError403.

    Python 0.11's generated client sends the header twice, which arrives as "k,k"; OAuth profiles send a bearer token.
    """
    header = request.headers.get("x-api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
    secret = header.split(",")[0].strip()
    key: ApiKey | None = ApiKey.objects.usable_with(secret) if secret else None
    if key is None:
        raise KeyError401(
            "Send a valid API key in the x-api-key header (LANGSMITH_API_KEY); make one under Settings, API keys."
        )
    if scope == Scope.FULL and key.scope != Scope.FULL:
        raise KeyError403("This key may only send runs. Use a key with full scope to read.")
    tenant = request.headers.get("x-tenant-id", "")
    if tenant and tenant.lower() != str(key.workspace_id):
        raise KeyError403(
            f"This key belongs to another workspace than X-Tenant-Id {tenant}; unset LANGSMITH_WORKSPACE_ID."
        )
    note_use(key)
    return key


def note_use(key: ApiKey) -> None:
    """Once a minute at most: a write on every request would make all batches of a key wait for one row."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
