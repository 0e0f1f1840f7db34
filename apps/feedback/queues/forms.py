"""The form of a queue: its texts, who reviews and how often, and its rubric row by row."""

from typing import Any, Final

from django import forms

from apps.accounts.models import Membership, Role, Workspace
from apps.feedback.keys import MAX_KEY
from apps.feedback.queues.models import LONGEST_RESERVATION, MAX_TEXT, MOST_REVIEWS, RESERVED_FOR, AnnotationQueue
from apps.feedback.queues.rubric import LONGEST_TEXT, MOST_KEYS, BadRubric, rubric_from

BLANK_ROWS: Final = 2
ANY, ASSIGNED = "any", "assigned"


class QueueForm(forms.Form):
    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 2}))
    instructions = forms.CharField(
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What reviewers are to look for. Markdown.",
    )
    reviews_needed = forms.IntegerField(
        label="Reviews per item",
        min_value=1,
        max_value=MOST_REVIEWS,
        initial=1,
        help_text="By different people. With 2 or more nobody sees the others' verdicts before they are done.",
    )
    reserved_minutes = forms.IntegerField(
        label="Minutes reserved",
        min_value=0,
        max_value=LONGEST_RESERVATION,
        initial=RESERVED_FOR,
        help_text="An item is kept so long for who opened it. 0: several people may open the same item.",
    )
    access = forms.ChoiceField(
        label="Who reviews",
        choices=[(ANY, "Anybody who may annotate"), (ASSIGNED, "Only these people")],
        initial=ANY,
        widget=forms.RadioSelect,
    )
    reviewers = forms.ModelMultipleChoiceField(
        Membership.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, label="People"
    )

    def __init__(self, workspace: Workspace, queue: AnnotationQueue | None = None, data: Any = None) -> None:
        super().__init__(data, initial=_initial(queue) if queue else None)
        people = Membership.objects.in_workspace(workspace).exclude(role=Role.VIEWER)
        field: Any = self.fields["reviewers"]
        field.queryset = people
        field.label_from_instance = lambda membership: str(membership.user)

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if found.get("access") == ASSIGNED:
            people, needed = found.get("reviewers", []), found.get("reviews_needed") or 1
            if len(people) < needed:
                self.add_error("reviewers", f"Choose at least {needed}: each item needs reviews by that many people.")
        return found

    def values(self) -> dict[str, Any]:
        """The columns of the queue."""
        names = ("name", "description", "instructions", "reviews_needed", "reserved_minutes")
        return {name: self.cleaned_data[name] for name in names} | {
            "assigned_only": self.cleaned_data["access"] == ASSIGNED
        }


def _initial(queue: AnnotationQueue) -> dict[str, Any]:
    names = ("name", "description", "instructions", "reviews_needed", "reserved_minutes")
    return {name: getattr(queue, name) for name in names} | {
        "access": ASSIGNED if queue.assigned_only else ANY,
        "reviewers": list(queue.reviewers.all()),
    }


class RubricForm(forms.Form):
    """A row; one without a key does not count."""

    key = forms.CharField(
        required=False,
        max_length=MAX_KEY,
        widget=forms.TextInput(attrs={"list": "feedback-keys", "autocomplete": "off"}),
    )
    description = forms.CharField(
        required=False, max_length=LONGEST_TEXT, label="What it asks", widget=forms.Textarea(attrs={"rows": 2})
    )
    values = forms.CharField(
        required=False,
        max_length=MAX_TEXT,
        label="What each label or score means",
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "label: what it means"}),
        help_text="One a line.",
    )
    required = forms.BooleanField(required=False, label="Required")


class BaseRubricFormSet(forms.BaseFormSet):  # type: ignore[type-arg]  # not generic at run time
    def clean(self) -> None:
        if any(self.errors):
            return
        try:
            self.rubric = rubric_from(_row(form.cleaned_data) for form in self.forms if form.cleaned_data.get("key"))
        except BadRubric as error:
            raise forms.ValidationError(str(error).removeprefix("rubric_items: ")) from None


RubricFormSet = forms.formset_factory(
    RubricForm, formset=BaseRubricFormSet, extra=BLANK_ROWS, max_num=MOST_KEYS, absolute_max=MOST_KEYS + BLANK_ROWS
)


def rubric_forms(queue: AnnotationQueue | None, data: Any = None) -> Any:
    stored = queue.rubric if queue else []
    return RubricFormSet(data, initial=[_initial_row(row) for row in stored], prefix="rubric")


def _row(given: dict[str, Any]) -> dict[str, Any]:
    texts = dict(_line(line) for line in given["values"].splitlines() if line.strip())
    scores = {name: text for name, text in texts.items() if _is_number(name)}
    labels = {name: text for name, text in texts.items() if name not in scores}
    return {
        "feedback_key": given["key"],
        "description": given["description"],
        "is_required": given["required"],
        "value_descriptions": labels,
        "score_descriptions": scores,
    }


def _line(line: str) -> tuple[str, str]:
    name, _, text = line.partition(":")
    return name.strip(), text.strip()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _initial_row(row: dict[str, Any]) -> dict[str, Any]:
    texts = [*row["value_descriptions"], *row["score_descriptions"]]
    return {
        "key": row["feedback_key"],
        "description": row["description"],
        "required": row["is_required"],
        "values": "\n".join(f"{name}: {text}" for name, text in texts),
    }
