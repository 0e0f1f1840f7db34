"""Who may do what: users sign in by e-mail, belong to workspaces with a role, and programs come with an API key."""

import functools
import hashlib
import secrets
import uuid
from typing import Any, ClassVar, Self, cast

import psycopg
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import connection, models
from django.utils import timezone
from django.utils.functional import cached_property

from apps.common.sql import Written, parted


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def by_email(self, email: str) -> "User | None":
        """However it is written: addresses are kept in lower case."""
        return self.filter(email=email.lower()).first()

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField("may use the admin site", default=False)
    date_joined = models.DateTimeField(default=timezone.now)
    timezone = models.CharField(
        max_length=64, blank=True, help_text="in which times are shown; empty: as the browser says"
    )

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    def __str__(self) -> str:
        return self.name or self.email

    @cached_property
    def my_memberships(self) -> "list[Membership]":
        """Read once a request: the door looks one up, and every page lists them."""
        return list(Membership.objects.of(self))


class Workspace(models.Model):
    """The tenant. Nothing of one workspace is visible from another; its id is the SDKs' tenant_id."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """In rising order of rights: see RANK."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    EDITOR = "editor"
    ADMIN = "admin"


RANK = {role: rank for rank, role in enumerate(Role.values)}


class MembershipQuerySet(models.QuerySet["Membership"]):
    def of(self, user: User) -> Self:
        return self.filter(user=user).select_related("workspace").order_by("workspace__name", "pk")

    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace).select_related("user").order_by("user__email")

    def admins(self) -> Self:
        return self.filter(role=Role.ADMIN)

    def user_with_theirs(self, user_id: int) -> User | None:
        """The user, with all their memberships at hand; None for one who has none."""
        found = _THEIRS.rows(user_id)
        if not found:
            return None
        mine = []
        for row in found:
            membership, user, membership.workspace = parted(row, Membership, User, Workspace)
            mine.append(membership)
        user.my_memberships = mine
        return cast(User, user)


_THEIRS = Written(lambda user: Membership.objects.of(User(pk=user)).select_related("user", "workspace"), 0)


class Membership(models.Model):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "workspace"], name="one_membership_per_workspace")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.workspace_id} as {self.role}"

    def may(self, role: str) -> bool:
        return RANK[self.role] >= RANK[role]


class Scope(models.TextChoices):
    INGEST = "ingest", "ingest only"
    FULL = "full", "full"


KEY_PREFIX = "tl_"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> Self:
        return self.filter(revoked_at=None).select_related("workspace")

    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace).select_related("created_by").order_by("revoked_at", "-created_at")


class ApiKeyManager(models.Manager.from_queryset(ApiKeyQuerySet)):  # type: ignore[misc]
    def issue(self, workspace: Workspace, name: str, *, secret: str = "", **fields: Any) -> tuple["ApiKey", str]:
        """A new key and its secret: the only moment at which the secret is known."""
        secret = secret or KEY_PREFIX + secrets.token_urlsafe(30)
        key = self.create(workspace=workspace, name=name, hint=secret[:7], digest=key_digest(secret), **fields)
        return key, secret

    def usable_with(self, secret: str) -> "ApiKey | None":
        """On the path of every request of a program: the query is built once and prepared, which takes a twentieth of the time."""
        connection.ensure_connection()
        with connection.wrap_database_errors:
            row = (
                psycopg.Cursor(connection.connection)
                .execute(_usable_sql(), [key_digest(secret)], prepare=True)
                .fetchone()
            )
        if row is None:
            return None
        key, key.workspace = parted(row, ApiKey, Workspace)
        return cast(ApiKey, key)


@functools.cache
def _usable_sql() -> str:
    """A key and its workspace, all columns of the one and then of the other."""
    return str(ApiKey.objects.usable().filter(digest="").query.sql_with_params()[0])


def key_digest(secret: str) -> str:
    """SHA-256, hex. A key is 240 random bits, so a slow password hash would add cost to each request and no safety."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKey(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    hint = models.CharField("starts with", max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.FULL)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyManager()

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    def in_workspace(self, workspace: Workspace) -> Self:
        return self.filter(workspace=workspace).select_related("actor")


class AuditEntry(models.Model):
    """Who changed what: keys, members, projects, saved settings. Written in the transaction of the change."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=300, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["workspace", "-at"], name="audit_latest")]

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
