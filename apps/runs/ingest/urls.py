from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import path, re_path
from django.views.decorators.csrf import csrf_exempt

from apps.runs.ingest import views
from apps.runs.ingest.otlp.views import traces


@csrf_exempt
def one_run(request: HttpRequest, run_id: str) -> HttpResponse:
    """PATCH writes, GET reads: the two belong to different halves of the program."""
    if request.method == "PATCH":
        return views.update_run(request, run_id)
    if request.method == "GET":
        from config.api import api_get_run

        return api_get_run(request, run_id)
    return HttpResponseNotAllowed(["GET", "PATCH"])


urlpatterns = [
    path("info", views.info),
    path("runs/multipart", views.runs_multipart),
    path("runs/batch", views.runs_batch),
    path("runs", views.create_run),
    path("otel/v1/traces", traces),
    re_path(r"^runs/(?P<run_id>[0-9a-fA-F-]{32,36})$", one_run),
]
