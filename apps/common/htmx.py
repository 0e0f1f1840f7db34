from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """The whole page, or for an htmx request the partial of the same template that bears the name of the target's id.

    A target without such a partial, a boosted link and a history restore get the whole page.
    """
    htmx = request.htmx  # type: ignore[attr-defined]
    partial = (
        (htmx.target or "").replace("-", "_") if htmx and not htmx.boosted and not htmx.history_restore_request else ""
    )
    names = [f"{template}#{partial}", template] if partial else [template]
    response = render(request, names, context, status=status)
    response.headers["Vary"] = "HX-Request, HX-Target, Cookie"
    return response
