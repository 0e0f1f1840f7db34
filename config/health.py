"""For load balancers and `up`: does the process live, and can it do its work?"""

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from config import schema


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    try:
        missing = schema.expected() - schema.applied()
    except DatabaseError:
        return HttpResponse("the database does not answer\n", status=503, content_type="text/plain")
    if missing:
        return HttpResponse("migrations are missing: run manage.py up\n", status=503, content_type="text/plain")
    return HttpResponse("ready\n", content_type="text/plain")
