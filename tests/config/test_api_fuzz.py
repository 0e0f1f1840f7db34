"""No input makes a 500 or an answer that the description does not have: Schemathesis makes calls up from the OpenAPI description."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import one_of
from schemathesis.core import NotSet

from apps.accounts.models import ApiKey
from apps.projects.models import Project
from config.api import api, api_v2
from tests.factories import ApiKeyFactory
from tests.openapi import assert_described
from tests.threads.wire import run, send

pytestmark = pytest.mark.django_db

BOUNDED = settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def operations() -> list[Any]:
    found = []
    for mount, described in (("/api/v1", api), ("/api/v2", api_v2)):
        text = json.dumps(described.get_openapi_schema(path_prefix=mount))
        schema = schemathesis.openapi.from_dict(json.loads(text))
        found += [operation.ok() for operation in schema.get_all_operations()]
    return found


@pytest.fixture
def key() -> ApiKey:
    key = ApiKeyFactory()
    send(key.workspace, run(thread_id="t"))
    return key


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_no_input_makes_a_500_or_an_answer_outside_its_schema(operation: Any, key: ApiKey) -> None:
    client = Client(headers={"x-api-key": key.secret}, raise_request_exception=False)
    positive, negative = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE

    @BOUNDED
    @given(case=one_of(operation.as_strategy(generation_mode=mode) for mode in (positive, negative)))
    def check(case: Any) -> None:
        answer = send_case(client, case)
        assert answer.status_code < 500, (case.body, case.query, case.formatted_path)
        assert_described(f"{operation.method.upper()} {operation.path}", answer)

    check()


def fields_of(operation: Any, definition: dict[str, Any]) -> list[str]:
    content = definition.get("requestBody", {}).get("content", {})
    if not content:
        return []
    schema = next(iter(content.values()))["schema"]
    # One object, or one or several; a body that is only a list has no fields.
    references = [choice["$ref"] for choice in schema.get("anyOf", [schema]) if "$ref" in choice]
    names = [reference.rsplit("/", 1)[1] for reference in references]
    described = operation.schema.raw_schema["components"]["schemas"]
    return [field for told in (schema, *(described[name] for name in names)) for field in told.get("properties", ())]


def escaped(text: str) -> str:
    return text.encode(errors="replace").decode()


def send_case(client: Client, case: Any) -> Any:
    query = urlencode(case.query or {}, doseq=True, errors="replace")
    path = f"{case.formatted_path}?{query}"
    if isinstance(case.body, NotSet):
        return client.generic(case.method, path)
    body = case.body if isinstance(case.body, bytes) else json.dumps(case.body, default=str).encode()
    return client.generic(case.method, path, body, content_type="application/json")


TEXTS = ["\x00", "\ud800", "[" * 5000, "eq(" * 200, "é" * 20_000, "99999999999999999999"]
OTHERS: list[Any] = [-1, 10**30, None, {}, [None]]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_an_odd_value_in_any_field_is_no_500(operation: Any, key: ApiKey) -> None:
    """What Schemathesis seldom makes up: each field in turn gets each of the values that have broken servers before."""
    client = Client(headers={"x-api-key": key.secret}, raise_request_exception=False)
    definition = operation.definition.raw
    project = str(Project.objects.get(workspace=key.workspace, name="p").pk)
    path = operation.full_path
    parameters = [item for item in definition.get("parameters", []) if item["in"] == "query"]
    for place in [item["name"] for item in definition.get("parameters", []) if item["in"] == "path"]:
        path = path.replace(f"{{{place}}}", project)
    given = {"project_id": project, "session_id": project}
    for parameter in parameters:
        for text in TEXTS:
            answer = client.generic(
                operation.method.upper(), path, query_params=given | {parameter["name"]: escaped(text)}
            )
            assert answer.status_code < 500, (parameter["name"], text[:50])
    for name in fields_of(operation, definition):
        for value in (*TEXTS, *OTHERS):
            body = given | {"project_ids": [project], "group_by": "conversation", "select": ["TURNS"], name: value}
            answer = client.generic(operation.method.upper(), path, json.dumps(body), content_type="application/json")
            assert answer.status_code < 500, (name, value)
