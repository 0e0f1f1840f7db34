from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.common.admin import Admin
from apps.projects import services
from apps.projects.models import Project


@admin.register(Project)
class ProjectAdmin(Admin):
    list_display = ("name", "workspace", "start_time", "id")
    list_select_related = ("workspace",)
    list_filter = ("workspace",)
    search_fields = ("name", "=id")
    ordering = ("workspace__name", "name")
    autocomplete_fields = ("workspace",)
    readonly_fields = ("id",)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """With its runs, which no foreign key ties to it."""
        services.delete(obj, cast(User, request.user))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        for project in queryset:
            self.delete_model(request, project)
