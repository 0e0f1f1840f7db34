"""Asking the read routes as a program does."""

import json
from typing import Any

from django.test import Client

from apps.accounts.models import ApiKey
from apps.runs.models import Run


def post(key: ApiKey, body: Any, *, path: str = "/api/v1/runs/query", **headers: str) -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body, default=str)
    return Client(headers={"x-api-key": key.secret, **headers}).post(path, text, content_type="application/json")


def get(key: ApiKey, path: str) -> Any:
    return Client(headers={"x-api-key": key.secret}).get(path)


def found(key: ApiKey, **body: Any) -> list[str]:
    answer = post(key, body)
    assert answer.status_code == 200, answer.content
    return [run["id"] for run in answer.json()["runs"]]


def ids(*runs: Run) -> list[str]:
    return [str(run.id) for run in runs]
