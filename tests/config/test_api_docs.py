"""docs/api.md against the code."""

import re
from pathlib import Path

import pytest

from apps.runs.schemas import RUN_V2_FIELDS
from apps.runs.wire_v2 import RUN_FIELDS
from apps.threads import schemas
from apps.threads.filtering import THREAD_FIELDS
from apps.threads.wire_v2 import TURN_FIELDS
from config.api import api, api_v2
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
    sending = {"GET /api/v1/info", "POST /api/v1/runs/multipart", "POST /api/v1/runs/batch", "POST /api/v1/runs"}
    assert told - sending - {"PATCH /api/v1/runs/{run_id}"} == set(routes())


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
