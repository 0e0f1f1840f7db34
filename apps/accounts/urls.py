from django.urls import path

from apps.accounts import views

app_name = "accounts"

SETTINGS = "o/<uuid:workspace_id>/settings/"

urlpatterns = [
    path("accounts/zone", views.zone, name="zone"),
    path(SETTINGS + "keys", views.keys, name="keys"),
    path(SETTINGS + "keys/<uuid:key_id>/revoke", views.revoke_key, name="revoke_key"),
    path(SETTINGS + "members", views.members, name="members"),
    path(SETTINGS + "members/<int:membership_id>/role", views.member_role, name="member_role"),
    path(SETTINGS + "members/<int:membership_id>/remove", views.member_remove, name="member_remove"),
    path(SETTINGS + "members/<int:membership_id>/link", views.member_link, name="member_link"),
    path(SETTINGS + "workspace", views.workspace, name="workspace"),
    path(SETTINGS + "audit", views.audit, name="audit"),
]
