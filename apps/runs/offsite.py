"""The page in which an image from elsewhere is loaded: nothing but that image, and nothing else may be loaded in it."""

from typing import Final

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from apps.common.offsite import signed

POLICY: Final = (
    "default-src 'none'; img-src {origin}; style-src 'self'; base-uri 'none'; frame-ancestors 'self'; sandbox"
)


@require_safe
@xframe_options_sameorigin
def offsite(request: HttpRequest) -> HttpResponse:
    """?image=<signed address>. It tells nothing of ours, so that whoever reads a shared page may ask for it too."""
    try:
        image = signed(request.GET.get("image", ""))
    except BadSignature:
        image = None
    if image is None:
        raise Http404("No page has made this address")
    answer = render(request, "runs/offsite.html", {"image": image})
    answer.headers["Content-Security-Policy"] = POLICY.format(origin=image.origin)
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
