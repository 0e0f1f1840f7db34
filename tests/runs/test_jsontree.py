import msgspec
import pytest
from hypothesis import given, settings

from apps.runs.jsontree import MAX_NODES, MAX_PICTURES, MAX_STRING, MAX_UNBROKEN, Whole, text_at, tree
from apps.runs.places import Steps
from tests.runs.test_preview import JSON


def test_objects_and_lists_fold_and_say_their_size() -> None:
    html = tree({"rows": [1, "two", None]})
    assert '<details open><summary><span class="key">rows</span> <span class="size">3 items</span>' in html
    assert '<span class="key">1</span> <span class="string" dir="auto">two</span>' in html
    assert '<span class="literal">null</span>' in html


def test_keys_and_values_are_escaped() -> None:
    html = tree({"<script>": {"a": "<img src=x onerror=alert(1)>"}, "b": '"><svg>'})
    for tag in ("<script>", "<img", "<svg"):
        assert tag not in html


def test_past_the_cap_the_rest_is_not_shown() -> None:
    html = tree(list(range(MAX_NODES + 50)))
    assert f"Only the first {MAX_NODES:,} values are shown." in html
    assert html.count("<li>") <= MAX_NODES


def test_a_long_string_is_cut_with_a_count() -> None:
    assert "5 more characters" in tree({"a": "x " * (MAX_STRING // 2) + "12345"})


def test_a_string_without_a_place_to_break_is_cut_sooner() -> None:
    html = tree({"a": "A" * (MAX_UNBROKEN + 5)})
    assert "5 more characters" in html
    assert "show all" not in html


def test_scripts_without_spaces_are_not_cut_sooner() -> None:
    assert "more characters" not in tree({"a": "\u3042" * MAX_STRING})


def test_what_is_cut_can_be_read_whole() -> None:
    html = tree({"a b": ["", "A" * 2_048]}, whole=Whole("/r/1/inputs.json", "inputs"))
    assert '<a class="link" href="/r/1/inputs.json?path=inputs.%22a+b%22%5B1%5D" target="_blank">show all 2.0' in html


def test_a_picture_is_told_by_type_and_size_and_shown() -> None:
    url = "data:image/png;base64," + "A" * 400_000
    html = tree({"a": url})
    assert '<span class="size">image/png, 293.0' in html
    assert f'<img class="picture" src="{url}" alt="image/png" loading="lazy">' in html
    assert "more characters" not in html


@pytest.mark.parametrize("url", ["data:image/svg+xml;base64,", "data:text/html,<b>", "data:image/png;base64,!"])
def test_a_file_that_is_no_picture_is_only_told(url: str) -> None:
    html = tree({"a": url + "A" * 2_000})
    assert "<img" not in html
    assert "AAAA" not in html


def test_pictures_are_shown_up_to_a_size() -> None:
    url = "data:image/png;base64," + "A" * (MAX_PICTURES // 3)
    assert tree([url] * 4).count("<img") == 2


def test_the_deepest_payload_is_shown() -> None:
    assert tree(msgspec.json.decode(b"[" * 200 + b"]" * 200)).count("<details") == 198


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_no_json_raises(value: object) -> None:
    assert tree(value).startswith('<div class="json">')


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        (("a", 1, "b"), "found"),
        (("a", -1, "b"), "found"),
        (("a", 2), None),
        (("a", "b"), None),
        ((0,), None),
        (("a",), None),
        (("text", 0), None),
        ((), None),
    ],
)
def test_a_text_is_found_by_its_place(steps: Steps, text: str | None) -> None:
    assert text_at({"a": [0, {"b": "found"}], "text": "x"}, steps) == text
