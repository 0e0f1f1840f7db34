"""What goes wrong below the API's paths is told in JSON, and a query that takes too long is ended and told as such."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import override_settings
from django.urls import path

from apps.accounts.models import ApiKey
from apps.projects.models import ProjectQuerySet
from config import errors
from config.errors import is_api
from config.urls import urlpatterns as real
from tests.api import Caller

pytestmark = pytest.mark.django_db


def breaks(request: Any) -> None:
    raise RuntimeError("the reason")


def lasts(request: Any) -> None:
    """Longer than it may."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 10")
        cursor.execute("SELECT pg_sleep(5)")


urlpatterns = [path("api/v1/breaks", breaks), path("runs/batch", lasts), path("lasts", lasts), *real]


@pytest.mark.parametrize("url", ["/api/v1/none", "/api/none", "/v2/none", "/runs/none/none", "/api/v2/threads"])
def test_an_unknown_route_is_404_in_json(client: Client, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 404
    assert answer.json() == {"detail": "There is no such route; /api/docs lists those that there are."}


@pytest.mark.parametrize("mount", ["", "/api", "/api/v1", "/api/v2"])
@pytest.mark.parametrize(
    ("path", "lacking"),
    [
        ("datasets", "no datasets"),
        ("datasets/comparative", "no datasets"),
        ("examples/bulk", "no datasets"),
        ("platform/datasets/1/examples", "no datasets"),
        ("public/1/datasets/sessions", "no datasets"),
        ("commits/-/joke/latest", "no prompts"),
        ("settings", "no prompts"),
        ("platform/evaluators", "no rules"),
        ("runs/rules", "no rules"),
        ("agents", "no agents"),
        ("sessions/1/insights", "no insights"),
        ("platform/issues", "no insights"),
        ("feedback-formulas", "no feedback formulas"),
        ("ai-search/parse", "no search by meaning"),
    ],
)
def test_what_threadline_has_not_is_told(client: Client, mount: str, path: str, lacking: str) -> None:
    for answer in (client.get(f"{mount}/{path}"), client.post(f"{mount}/{path}", {}, "application/json")):
        assert answer.status_code == 404
        assert answer.json()["detail"].startswith(f"Threadline has {lacking}")


@pytest.mark.parametrize(
    ("method", "url", "allowed"),
    [
        ("PUT", "/api/v1/runs/query", "POST"),
        ("DELETE", "/api/v2/runs/query", "POST"),
        ("GET", "/api/v1/runs/multipart", "POST"),
        ("POST", "/runs/00000000-0000-0000-0000-000000000001", "GET, PATCH"),
        ("GET", "/v1/traces", "POST"),
    ],
)
def test_a_wrong_method_is_405_in_json(client: Client, method: str, url: str, allowed: str) -> None:
    answer = client.generic(method, url)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    assert answer.json() == {"detail": f"{method} does not go with {url}; use {allowed}."}


@override_settings(ROOT_URLCONF=__name__)
def test_a_failure_is_500_in_json_without_the_reason() -> None:
    answer = Client(raise_request_exception=False).get("/api/v1/breaks")
    assert answer.status_code == 500
    assert answer.json() == {"detail": "Something broke on the server; its log has the details."}


@pytest.mark.parametrize("url", ["/", "/o/x/projects", "/accounts/login/", "/public/x/r", "/v1x", "/apis", "/admin/"])
def test_pages_keep_their_own_errors(url: str) -> None:
    assert not is_api(url)


@pytest.mark.parametrize("url", ["/public/x/run", "/public/x/runs/query", "/otel/v1/traces", "/info", "/api"])
def test_every_mount_of_the_api_is_known(url: str) -> None:
    assert is_api(url)


def test_a_query_that_takes_too_long_is_422_and_says_what_to_narrow(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProjectQuerySet, "ids", lambda self: lasts(None))
    answer = api.post("/api/v1/runs/query")
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The query took longer than 30 seconds and was ended. Ask for less:")


@override_settings(ROOT_URLCONF=__name__)
def test_runs_that_could_not_be_stored_in_time_are_to_be_sent_again(client: Client) -> None:
    answer = client.post("/runs/batch")
    assert (answer.status_code, answer.json()) == (503, {"detail": "Storing took too long; send it again."})


@pytest.mark.parametrize("path", ["/api/v1/runs/query", "/api/v1/runs/batch"])
def test_while_the_database_is_away_clients_are_to_come_again(
    api: Caller, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def refuse(self: Any, secret: str) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(type(ApiKey.objects), "usable_with", refuse)
    answer = api.post(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {"detail": "The database is not available; send it again."}


@override_settings(ROOT_URLCONF=__name__)
def test_a_page_that_takes_too_long_says_so(client: Client) -> None:
    answer = client.get("/lasts")
    assert answer.status_code == 503
    assert "The database was asked for more than 30 seconds" in answer.content.decode()


def test_the_web_process_tells_the_database_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"options": "-c search_path=public"}
    told: list[str] = []
    monkeypatch.setattr(errors, "connection", _Connection(options, told))
    errors.limit_queries(20)
    assert options == {"options": "-c search_path=public -c statement_timeout=20000"}
    assert told == ["close", "close_pool"]


class _Connection:
    def __init__(self, options: dict[str, Any], told: list[str]) -> None:
        self.settings_dict = {"OPTIONS": options}
        self.close = lambda: told.append("close")
        self.close_pool = lambda: told.append("close_pool")


def test_no_limit_is_told_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {}
    monkeypatch.setattr(errors, "connection", _Connection(options, []))
    errors.limit_queries(0)
    assert options == {}
