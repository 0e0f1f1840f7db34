from django.urls import path, register_converter

from apps.runs import compare_views, downloads, offsite, views
from apps.runs.listing import list_views, saved_views
from apps.runs.listing import views as listing
from apps.runs.listing.converters import KindConverter
from apps.runs.table.tab import RUNS

app_name = "runs"

PROJECT = "o/<uuid:workspace_id>/projects/p/<uuid:project_id>"
RUN = PROJECT + "/r/<uuid:run_id>"
FILTERS = PROJECT + "/filters/<list_kind:kind>"

register_converter(KindConverter, "list_kind")

urlpatterns = [
    *list_views.patterns(PROJECT + "/runs", RUNS),
    path(PROJECT + "/compare", compare_views.compare, name="compare"),
    path(FILTERS, listing.build, name="build"),
    path(FILTERS + "/count", listing.count, name="count"),
    path(FILTERS + "/suggest", listing.suggest, name="suggest"),
    path(FILTERS + "/copy", listing.copy, name="copy"),
    path(FILTERS + "/saved", saved_views.index, name="saved"),
    path(FILTERS + "/saved/new", saved_views.create, name="save_new"),
    path(FILTERS + "/saved/<uuid:saved_id>", saved_views.change, name="change_saved"),
    path(FILTERS + "/saved/<uuid:saved_id>/query", saved_views.update, name="update_saved"),
    path(FILTERS + "/saved/<uuid:saved_id>/delete", saved_views.delete, name="delete_saved"),
    path(FILTERS + "/saved/<uuid:saved_id>/restore", saved_views.restore, name="restore_saved"),
    path("attachments/<str:token>", downloads.attachment, name="attachment"),
    path("offsite-image", offsite.offsite, name="offsite"),
    path(RUN, views.run, name="detail"),
    path(RUN + "/<slug:field>.json", views.raw, name="raw"),
]
