import time

import pytest

from apps.runs.payloads import Payload
from apps.threads.hide import Hide, masked


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("write to n.okafor+x@mail.example.com, please", "write to •••, please"),
        ("call +49 (30) 1234-567 today", "call ••• today"),
        ("card 4111 1111 1111 1111.", "card •••."),
        ("order FW-10482 of 2026-11-21 for 164.00", "order FW-10482 of 2026-11-21 for 164.00"),
        ("data: call 5551234567", "data: call •••"),
    ],
)
def test_addresses_and_long_numbers_are_masked(said: str, shown: str) -> None:
    assert masked(said) == shown


def test_a_picture_stays_whole() -> None:
    picture = "data:image/png;base64," + "A1234567890" * 40
    assert masked(picture) == picture


def test_every_part_of_a_value_is_masked() -> None:
    value = {"to": ["a@b.example", {"c@d.example": 5551234567}], "n": [12, True, None, 1.5]}
    assert Hide(mask=True).payload(Payload(value)).value == {"to": ["•••", {"•••": "•••"}], "n": [12, True, None, 1.5]}
    assert value["to"][0] == "a@b.example"


@pytest.mark.parametrize("piece", ["a", "1 ", "a.", "1@", "a@b"])
def test_the_time_to_mask_grows_with_the_text_alone(piece: str) -> None:
    began = time.perf_counter()
    masked(piece * 200_000)
    assert time.perf_counter() - began < 5
