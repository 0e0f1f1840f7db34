from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import ApiKey, AuditEntry, Membership, User, Workspace
from apps.accounts.services import revoke_key
from apps.common.admin import Admin, BoundedPaginator, ReadOnlyAdmin

admin.site.site_header = "Threadline"
admin.site.site_title = "Threadline"
admin.site.index_title = "Data"
# One sign-in, with its rate limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

# Rights come from memberships and from is_superuser; addresses are a column of the user.
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)


class NewUserForm(AdminUserCreationForm):  # type: ignore[type-arg]
    class Meta:
        model = User
        fields = ("email", "name")
        field_classes = {"email": forms.EmailField}

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


class MembershipInline(admin.TabularInline):  # type: ignore[type-arg]
    model = Membership
    extra = 0
    autocomplete_fields = ("user", "workspace")
    readonly_fields = ("created_at",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin):  # type: ignore[type-arg]
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    filter_horizontal = ()
    readonly_fields = ("date_joined", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Rights on this server", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("date_joined", "last_login")}),
    )
    add_form = NewUserForm
    add_fieldsets = ((None, {"fields": ("email", "name", "usable_password", "password1", "password2")}),)
    inlines = (MembershipInline,)


@admin.register(Workspace)
class WorkspaceAdmin(Admin):
    list_display = ("name", "id", "created_at")
    search_fields = ("name", "=id")
    readonly_fields = ("id", "created_at")
    inlines = (MembershipInline,)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Only an empty one: its runs would stay behind without a project."""
        return super().has_delete_permission(request, obj) and obj is not None and not obj.projects.exists()


@admin.register(Membership)
class MembershipAdmin(Admin):
    list_display = ("user", "workspace", "role", "created_at")
    list_select_related = ("user", "workspace")
    list_filter = ("role",)
    search_fields = ("user__email", "workspace__name")
    autocomplete_fields = ("user", "workspace")
    readonly_fields = ("created_at",)


@admin.register(ApiKey)
class ApiKeyAdmin(Admin):
    """Keys are made under Settings, where the secret can be shown."""

    list_display = ("name", "hint", "workspace", "scope", "created_by", "created_at", "last_used_at", "revoked_at")
    list_select_related = ("workspace", "created_by")
    list_filter = ("scope",)
    search_fields = ("name", "hint", "workspace__name")
    fields = ("name", "workspace", "scope", "hint", "digest", "created_by", "created_at", "last_used_at", "revoked_at")
    readonly_fields = fields[1:]
    ordering = ("-created_at",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.action(description="Revoke the selected keys", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        for key in queryset.select_related("workspace"):
            revoke_key(key, request.user)  # type: ignore[arg-type]
        messages.success(request, "Revoked.")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    list_display = ("at", "workspace", "actor", "action", "target")
    list_select_related = ("workspace", "actor")
    list_filter = ("workspace",)
    ordering = ("-id",)
    sortable_by = ()
