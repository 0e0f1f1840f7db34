from django.urls import path

from apps.projects import views

app_name = "projects"

PROJECTS = "o/<uuid:workspace_id>/projects"

urlpatterns = [
    path(PROJECTS, views.projects, name="list"),
    path(PROJECTS + "/new", views.create, name="create"),
    path(PROJECTS + "/samples", views.load_samples, name="load_samples"),
    path(PROJECTS + "/p/<uuid:project_id>", views.detail, name="detail"),
    path(PROJECTS + "/p/<uuid:project_id>/settings", views.settings, name="settings"),
    path(PROJECTS + "/p/<uuid:project_id>/delete", views.delete, name="delete"),
]
