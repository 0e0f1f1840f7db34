"""docs/api.md against the code."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import jsonschema_rs
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from apps.runs.schemas import RUN_V2_FIELDS
from apps.runs.wire_v2 import RUN_FIELDS
from apps.threads import schemas
from apps.threads.filtering import THREAD_FIELDS
from apps.threads.wire_v2 import TURN_FIELDS
from config.api import api, api_v2
from config.unserved import unserved
from tests import openapi

TEXT = (Path(__file__).parents[2] / "docs/api.md").read_text()


def routes() -> list[str]:
    return [
        f"{method.upper()} {mount}{path}"
        for mount, described in (("/api/v1", api), ("/api/v2", api_v2))
        for path, methods in described.get_openapi_schema(path_prefix="")["paths"].items()
        for method in methods
    ]


@pytest.mark.parametrize("route", routes())
def test_every_route_is_documented(route: str) -> None:
    assert f"| `{route}` |" in TEXT


def test_no_route_is_documented_that_does_not_exist() -> None:
    told = set(re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` \|", TEXT, re.MULTILINE))
    assert told == set(routes())


def addresses(patterns: Iterable[URLPattern | URLResolver], before: str = "") -> Iterator[str]:
    """As OpenAPI writes them: /runs/{run_id}."""
    for pattern in patterns:
        here = before + re.sub(
            r"\(\?P<(\w+)>[^)]*\)|[$^]", lambda match: f"{{{match[1]}}}" if match[1] else "", str(pattern.pattern)
        )
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, here)
        elif pattern.callback is not unserved:
            yield "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", here)


def test_every_address_of_the_api_is_described() -> None:
    found = {
        address for address in addresses(get_resolver().url_patterns) if address.startswith(("/api/v1/", "/api/v2/"))
    }
    pages = {"/api/v2/", "/api/v2/docs", "/api/v2/openapi.json"}
    assert found - pages == {route.split()[1] for route in routes()}


@pytest.mark.parametrize("route", [route for route, told in openapi.routes().items() if "requestBody" in told])
def test_every_body_has_an_example_that_fits_its_schema(route: str) -> None:
    mount = f"/api/{route.split('/')[2]}"
    content = next(iter(openapi.routes()[route]["requestBody"]["content"].values()))
    whole = {**content["schema"], "components": openapi.description(mount)["components"]}
    problems = list(jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors(content["example"]))
    assert not problems


def test_the_description_says_how_the_key_is_sent_and_where_none_is_needed() -> None:
    told = openapi.description("/api/v1")
    assert told["components"]["securitySchemes"]["key"]["name"] == "x-api-key"
    free = {
        route.split("/api/v1")[1]
        for route, told in openapi.routes().items()
        if told.get("security") == [] and "v1" in route
    }
    assert {"/info", "/feedback/tokens/{token_id}", "/public/{token}/run"} <= free
    assert "/runs/query" not in free


@pytest.mark.parametrize("name", [name for name in THREAD_FIELDS if not name.startswith("feedback")])
def test_every_field_of_a_thread_filter_is_documented(name: str) -> None:
    assert f"`{name}`" in TEXT.split("### Fields of a thread filter")[1].split("### Streams")[0]


@pytest.mark.parametrize("route", openapi.routes())
def test_every_route_describes_its_answer(route: str) -> None:
    responses = openapi.routes()[route]["responses"]
    good = responses.keys() - {"4XX"}
    assert good & {"204"} or any("schema" in responses[status]["content"]["application/json"] for status in good)


def test_what_can_be_selected_is_described() -> None:
    assert RUN_V2_FIELDS.keys() == {name.lower() for name in RUN_FIELDS}
    assert schemas.TURN_FIELDS.keys() | {"trace_id"} == {name.lower() for name in TURN_FIELDS}
