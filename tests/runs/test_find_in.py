from hypothesis import given
from hypothesis import strategies as st

from apps.runs.find_in import first_spot, holders, marked, pattern_of
from tests.runs.test_preview import JSON


def spot(value: object, words: str) -> tuple[object, ...] | None:
    pattern = pattern_of(words)
    assert pattern
    found = first_spot(value, pattern)
    return found.steps if found else None


def test_the_first_place_in_the_order_of_the_value_is_found() -> None:
    assert spot({"a": ["x", {"b": "say Hello"}], "c": "hello"}, "hello") == ("a", 1, "b")


def test_numbers_are_found() -> None:
    assert spot({"order": 4711}, "471") == ("order",)


def test_words_are_found_across_line_breaks_and_in_any_case() -> None:
    assert spot(["Straße\n  NACH Rom"], "nach rom") == (0,)


def test_what_is_passed_over_is_not_found() -> None:
    earlier = {"content": "hello"}
    pattern = pattern_of("hello")
    assert pattern
    found = first_spot([earlier, {"content": "hello again"}], pattern, {id(earlier)})
    assert found is not None
    assert found.steps == (1, "content")


def test_a_snippet_marks_the_words_and_says_where_it_was_cut() -> None:
    pattern = pattern_of("needle")
    assert pattern
    found = first_spot("x " * 200 + "<needle>" + " y" * 200, pattern)
    assert found is not None
    assert "&lt;<mark>needle</mark>&gt;" in found.snippet
    assert found.snippet.startswith("…")
    assert found.snippet.endswith("…")


def test_marks_leave_everything_else_escaped() -> None:
    assert marked("<b>&x</b>", pattern_of("b")) == "&lt;<mark>b</mark>&gt;&amp;x&lt;/<mark>b</mark>&gt;"


def test_nothing_to_look_for_is_no_pattern() -> None:
    assert pattern_of(" \n ") is None


def test_holders_are_all_that_lead_to_the_words() -> None:
    inner = {"b": "hello"}
    value = {"a": [inner], "c": ["no"]}
    pattern = pattern_of("hello")
    assert pattern
    assert holders(value, pattern) == {id(value), id(value["a"]), id(inner)}


@given(JSON, st.text(min_size=1))
def test_no_json_and_no_words_raise(value: object, words: str) -> None:
    if pattern := pattern_of(words):
        found = first_spot(value, pattern)
        assert found is None or pattern.search(found.text)
