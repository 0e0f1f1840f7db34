"""In OpenAPI by hand: giving feedback by a token, which any page may do and so is a plain view."""

from typing import Final

from apps.feedback.schemas import NOTHING
from apps.projects.schemas import ANYTHING, ID, NUMBER, TEXT, Json, answers, maybe

_TOKEN: Final[Json] = {"name": "token_id", "in": "path", "required": True, "schema": ID}
_GIVEN: Final[Json] = {
    "type": "object",
    "properties": {
        "score": ANYTHING,
        "value": ANYTHING,
        "comment": maybe(TEXT),
        "correction": ANYTHING,
        "metadata": ANYTHING,
    },
}
_ABOUT: Final = {"tags": ["feedback"], "security": [], **answers(NOTHING)}
OPERATIONS: Final[dict[str, Json]] = {
    "/feedback/tokens/{token_id}": {
        "get": {
            **_ABOUT,
            "summary": "Give feedback by opening a link",
            "description": "Needs no key. Each call makes a feedback.",
            "parameters": [
                _TOKEN,
                {"name": "score", "in": "query", "required": False, "schema": NUMBER},
                *({"name": name, "in": "query", "required": False, "schema": TEXT} for name in ("value", "comment", "correction")),
            ],
        },
        "post": {
            **_ABOUT,
            "summary": "Give feedback by a token",
            "description": "Needs no key, and may be called from a page of any origin. Each call makes a feedback.",
            "parameters": [_TOKEN],
            "requestBody": {"content": {"application/json": {"schema": _GIVEN, "example": {"score": 1, "comment": "helped"}}}},
        },
    }
}  # fmt: skip
