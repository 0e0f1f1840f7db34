from django.urls import path, register_converter

from apps.runs.listing import list_views
from apps.threads import configure_views, context_views, export_views, shared_views, views
from apps.threads.converters import ThreadIdConverter
from apps.threads.tab import THREADS

app_name = "threads"

PROJECT = "o/<uuid:workspace_id>/projects/p/<uuid:project_id>"

register_converter(ThreadIdConverter, "thread")

urlpatterns = [
    *list_views.patterns(PROJECT + "/threads", THREADS),
    path(PROJECT + "/configure", configure_views.configure, name="configure"),
    path(PROJECT + "/export", export_views.export, name="export"),
    path(PROJECT + "/r/<uuid:trace_id>/saw", context_views.saw, name="saw"),
    path(PROJECT + "/share", shared_views.share, name="share"),
    path("o/<uuid:workspace_id>/settings/shared", shared_views.links, name="shared_links"),
    path("o/<uuid:workspace_id>/settings/shared/<uuid:token>/revoke", shared_views.revoke_link, name="revoke_link"),
    path("public/<uuid:token>/r", shared_views.shared),
    path("public/<uuid:token>/r/<uuid:run_id>", shared_views.shared_run),
    path("public/<uuid:token>/r/<uuid:run_id>/<slug:field>.json", shared_views.shared_raw),
    path(PROJECT + "/t/<thread:thread_id>", views.thread, name="detail"),
]
