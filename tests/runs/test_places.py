import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.runs.places import read, written

STEPS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.integers(0, 99), max_size=6)


@given(STEPS)
def test_a_place_is_read_back_as_it_was_written(rest: list[str | int]) -> None:
    steps = ("inputs", *rest)
    assert read(written(steps)) == steps


@pytest.mark.parametrize("key", ["content", "a b", 'quo"te', "dash-ed", "日本", "0", "new\nline"])
def test_a_written_place_is_a_jmespath(key: str) -> None:
    value = {"inputs": {"messages": [{key: "found"}]}}
    assert jmespath.search(written(("inputs", "messages", 0, key)), value) == "found"


@pytest.mark.parametrize("path", ["", "inputs[", "inputs..x", ".inputs", "inputs[*].x", "length(inputs)", "x" * 3_000])
def test_what_is_no_place_is_read_as_none(path: str) -> None:
    assert read(path) == ()
