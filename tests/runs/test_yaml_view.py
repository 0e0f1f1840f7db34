import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.runs.yaml_view import to_yaml

TRICKY = st.text() | st.text(alphabet="ab \n\t:#-'\"|>{}[]&*!%@`,?0.eE+~")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TRICKY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TRICKY, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=400, deadline=None)
@given(JSON)
def test_whoever_parses_it_gets_the_same_value(value: object) -> None:
    assert yaml.safe_load(to_yaml(value)[0]) == value


def test_texts_of_many_lines_stand_as_they_are() -> None:
    assert to_yaml({"content": "one\n\n  two"})[0] == "content: |-\n  one\n\n    two"


def test_items_begin_beside_their_dash() -> None:
    assert to_yaml([{"role": "user", "content": "hi"}])[0] == "- role: user\n  content: hi"


@pytest.mark.parametrize("word", ["null", "yes", "No", "1e3", "0x1", "", " ", "- a", "a: b", "#", "2026-01-01"])
def test_what_could_be_taken_for_something_else_is_quoted(word: str) -> None:
    assert to_yaml([word])[0] == f'- "{word}"'


def test_past_the_cap_it_is_cut() -> None:
    text, cut = to_yaml({"a": "x" * 500, "b": "y"}, most=100)
    assert (len(text), cut) == (100, True)


def test_the_deepest_value_is_written() -> None:
    value: object = "in"
    for _ in range(200):
        value = {"a": value}
    assert to_yaml(value)[0].endswith("a: in")
