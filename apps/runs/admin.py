import json
import re
import uuid
from typing import Any

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.common.admin import Admin, ReadOnlyAdmin
from apps.runs import payload, pricing
from apps.runs.by_id import RunById
from apps.runs.prices import ModelPrice

PAYLOADS = ("inputs", "outputs", "events", "extra", "serialized")
SHOWN_CHARACTERS = 200_000


def pretty(frame: bytes | memoryview | None) -> SafeString | str:
    """A payload as indented JSON, escaped, cut where a browser would struggle."""
    if frame is None:
        return "-"
    text = json.dumps(payload.load(frame), indent=2, ensure_ascii=False)
    if len(text) > SHOWN_CHARACTERS:
        text = f"{text[:SHOWN_CHARACTERS]}\n… {len(text) - SHOWN_CHARACTERS:,} more characters; GET /api/v1/runs/<id> has all"
    return format_html("<pre>{}</pre>", text)


class FoundPaginator(Paginator):  # type: ignore[type-arg]
    """A search by id finds one row at most, so it is fetched rather than counted."""

    @cached_property
    def count(self) -> int:
        return len(self.object_list)


@admin.register(RunById)
class RunAdmin(ReadOnlyAdmin):
    """Read-only, and found by id only: there may be more runs than any list could show."""

    paginator = FoundPaginator
    list_display = ("id", "name", "run_type", "status", "project", "thread_id", "start_time")
    list_select_related = ("project",)
    search_fields = ("id",)
    search_help_text = "Runs are found by id: paste the id of a run, or of a trace for its root."
    ordering = ("id",)
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[RunById], search_term: str
    ) -> tuple[QuerySet[RunById], bool]:
        try:
            return queryset.filter(pk=uuid.UUID(search_term.strip())), False
        except ValueError:
            return queryset.none(), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        payloads = [f"{name}_json" for name in PAYLOADS]
        first = ["id", "trace_id", "project", "name", "run_type", "status", "error", *payloads]
        return [*first, *(field.name for field in self.opts.fields if field.name not in (*first, *PAYLOADS))]

    @admin.display(description="inputs")
    def inputs_json(self, run: RunById) -> SafeString | str:
        return pretty(run.inputs)

    @admin.display(description="outputs")
    def outputs_json(self, run: RunById) -> SafeString | str:
        return pretty(run.outputs)

    @admin.display(description="events")
    def events_json(self, run: RunById) -> SafeString | str:
        return pretty(run.events)

    @admin.display(description="extra")
    def extra_json(self, run: RunById) -> SafeString | str:
        return pretty(run.extra)

    @admin.display(description="serialized")
    def serialized_json(self, run: RunById) -> SafeString | str:
        return pretty(run.serialized)


class ModelPriceForm(forms.ModelForm):  # type: ignore[type-arg]
    prices = forms.JSONField(
        initial={"input": "0.15", "output": "0.60"},
        help_text=f"US dollars a million tokens, for any of {', '.join(pricing.PRICED)}. Counts for runs that arrive from now on.",
    )

    def clean_pattern(self) -> str:
        pattern = str(self.cleaned_data["pattern"])
        try:
            re.compile(pattern)
        except re.error as error:
            raise forms.ValidationError(f"This is no regular expression: {error}.") from None
        return pattern

    def clean_prices(self) -> Any:
        prices = self.cleaned_data["prices"]
        try:
            pricing.check(prices)
        except ValueError as problem:
            raise forms.ValidationError(str(problem)) from None
        return prices


@admin.register(ModelPrice)
class ModelPriceAdmin(Admin):
    """One's own prices; those that were loaded are to look at, because the next loading replaces them."""

    form = ModelPriceForm
    list_display = ("model", "provider", "pattern", "starts_at", "source")
    list_filter = ("source",)
    search_fields = ("model", "provider", "pattern")
    ordering = ("source", "provider", "model", "pk")
    fields = ("model", "provider", "pattern", "prices", "starts_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.source) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not (obj and obj.source) and super().has_delete_permission(request, obj)
