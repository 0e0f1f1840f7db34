from django.urls import path

from apps.runs import downloads, views

app_name = "runs"

RUN = "o/<uuid:workspace_id>/projects/p/<uuid:project_id>/r/<uuid:run_id>"

urlpatterns = [
    path("attachments/<str:token>", downloads.attachment, name="attachment"),
    path(RUN, views.run, name="detail"),
    path(RUN + "/<slug:field>.json", views.raw, name="raw"),
]
