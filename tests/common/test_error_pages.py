import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import path

from apps.accounts.models import User


def breaks(request):
    raise RuntimeError("the reason")


urlpatterns = [path("breaks", breaks)]


def test_unknown_page_is_in_the_look_and_leads_on(client: Client, db: None):
    response = client.get("/no/such/page")
    assert response.status_code == 404
    assert "Nothing here" in response.content.decode()


def test_unknown_page_does_not_need_a_sign_in(client: Client, alice: User):
    client.force_login(alice)
    assert client.get("/no/such/page").status_code == 404


def test_failure_shows_a_page_without_the_reason(db: None, settings):
    settings.ROOT_URLCONF = __name__
    response = Client(raise_request_exception=False).get("/breaks")
    assert response.status_code == 500
    assert "Something broke on our side" in response.content.decode()
    assert "the reason" not in response.content.decode()


def test_failure_page_needs_no_database():
    assert "Something broke" in render_to_string("500.html")


def test_stale_form_says_that_nothing_was_changed(db: None):
    response = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a"})
    assert response.status_code == 403
    assert "Nothing was changed" in response.content.decode()


@pytest.mark.parametrize("template", ["400.html", "403.html", "403_csrf.html", "404.html", "429.html"])
def test_every_error_page_leads_on(rf, template: str):
    assert 'href="/"' in render_to_string(template, request=rf.get("/"))


def test_browsers_that_ask_for_an_ico_get_the_icon(client: Client, db: None):
    assert client.get("/favicon.ico").url.endswith("favicon.svg")


def test_pages_forbid_inline_script(client: Client, db: None):
    policy = client.get("/accounts/login/")["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
