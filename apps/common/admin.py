"""The admin site over tables of any size: nothing here counts or sorts a whole table."""

from typing import Any, ClassVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

COUNTED = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts up to COUNTED rows and shows as many: whoever wants a row behind them searches."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Model] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:COUNTED].count()


class Admin(admin.ModelAdmin):  # type: ignore[type-arg]
    paginator: ClassVar[type[Paginator]] = BoundedPaginator  # type: ignore[type-arg]
    show_full_result_count = False
    list_per_page = 50


class ReadOnlyAdmin(Admin):
    """To look at: the rows have another writer."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in self.opts.fields]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
