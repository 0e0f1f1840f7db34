from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from apps.accounts.views import home
from apps.runs.ingest.otlp.views import traces
from config.api import routes
from config.health import healthz, readyz
from config.unserved import routes as unserved

urlpatterns = [
    *(path(prefix, include("apps.runs.ingest.urls")) for prefix in ("", "api/", "api/v1/")),
    *(path(prefix, include("apps.feedback.api_urls")) for prefix in ("", "api/", "api/v1/")),
    *unserved(),
    *routes(),
    path("v1/traces", traces),
    path("healthz", healthz),
    path("readyz", readyz),
    path("admin/", admin.site.urls),
    path("accounts/", include("apps.accounts.signin_urls")),
    path("favicon.ico", RedirectView.as_view(url="/static/favicon.svg")),
    path("", home, name="home"),
    path("", include("apps.accounts.urls")),
    path("", include("apps.projects.urls")),
    path("", include("apps.feedback.urls")),
    path("", include("apps.feedback.queues.urls")),
    path("", include("apps.threads.urls")),
    path("", include("apps.runs.urls")),
]
