"""The form of a feedback key: in the settings, and shorter in the Annotate panel."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django import forms

from apps.feedback.keys import MAX_KEY, config_json
from apps.feedback.models import FeedbackKey, KeyType

KINDS = [
    (KeyType.BOOLEAN, "Yes or no"),
    (KeyType.CONTINUOUS, "Number"),
    (KeyType.CATEGORICAL, "Labels"),
    (KeyType.FREEFORM, "Text"),
]


@dataclass(frozen=True)
class Suggestion:
    """A key to begin with. more is what KeyForm is sent beside its name and kind."""

    name: str
    type: KeyType
    takes: str
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> dict[str, str]:
        return {"key": self.name, "type": self.type.value, **self.more}


SUGGESTED: Final = (
    Suggestion("correctness", KeyType.BOOLEAN, "yes or no"),
    Suggestion("helpfulness", KeyType.CONTINUOUS, "1 to 5", {"min": "1", "max": "5"}),
    Suggestion("tone", KeyType.CATEGORICAL, "rude, neutral, kind", {"labels": "rude, neutral, kind"}),
)


class KeyForm(forms.Form):
    key = forms.CharField(max_length=MAX_KEY, label="Name")
    type = forms.ChoiceField(choices=KINDS, label="Kind")
    labels = forms.CharField(
        required=False,
        max_length=20_000,
        label="Labels",
        widget=forms.Textarea(attrs={"rows": 4, "placeholder": "wrong\npartly right\nright = 5"}),
        help_text="One a line, or with commas. They count 0, 1, 2 … unless a line gives its number: right = 5",
    )
    min = forms.FloatField(required=False, label="Lowest", widget=forms.NumberInput(attrs={"step": "any"}))
    max = forms.FloatField(required=False, label="Highest", widget=forms.NumberInput(attrs={"step": "any"}))
    multiple = forms.BooleanField(required=False, label="Several labels at once")
    lower_is_better = forms.BooleanField(required=False, label="A lower score is better")

    @classmethod
    def editing(cls, config: FeedbackKey, data: Any = None) -> "KeyForm":
        """The name stays: feedback is stored under it."""
        given = config_json(config)
        lines = "\n".join(_line(item) for item in given["categories"] or [])
        form = cls(
            data,
            initial={
                **given,
                "key": config.key,
                "labels": lines,
                "multiple": config.multiple,
                "lower_is_better": config.is_lower_score_better,
            },
        )
        form.fields["key"].disabled = True
        return form

    def config(self) -> dict[str, Any]:
        """As the API has it."""
        data = self.cleaned_data
        return {
            "type": data["type"],
            "min": data["min"],
            "max": data["max"],
            "categories": categories(data["labels"]) if data["type"] == KeyType.CATEGORICAL else None,
            "allows_multiple_categories": data["multiple"],
        }


def categories(text: str) -> list[dict[str, Any]]:
    """A label a line, or between commas in a single line, with a number of its own after an equals sign."""
    found: list[dict[str, Any]] = []
    parts = text.splitlines() if "\n" in text.strip() else text.split(",")
    for line in filter(None, (part.strip() for part in parts)):
        label, value = _parted(line)
        found.append({"label": label or None, "value": len(found) if value is None else value})
    return found


def _parted(line: str) -> tuple[str, float | None]:
    label, equals, number = line.rpartition("=")
    try:
        return (label.strip(), float(number)) if equals else (line, None)
    except ValueError:
        return line, None


def _line(item: dict[str, Any]) -> str:
    return f"{item['label'] or ''} = {item['value']:g}".strip()
