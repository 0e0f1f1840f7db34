"""Calls of the JSON API in tests."""

import json
from typing import Any

from django.test import Client

from apps.accounts.models import ApiKey


class Caller:
    """Holds a key. Answers are those of Django's test client."""

    def __init__(self, key: ApiKey) -> None:
        self.key = key
        self.client = Client(headers={"x-api-key": key.secret})

    def post(self, path: str, body: Any = None, **fields: Any) -> Any:
        text = json.dumps(fields if body is None else body, default=str)
        return self.client.post(path, text, content_type="application/json")

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(path, query)

    def items(self, path: str, **fields: Any) -> list[Any]:
        """Of a v2 query that must succeed, one page."""
        answer = self.post(path, **fields)
        assert answer.status_code == 200, answer.content
        return answer.json()["items"]
