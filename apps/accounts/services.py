"""What changes who may do what. Each change and its audit entry are one transaction."""

from dataclasses import dataclass

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import ApiKey, AuditEntry, Membership, User, Workspace


class LastAdmin(Exception):
    """A workspace without an admin could never be managed again."""


@dataclass(frozen=True)
class Invitation:
    """path is where a person without a password sets one; empty for someone who signs in already."""

    membership: Membership
    path: str


def record(workspace: Workspace, actor: User | None, action: str, target: object = "") -> None:
    AuditEntry.objects.create(workspace=workspace, actor=actor, action=action, target=str(target)[:300])


def choose_zone(user: User, name: str) -> None:
    """Empty is that of the browser."""
    user.timezone = name
    user.save(update_fields=["timezone"])


@transaction.atomic
def issue_key(workspace: Workspace, by: User, name: str, scope: str) -> tuple[ApiKey, str]:
    """The key and its secret, which is known only now."""
    key, secret = ApiKey.objects.issue(workspace, name, scope=scope, created_by=by)
    record(workspace, by, "created API key", f"{key} ({key.get_scope_display()})")
    return key, secret


@transaction.atomic
def revoke_key(key: ApiKey, by: User) -> None:
    key.revoked_at = key.revoked_at or timezone.now()
    key.save(update_fields=["revoked_at"])
    record(key.workspace, by, "revoked API key", key)


@transaction.atomic
def rename_workspace(workspace: Workspace, by: User, name: str) -> None:
    before, workspace.name = workspace.name, name
    workspace.save(update_fields=["name"])
    record(workspace, by, "renamed the workspace", f"{before} → {name}")


@transaction.atomic
def change_role(membership: Membership, by: User, role: str) -> None:
    """Raises LastAdmin."""
    _keep_an_admin(membership, becomes=role)
    membership.role = role
    membership.save(update_fields=["role"])
    record(membership.workspace, by, f"made {role}", membership.user.email)


@transaction.atomic
def remove_member(membership: Membership, by: User) -> None:
    """Raises LastAdmin. The person keeps the account and other workspaces."""
    _keep_an_admin(membership, becomes="")
    membership.delete()
    record(membership.workspace, by, "removed member", membership.user.email)


def _keep_an_admin(membership: Membership, *, becomes: str) -> None:
    # Locked, or two admins who remove each other at once would both succeed.
    admins = list(Membership.objects.in_workspace(membership.workspace).admins().select_for_update(of=("self",)))
    if becomes != "admin" and [admin.pk for admin in admins] == [membership.pk]:
        raise LastAdmin


@transaction.atomic
def invite(workspace: Workspace, by: User, email: str, role: str) -> Invitation:
    """Adds the person, making the account if it is new. Someone who is a member already keeps the role."""
    user = User.objects.by_email(email) or User.objects.create_user(email)
    membership, added = Membership.objects.get_or_create(user=user, workspace=workspace, defaults={"role": role})
    if added:
        record(workspace, by, f"invited as {role}", user.email)
    return Invitation(membership, password_path(user))


def password_path(user: User) -> str:
    """Where a new person sets the first password; empty for someone who has one.

    Only for them: an admin of one workspace must not come into another through the account of a shared member.
    """
    if user.has_usable_password():
        return ""
    # Its flows take megabytes, which the worker does without.
    from allauth.account import app_settings as allauth_settings
    from allauth.account.utils import user_pk_to_url_str

    token = allauth_settings.PASSWORD_RESET_TOKEN_GENERATOR().make_token(user)
    return reverse("account_reset_password_from_key", args=[user_pk_to_url_str(user), token])
