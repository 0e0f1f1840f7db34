import contextlib
import uuid
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.common.admin import ReadOnlyAdmin
from apps.projects.models import Project
from apps.runs.models import thread_uuid
from apps.threads.models import Thread


@admin.register(Thread)
class ThreadAdmin(ReadOnlyAdmin):
    """Rollups: `manage.py reconcile` recomputes them."""

    list_display = ("thread_id", "project", "turns", "errored_turns", "total_tokens", "total_cost", "last_activity")
    list_select_related = ("project",)
    search_fields = ("id",)
    search_help_text = "A whole thread id, as the application sends it, or the uuid of the row"
    # By its key: no other order has an index over all projects.
    ordering = ("id",)
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Thread], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By primary key: a thread's uuid follows from its project and its id, and no index holds the id alone."""
        if not search_term:
            return queryset, False
        keys = [thread_uuid(project_id, search_term) for project_id in Project.objects.values_list("pk", flat=True)]
        with contextlib.suppress(ValueError):
            keys.append(uuid.UUID(search_term))
        return queryset.filter(pk__in=keys), False
