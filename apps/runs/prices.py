"""The table of prices, built-in and one's own; pricing.py computes with it."""

from collections.abc import Sequence
from typing import Self

from django.db import models
from django.db.models import Case, F, Value, When


class ModelPriceQuerySet(models.QuerySet["ModelPrice"]):
    def of_providers(self, providers: Sequence[str]) -> Self:
        """One's own prices first, then in the order of the providers, the newest start first."""
        order = Case(
            *(When(provider=name, then=Value(index)) for index, name in enumerate(providers)), default=Value(0)
        )
        rows = self.filter(provider__in=providers)
        return rows.order_by(
            Case(When(source="", then=0), default=1), order, F("starts_at").desc(nulls_last=True), "pk"
        )

    def built_in(self) -> Self:
        return self.exclude(source="")

    def from_source(self, source: str) -> Self:
        return self.filter(source=source)


class ModelPrice(models.Model):
    """What a model's tokens cost from a date on.

    `prices` is US dollars a million tokens by kind: input, output, and more specific ones (cache_read, cache_write, cache_write_1h,
    input_audio, output_audio, output_reasoning, input_image, output_image). An amount is a decimal as text, or
    {"base": "1.25", "tiers": [[200000, "2.5"]]}: the tier whose start the whole prompt exceeds.
    """

    provider = models.CharField(max_length=60, blank=True, help_text="as in ls_provider; empty matches every provider")
    model = models.CharField(max_length=200, help_text="the name to show")
    pattern = models.CharField(
        max_length=4000, help_text="regular expression that the model's name must match, in any case"
    )
    prices = models.JSONField(default=dict)
    starts_at = models.DateTimeField(null=True, blank=True, help_text="runs from this moment on; empty: always")
    source = models.CharField(
        max_length=60, blank=True, editable=False, help_text="the list it was loaded from; empty: your own"
    )

    objects = ModelPriceQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["provider", "model"], name="price_by_provider")]

    def __str__(self) -> str:
        return f"{self.provider} {self.model}"
