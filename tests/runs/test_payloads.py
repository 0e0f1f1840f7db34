import pytest

from apps.runs import payload
from apps.runs.payloads import Payload, read


def test_a_payload_is_read_with_its_size() -> None:
    assert read(payload.pack(b'{"a": 1}'), 100) == Payload({"a": 1}, 8)


def test_past_the_limit_it_is_only_measured() -> None:
    assert read(payload.pack(b'"' + b"x" * 999 + b'"'), 1_000) == Payload(None, 1_001, skipped=True)


def test_a_bomb_is_measured_without_unpacking() -> None:
    bomb = payload.pack(b"[" + b"0," * 5_000_000 + b"0]")
    assert len(bomb) < 10_000
    assert read(bomb, 1_000_000).skipped


def test_what_was_never_sent_is_nothing() -> None:
    assert read(None, 100) == Payload()


@pytest.mark.parametrize("number", [b"1e400", b"1" * 5_000])
def test_a_number_that_nothing_holds_is_shown_as_text(number: bytes) -> None:
    assert read(payload.pack(b"[" + number + b"]"), 10_000).value == f"[{number.decode()}]"


TEXTS = [
    b'{"question": "What is a thread?"}',
    '{"question": "什么是线程"}'.encode(),
    b'"' + b"x" * payload.SMALL + b'"',
    b"[]",
    b'{"question": "What is a thread?"}',
]


def test_payloads_packed_together_are_those_packed_one_by_one() -> None:
    assert payload.pack_all(TEXTS) == [payload.pack(text) for text in TEXTS]
    assert payload.pack_all([]) == []


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_packed_is_unpacked(text: bytes) -> None:
    assert payload.unpack(payload.pack(text)) == text


def test_a_frame_of_an_earlier_version_is_read() -> None:
    frame = "28b52ffd2053250100a022576861742069732061207468726561643f227d040080a4033a6b0829b26791803908"
    said = b'{"messages": [{"role": "user", "content": "What is a thread?"}], "model": "gpt-4o"}'
    assert payload.unpack(bytes.fromhex(frame)) == said
