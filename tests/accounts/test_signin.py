import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from tests.factories import UserFactory

PASSWORD = "correct horse"


@pytest.fixture(autouse=True)
def fresh_rate_limits():
    cache.clear()


def sign_in(client: Client, email: str, password: str = PASSWORD, **more: str):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


def test_right_password_leads_to_the_projects(client: Client, alice: User, workspace):
    response = client.get(sign_in(client, "alice@example.org").url)
    assert response.url == reverse("projects:list", args=[workspace.pk])


def test_address_may_be_typed_in_capitals(client: Client, alice: User):
    sign_in(client, "Alice@Example.org")
    assert client.get("/").status_code == 302
    assert int(client.session["_auth_user_id"]) == alice.pk


def test_wrong_password_is_refused(client: Client, alice: User):
    response = sign_in(client, "alice@example.org", "wrong")
    assert "not correct" in response.content.decode()
    assert "_auth_user_id" not in client.session


def test_guessing_is_stopped(client: Client, alice: User):
    for _ in range(6):
        sign_in(client, "alice@example.org", "wrong")
    sign_in(client, "alice@example.org")
    assert "_auth_user_id" not in client.session


def test_next_is_honoured(client: Client, alice: User, workspace):
    wanted = reverse("accounts:keys", args=[workspace.pk])
    page = client.get(wanted, follow=True)
    assert f'value="{wanted}"' in page.content.decode()
    assert sign_in(client, "alice@example.org", next=wanted).url == wanted


def test_next_never_leads_to_another_site(client: Client, alice: User):
    assert sign_in(client, "alice@example.org", next="https://evil.example/").url == "/"


def test_signing_out_needs_a_post(client: Client, alice: User):
    client.force_login(alice)
    client.get(reverse("account_logout"))
    assert "_auth_user_id" in client.session
    client.post(reverse("account_logout"))
    assert "_auth_user_id" not in client.session


def test_password_is_changed(client: Client, alice: User):
    client.force_login(alice)
    new = {"oldpassword": PASSWORD, "password1": "battery staple 2", "password2": "battery staple 2"}
    client.post(reverse("account_change_password"), new)
    alice.refresh_from_db()
    assert alice.check_password("battery staple 2")


@pytest.mark.parametrize("path", ["/accounts/signup/", "/accounts/email/", "/accounts/password/reset/"])
def test_what_needs_a_mail_server_is_not_there(client: Client, db, path: str):
    assert client.get(path).status_code == 404


def test_home_of_the_anonymous_is_sign_in(client: Client, db):
    assert client.get("/").url.startswith(reverse("account_login"))


def test_home_without_a_workspace_says_whom_to_ask(client: Client, db):
    client.force_login(UserFactory.create(email="dora@example.org"))
    text = client.get("/").content.decode()
    assert "dora@example.org" in text
    assert "Ask an admin" in text


@pytest.mark.parametrize("theme", ["light", "dark", "system"])
def test_theme_of_the_cookie_is_in_the_page(client: Client, db, theme: str):
    client.cookies["theme"] = theme
    assert f'data-theme="{theme}"' in client.get(reverse("account_login")).content.decode()


def test_theme_of_a_forged_cookie_is_ignored(client: Client, db):
    client.cookies["theme"] = '"><script>'
    assert 'data-theme="system"' in client.get(reverse("account_login")).content.decode()


def test_limits_behind_a_proxy_are_by_the_address_it_names(client: Client, alice: User, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(12):
        client.post(
            reverse("account_login"),
            {"login": f"user{number}@example.org", "password": "wrong"},
            headers={"X-Forwarded-For": "198.51.100.7"},
        )
    guess = {"login": "alice@example.org", "password": PASSWORD}
    client.post(reverse("account_login"), guess, headers={"X-Forwarded-For": "198.51.100.7"})
    assert "_auth_user_id" not in client.session
    client.post(reverse("account_login"), guess, headers={"X-Forwarded-For": "203.0.113.9"})
    assert "_auth_user_id" in client.session


def test_a_session_past_its_end_is_none(client: Client, alice: User, workspace) -> None:
    client.force_login(alice)
    Session.objects.update(expire_date=timezone.now())
    assert client.get(reverse("projects:list", args=[workspace.pk])).url.startswith(reverse("account_login"))


def test_somebody_without_a_workspace_stays_signed_in(client: Client, db: None) -> None:
    client.force_login(UserFactory.create())
    assert client.get("/").status_code == 200


def test_somebody_who_was_shut_out_is_signed_out(client: Client, alice: User, workspace) -> None:
    client.force_login(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(reverse("projects:list", args=[workspace.pk])).url.startswith(reverse("account_login"))
