"""Packing and unpacking payloads."""

import json

import pytest

from apps.runs import payload


@pytest.mark.parametrize("size", [0, 10, payload.SMALL - 2, payload.SMALL + 2, 3_000_000])
def test_the_text_comes_back_byte_by_byte(size: int) -> None:
    text = json.dumps("é🏕 x" * (size // 5)).encode()
    assert payload.unpack(payload.pack(text)) == text


def test_what_was_never_sent_is_none() -> None:
    assert payload.load(None) is None
