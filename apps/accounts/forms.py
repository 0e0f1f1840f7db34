from django import forms

from apps.accounts.models import ApiKey, Role, Scope, Workspace
from apps.accounts.zones import places


def name_of(model: type[ApiKey | Workspace], **attrs: str) -> forms.CharField:
    longest = model._meta.get_field("name").max_length
    return forms.CharField(max_length=longest, widget=forms.TextInput(attrs={"autocomplete": "off", **attrs}))


class KeyForm(forms.Form):
    name = name_of(ApiKey, placeholder="checkout service, production")
    scope = forms.ChoiceField(
        choices=[(Scope.FULL, "Full: send and read"), (Scope.INGEST, "Ingest only: send, never read")],
        initial=Scope.FULL,
    )


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices, initial=Role.EDITOR)


class InviteForm(RoleForm):
    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"placeholder": "grace@example.org", "autocomplete": "off"}),
    )
    field_order = ("email", "role")


class ZoneForm(forms.Form):
    timezone = forms.ChoiceField(
        label="Time zone",
        required=False,
        choices=lambda: [
            ("", "As my browser says"),
            ("UTC", "UTC"),
            *((name, name.replace("_", " ")) for name in places()),
        ],
        help_text="In which pages show times, and in which you type them. The API and exports always tell UTC.",
    )


class WorkspaceForm(forms.Form):
    name = name_of(Workspace)
