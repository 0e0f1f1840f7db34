"""What may come from outside as JSON text."""

import pytest

from apps.projects.values import MAX_JSON_DEPTH, nests_deeper, read_json


def test_json_text_is_read() -> None:
    assert read_json('{"a": [1, "é"]}') == {"a": [1, "é"]}


TOO_DEEP = "[" * (MAX_JSON_DEPTH + 1) + "]" * (MAX_JSON_DEPTH + 1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("[" * 100_000, "nested deeper"), (TOO_DEEP, "nested deeper"), ("{", "truncated"), (b'"\xff"', "UTF-8|utf-8")],
)
def test_what_is_no_json_or_too_deep_is_a_value_error(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_json(text)


def test_the_deepest_that_is_allowed_is_read() -> None:
    assert read_json("[" * MAX_JSON_DEPTH + "]" * MAX_JSON_DEPTH) is not None


def test_brackets_in_texts_do_not_count() -> None:
    assert not nests_deeper(b'["' + b"[" * 99 + b'"]', 2)
