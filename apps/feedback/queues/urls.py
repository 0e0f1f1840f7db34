from django.urls import path

from apps.feedback.queues import add_views, review_views, views

app_name = "queues"

QUEUES = "o/<uuid:workspace_id>/queues"
QUEUE = QUEUES + "/<uuid:queue_id>"
ITEM = QUEUE + "/items/<uuid:item_id>"

urlpatterns = [
    path(QUEUES, views.queues, name="list"),
    path(QUEUES + "/new", views.create, name="create"),
    path(QUEUE, views.detail, name="detail"),
    path(QUEUE + "/edit", views.edit, name="edit"),
    path(QUEUE + "/delete", views.delete, name="delete"),
    path(QUEUE + "/remove", views.remove, name="remove"),
    path(QUEUE + "/review", review_views.start, name="review"),
    path(ITEM, review_views.item, name="item"),
    path(ITEM + "/verdict", review_views.verdict, name="verdict"),
    path(ITEM + "/done", review_views.done, name="done"),
    path(ITEM + "/requeue", review_views.requeue, name="requeue"),
    path(ITEM + "/reopen", review_views.reopen, name="reopen"),
    path("o/<uuid:workspace_id>/projects/p/<uuid:project_id>/queue", add_views.add, name="add"),
]
