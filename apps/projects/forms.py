from typing import Any

from django import forms

from apps.common.templatetags.threadline import plural
from apps.projects import ports
from apps.projects.models import Project


class ProjectForm(forms.Form):
    """For the project given, saved or new: its workspace has no other of the name."""

    name = forms.CharField(max_length=500, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    description = forms.CharField(required=False, max_length=10_000, widget=forms.Textarea(attrs={"rows": 3}))

    keep_days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=36_500,
        label="Keep conversations for",
        help_text="Days after their last activity. Empty keeps them for good. One with a tag of its own is always kept.",
    )

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data, initial={name: getattr(project, name) for name in ("name", "description", "keep_days")})
        self.project = project
        self.outdated = 0
        """Threads that the limit would delete and that nobody has agreed to yet."""

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if Project.objects.in_workspace(self.project.workspace).others_named(self.project, name).exists():
            raise forms.ValidationError("This workspace has a project of that name.")
        return name

    def clean_keep_days(self) -> int | None:
        days: int | None = self.cleaned_data["keep_days"]
        if days and days != self.project.keep_days and self.data.get("agreed") != str(days):
            self.outdated = ports.outdated(self.project, days)
        if self.outdated:
            raise forms.ValidationError(f"{plural(self.outdated, 'thread')} would be deleted within the hour.")
        return days


class DeleteForm(forms.Form):
    """Deleting takes every run along, so it wants the name typed."""

    confirm = forms.CharField(label="Name of the project", widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, project: Project, data: Any = None) -> None:
        super().__init__(data)
        self.project = project

    def clean_confirm(self) -> str:
        confirm = str(self.cleaned_data["confirm"])
        if confirm != self.project.name.strip():
            raise forms.ValidationError("That is not its name.")
        return confirm


class SearchForm(forms.Form):
    q = forms.CharField(required=False, max_length=200)

    def text(self) -> str:
        return str(self.cleaned_data["q"]) if self.is_valid() else ""
