"""Of allauth's pages those that work without a mail server. Its own code looks them up by these names."""

from allauth.account import views
from django.urls import path, re_path

urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("password/key/done/", views.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    # The token has hyphens, the user's id has none.
    re_path(
        r"^password/key/(?P<uidb36>[0-9a-z]+)-(?P<key>[^/]+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
]
