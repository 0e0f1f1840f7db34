from django.urls import path, register_converter

from apps.threads import views
from apps.threads.converters import ThreadIdConverter

app_name = "threads"

PROJECT = "o/<uuid:workspace_id>/projects/p/<uuid:project_id>"

register_converter(ThreadIdConverter, "thread")

urlpatterns = [
    path(PROJECT + "/threads", views.threads, name="list"),
    path(PROJECT + "/threads/newer", views.newer, name="newer"),
    path(PROJECT + "/t/<thread:thread_id>", views.thread, name="detail"),
]
