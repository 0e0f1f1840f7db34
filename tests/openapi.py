"""The API's own description of its answers, for tests."""

import functools
import json
from typing import Any

import jsonschema_rs

from config.api import api, api_v2

MOUNTS = {"/api/v1": api, "/api/v2": api_v2}


@functools.cache
def description(mount: str) -> dict[str, Any]:
    return json.loads(json.dumps(MOUNTS[mount].get_openapi_schema(path_prefix=mount)))


def routes() -> dict[str, dict[str, Any]]:
    """What is told of each route, by "METHOD /path"."""
    return {
        f"{method.upper()} {path}": told
        for mount in MOUNTS
        for path, methods in description(mount)["paths"].items()
        for method, told in methods.items()
    }


def assert_described(route: str, answer: Any) -> None:
    """The status and the body are among those that the description of the route has."""
    responses = routes()[route]["responses"]
    status = str(answer.status_code)
    assert status in responses or f"{status[0]}XX" in responses, (route, status)
    content = responses.get(status) or responses[f"{status[0]}XX"]
    if "content" not in content:
        assert answer.content == b"", route
        return
    schema = content["content"]["application/json"]["schema"]
    problems = [
        f"{'/'.join(map(str, error.instance_path))}: {error.message}"
        for error in jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(answer.json())
    ]
    assert not problems, (route, problems[:3])
