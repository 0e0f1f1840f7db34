"""What can be done to several rows of a list at once: those that are ticked, or all that the filter finds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from apps.accounts.access import MemberRequest
from apps.projects.models import Project
from apps.runs.listing.asked import Asked

MOST_TICKED: Final = 1_000


@dataclass(frozen=True)
class Selected[Q: QuerySet[Any]]:
    """asked is that of the page, to which the reader returns; route names its address. option is what the button says beside its action."""

    project: Project
    asked: Asked
    form: QueryDict
    option: str
    rows: Q
    route: str

    @property
    def page(self) -> str:
        url = reverse(self.route, args=[self.project.workspace_id, self.project.pk])
        return f"{url}?{query}" if (query := self.asked.query()) else url


@dataclass(frozen=True)
class Action[Q: QuerySet[Any]]:
    """A button of the bulk bar and what it does. template is its part of the bar; role the lowest that may."""

    id: str
    role: str
    template: str
    run: Callable[[MemberRequest, Selected[Q]], HttpResponseBase]


def carry_out[Q: QuerySet[Any]](
    request: MemberRequest, actions: Iterable[Action[Q]], selection_of: Callable[[str], Selected[Q]]
) -> HttpResponse:
    """The action of the button that was pressed, which is called like it or like tag.remove. selection_of is given what follows the dot."""
    name, _, option = request.POST.get("do", "").partition(".")
    chosen = next((each for each in actions if each.id == name), None)
    if chosen is None:
        raise Http404("No such action")
    if not request.membership.may(chosen.role):
        raise PermissionDenied(f"This needs the role {chosen.role}; yours is {request.membership.role}.")
    selection = selection_of(option)
    if not selection.rows.exists():
        messages.error(request, "Select rows first.")
        return redirect(selection.page)
    return cast(HttpResponse, chosen.run(request, selection))
