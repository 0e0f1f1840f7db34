"""The forms of the builder and of saved filters. A form of the builder is never refused as a whole: each row says what it lacks."""

import re
from typing import Any, Final

import django_filters
from django import forms

from apps.accounts.models import Membership
from apps.runs.listing.rows import MAX_KEY, MAX_VALUE, Row, several, text_of
from apps.runs.listing.saved import SavedFilter
from apps.runs.listing.scopes import MOMENTS, WITH_SEVERAL, WITHOUT_VALUE, Offer, Scope
from apps.runs.listing.values import SUGGESTED
from apps.runs.query.fields import Kind
from apps.runs.query.nodes import FilterError

JOINS: Final = (("all", "all of"), ("any", "any of"), ("none", "none of"))
HINTS: Final = {
    Kind.SECONDS: "such as 500ms, 5s or 2m",
    Kind.MONEY: "US dollars",
    Kind.NUMBER: "a number",
    Kind.ID: "an id",
}
# What a field for a date and a time can show. Others, such as one with an offset, stay text, or they would be lost.
PICKED: Final = re.compile(r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?")
BOTH: Final = (("true", "yes"), ("false", "no"))


class RowForm(forms.Form):
    """What does not fit, such as the operator of the field that was chosen before, gives way to the first that fits."""

    field = forms.ChoiceField()
    key = forms.CharField(required=False, max_length=MAX_KEY, strip=False)
    op = forms.ChoiceField(label="operator")
    value = forms.CharField(required=False, max_length=MAX_VALUE, strip=False)

    def __init__(self, data: dict[str, str], prefix: str, scope: Scope, number: int) -> None:
        self.scope, self.number = scope, number
        offers = scope.offers()
        self.offer: Offer = offers.get(data.get(f"{prefix}-field", "")) or next(iter(offers.values()))
        op = data.get(f"{prefix}-op", "")
        self.operator = op if op in self.offer.operators else self.offer.operators[0]
        super().__init__({**data, f"{prefix}-field": self.offer.name, f"{prefix}-op": self.operator}, prefix=prefix)
        self._dress()

    def _dress(self) -> None:
        """Fields with what may be chosen now, each named for who cannot see the row."""
        field, key, op, value = (self.fields[name] for name in ("field", "key", "op", "value"))
        field.choices = [(head, [(o.name, o.label) for o in group]) for head, group in self.scope.groups]  # type: ignore[attr-defined]
        op.choices = self.offer.operator_labels()  # type: ignore[attr-defined]
        if self.offer.kind is Kind.FLAG:
            value.widget = forms.Select(choices=BOTH)
        elif self.in_zone and PICKED.fullmatch(self.data.get(f"{self.prefix}-value", "")):
            value.widget = forms.TextInput({"type": "datetime-local", "step": "any"})
        hint = "a, b, c" if self.operator in WITH_SEVERAL else HINTS.get(self.offer.kind, "")
        for each, name, placeholder in (
            (field, "field", ""),
            (key, "key", "any key"),
            (op, "op", ""),
            (value, "value", hint),
        ):
            label = f"{(each.label or name).capitalize()} of condition {self.number}"
            each.widget.attrs |= {"class": f"input f-{name}", "aria-label": label}
            if each in (field, op):
                each.widget.attrs["data-submit"] = True
            elif each is key or self.has_menu:
                each.widget.attrs |= self._combobox(name)
            if placeholder:
                each.widget.attrs["placeholder"] = placeholder

    def _combobox(self, name: str) -> dict[str, str]:
        several = {"data-several": ""} if name == "value" and self.operator in WITH_SEVERAL else {}
        menu = f"{self.prefix}-{name}-menu"
        return {
            "role": "combobox",
            "aria-autocomplete": "list",
            "aria-expanded": "false",
            "aria-controls": menu,
            "autocomplete": "off",
            **several,
        }

    @property
    def has_menu(self) -> bool:
        """Whether there are values to choose from."""
        fits = self.operator not in ("has", "hasnt", "starts", "words", "nowords", *MOMENTS)
        return fits and self.offer.name in SUGGESTED

    @property
    def in_zone(self) -> bool:
        """Whether the value is a time of the reader's zone."""
        return self.offer.kind is Kind.TIME

    @property
    def wants_key(self) -> bool:
        return bool(self.offer.relation)

    @property
    def wants_value(self) -> bool:
        return self.operator not in WITHOUT_VALUE

    @property
    def is_blank(self) -> bool:
        return self.wants_value and not any(self.data.get(f"{self.prefix}-{name}") for name in ("key", "value"))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        value = cleaned["value"]
        if self.wants_value and not (several(value) if self.operator in WITH_SEVERAL else value.strip()):
            self.add_error("value", "Give this condition a value, or remove it.")
        elif self.wants_key and not self.wants_value and not cleaned["key"]:
            self.add_error("key", "Say which key.")
        else:
            try:
                self.scope.parse(text_of(self.item(), self.scope))
            except FilterError as error:
                self.add_error("value", f"{error.message}.")
        return cleaned

    def item(self) -> Row:
        cleaned = self.cleaned_data
        return Row(
            self.offer.name,
            self.operator,
            cleaned["value"] if self.wants_value else "",
            cleaned["key"] if self.wants_key else "",
        )


class SaveForm(forms.Form):
    """For the saved filter given, new or not."""

    name = forms.CharField(max_length=60, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(
        required=False, max_length=300, help_text="What it is for, for those who find it later."
    )
    pinned = forms.BooleanField(required=False, label="Show it as a tab above the table")
    is_default = forms.BooleanField(required=False, label="Open the list with it")
    shared = forms.BooleanField(required=False, label="Share it with everybody in the workspace")

    def __init__(self, saved: SavedFilter, membership: Membership, data: Any = None) -> None:
        initial = {name: getattr(saved, name) for name in self.base_fields}
        super().__init__(data, initial=initial)
        self.saved = saved
        if not membership.may("editor"):
            del self.fields["shared"]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = SavedFilter.objects.in_project(self.saved.project, self.saved.kind)
        owner = self.saved.owner
        if (others.seen_by(owner) if owner else others).others_named(self.saved, name).exists():
            raise forms.ValidationError("There is a saved filter of that name.")
        return name

    def apply(self) -> None:
        for name, value in self.cleaned_data.items():
            setattr(self.saved, name, value)


class SavedFilters(django_filters.FilterSet):
    """What the page of saved filters can be narrowed to."""

    name = django_filters.CharFilter(method="search", label="Search saved filters")
    shared = django_filters.BooleanFilter()

    class Meta:
        model = SavedFilter
        fields: list[str] = []

    def search(self, found: Any, name: str, text: str) -> Any:
        return found.named_like(text)
