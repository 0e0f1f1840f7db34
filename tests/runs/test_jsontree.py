import msgspec
from hypothesis import given, settings

from apps.runs.jsontree import MAX_NODES, MAX_STRING, tree
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
    assert "5 more characters" in tree({"a": "x" * (MAX_STRING + 5)})


def test_the_deepest_payload_is_shown() -> None:
    assert tree(msgspec.json.decode(b"[" * 200 + b"]" * 200)).count("<details") == 198


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_no_json_raises(value: object) -> None:
    assert tree(value).startswith('<div class="json">')
