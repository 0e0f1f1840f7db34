"""POST /runs/batch when a parser refuses it as a whole: the good runs are stored, the answer names the others."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runs import payload
from apps.runs.ingest import decode, split
from apps.runs.models import Run
from tests.runs.ingest.test_routes import Send
from tests.runs.ingest.wire import wire_run
from tests.runs.test_preview import JSON


def batch(*runs: bytes, patches: tuple[bytes, ...] = ()) -> bytes:
    return b'{"post": [' + b", ".join(runs) + b'], "patch": [' + b",".join(patches) + b"]}"


def with_inputs(run: dict[str, Any], inputs: bytes) -> bytes:
    return json.dumps(run | {"inputs": "HERE"}).encode().replace(b'"HERE"', inputs)


@pytest.fixture
def stored() -> Any:
    return lambda: {str(run.id) for run in Run.objects.all()}


@pytest.mark.django_db
@pytest.mark.parametrize("depth", [300, 100_000])
@pytest.mark.parametrize("brackets", [(b"[", b"]"), (b'{"a":', b"}")])
def test_a_run_that_is_too_deep_costs_only_itself(
    send: Send, stored: Any, depth: int, brackets: tuple[bytes, bytes]
) -> None:
    first, deep, last = wire_run(), wire_run(), wire_run()
    texts = [json.dumps(first).encode(), with_inputs(deep, brackets[0] * depth + b"1" + brackets[1] * depth)]
    answer = send("/runs/batch", batch(*texts, json.dumps(last).encode()))
    assert answer.status_code == 422
    assert [error["id"] for error in answer.json()["errors"]] == [deep["id"]]
    assert "THREADLINE_MAX_JSON_DEPTH" in answer.json()["detail"]
    assert stored() == {first["id"], last["id"]}


@pytest.mark.django_db
def test_a_patch_that_is_too_deep_costs_only_itself(send: Send, stored: Any) -> None:
    good, deep = wire_run(), wire_run()
    body = batch(json.dumps(good).encode(), patches=(with_inputs(deep, b"[" * 100_000 + b"]" * 100_000),))
    answer = send("/runs/batch", body)
    assert answer.json()["detail"].startswith("1 of 2 runs were not stored, the others were.")
    assert stored() == {good["id"]}


@pytest.mark.django_db
def test_a_run_with_a_syntax_error_costs_only_itself(send: Send, stored: Any) -> None:
    good, bad = wire_run(), wire_run()
    answer = send("/runs/batch", batch(with_inputs(bad, b"{oops}"), json.dumps(good).encode()))
    assert [error["id"] for error in answer.json()["errors"]] == [bad["id"]]
    assert stored() == {good["id"]}


@pytest.mark.django_db
def test_numbers_that_are_not_json_become_null(send: Send) -> None:
    odd, good = wire_run(), wire_run()
    answer = send("/runs/batch", batch(with_inputs(odd, b'{"n": NaN}'), json.dumps(good).encode()))
    assert answer.status_code == 202
    assert payload.load(Run.objects.get(id=odd["id"]).inputs) == {"n": None}


@pytest.mark.django_db
@pytest.mark.parametrize("text", [b'"', b"]", b'"]', b'{"post": [{"a": "}"}', b'{"post": [{}], oops: 1}', b"{} {}"])
def test_what_cannot_be_taken_apart_is_refused_as_a_whole(send: Send, stored: Any, text: bytes) -> None:
    assert send("/runs/batch", text).status_code == 422
    assert stored() == set()


@pytest.mark.django_db
def test_what_is_too_large_is_not_looked_through(send: Send, monkeypatch: pytest.MonkeyPatch, stored: Any) -> None:
    body = batch(json.dumps(wire_run()).encode(), b"oops")
    monkeypatch.setattr(split, "MAX_BYTES", len(body) - 1)
    assert send("/runs/batch", body).status_code == 422
    assert stored() == set()


@settings(max_examples=100, deadline=None)
@given(st.lists(JSON, max_size=5), st.sampled_from([None, 1]))
def test_the_pieces_are_those_of_a_parser(values: list[Any], indent: int | None) -> None:
    text = json.dumps({"post": values, "patch": [{"id": "x"}], '"],': values}, indent=indent)
    posts, patches = split._by_hand(text.encode())
    assert [json.loads(piece) for piece in posts] == json.loads(text)["post"]
    assert [split.id_of(piece) for piece in patches] == ["x"]


@pytest.mark.parametrize("end", [b"", b"\\", b'"'])
def test_a_text_that_never_ends_is_looked_through_once(end: bytes) -> None:
    """Tried anew at each of its quotes it would take hours."""
    endless = b'"' + b'\\"' * 1_000_000 + end
    decode.check_depth(b"[" * 150 + b"]" * 150 + b"[" * 100 + endless)
    with pytest.raises(split.NotSplit):
        split._by_hand(b'{"post": [' + endless)
