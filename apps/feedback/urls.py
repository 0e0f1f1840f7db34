from django.urls import path

from apps.feedback import views

app_name = "feedback"

PROJECT = "o/<uuid:workspace_id>/projects/p/<uuid:project_id>"
SETTINGS = "o/<uuid:workspace_id>/settings/feedback"

urlpatterns = [
    path(PROJECT + "/annotate", views.annotate, name="annotate"),
    path(PROJECT + "/annotate/key", views.make_key, name="make_key"),
    path(PROJECT + "/feedback", views.given, name="given"),
    path(PROJECT + "/feedback/strip", views.strip, name="strip"),
    path(PROJECT + "/feedback/marks", views.marks, name="marks"),
    path(SETTINGS, views.keys, name="keys"),
    path(SETTINGS + "/key", views.key, name="key"),
    path(SETTINGS + "/key/delete", views.delete_key, name="delete_key"),
]
