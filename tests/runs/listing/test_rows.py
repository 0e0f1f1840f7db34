from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.runs.listing.asked import Asked
from apps.runs.listing.builder import Builder, Panel, decoded, edited, encoded, entries_of
from apps.runs.listing.forms import RowForm
from apps.runs.listing.rows import MAX_NESTING, MAX_ROWS, Group, Item, Row, Text, bare, in_line, items_of, whole_text
from apps.runs.listing.scopes import ANYWHERE, KINDS, WITHOUT_VALUE, Offer, scopes
from apps.runs.query.fields import Kind
from apps.runs.query.parse import parse
from tests.runs.query.test_compile import filters

RUNS, THREADS = scopes("threads")["filter"], scopes("threads")["thread_filter"]
words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12).filter(str.strip)
plain_words = st.lists(st.from_regex(r"[a-z%_\\\"',天]{1,6}", fullmatch=True), min_size=1, max_size=3, unique=True)
VALUES: dict[Kind, st.SearchStrategy[str]] = {
    Kind.NUMBER: st.integers(0, 10**9).map(str),
    Kind.MONEY: st.sampled_from(["0.5", "12", "0.000001"]),
    Kind.SCORE: st.sampled_from(["0.5", "1", "-2"]),
    Kind.SECONDS: st.sampled_from(["5s", "500ms", "0s", "1.5s"]),
    Kind.TIME: st.sampled_from(["2026-03-01T12:00:00", "2026-03-01T00:00:00.123456"]),
    Kind.ID: st.uuids().map(str),
    Kind.FLAG: st.sampled_from(["true", "false"]),
}


@st.composite
def rows(draw: st.DrawFn, offers: dict[str, Offer]) -> Row:
    offer = draw(st.sampled_from(list(offers.values())))
    op = draw(st.sampled_from(offer.operators))
    value = VALUES.get(offer.kind, words)
    if op in ("words", "nowords"):
        value = plain_words.map(" ".join)
    if op in ("in", "notin"):
        value = st.lists(
            value.filter(lambda text: text == text.strip() and not set(text) & set("\r\n")), min_size=1, max_size=3
        )
        value = value.map(in_line)
    key = draw(words) if offer.relation else ""
    return Row(offer.name, op, "" if op in WITHOUT_VALUE else draw(value), key)


def items(offers: dict[str, Offer]) -> st.SearchStrategy[Item]:
    """Rows and groups of at least two, at most as deep as the builder nests them."""
    found: st.SearchStrategy[Any] = rows(offers)
    for _ in range(MAX_NESTING - 1):
        inner = st.lists(found, min_size=2, max_size=3).map(tuple)
        found = found | st.builds(Group, st.sampled_from(["any", "none"]), inner)
    return found


@pytest.mark.parametrize("scope", [RUNS, THREADS], ids=["runs", "threads"])
@given(data=st.data())
def test_rows_come_back_from_the_text_they_were_written_to(scope: Any, data: st.DataObject) -> None:
    written = tuple(data.draw(st.lists(items(scope.offers()), min_size=1, max_size=4)))
    assert items_of(scope.parse(whole_text(written, scope)), scope) == written


@given(filters)
def test_any_filter_means_the_same_after_it_was_rows(text: str) -> None:
    node = parse(text)
    again = parse(whole_text(items_of(node, RUNS), RUNS))
    assert bare(again) == bare(node)


@given(filters)
def test_any_filter_survives_the_form(text: str) -> None:
    entries = entries_of(Asked(filter=text), "threads")
    assert decoded(encoded(entries)) == entries
    builder = Builder("threads", entries)
    assert builder.is_sound
    assert bare(parse(builder.texts()["filter"])) == bare(parse(text))


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('and(eq(metadata_key, "plan"), eq(metadata_value, "team"))', Row("metadata", "is", "team", "plan")),
        ('and(eq(metadata_key, "plan"), neq(metadata_value, "team"))', Row("metadata", "isnt", "team", "plan")),
        ('neq(metadata_key, "plan")', Row("metadata", "unset", key="plan")),
        ('exists(metadata, "user.id")', Row("metadata", "set", key="user.id")),
        ('eq(metadata_value, "x")', Row("metadata", "is", "x")),
        ('and(eq(feedback_key, "helpful"), lt(feedback_score, 0.5))', Row("feedback_score", "lt", "0.5", "helpful")),
        ('not(has(tags, "beta"))', Row("tags", "excludes", "beta")),
        ('like(name, "%50\\\\%%")', Row("name", "has", "50%")),
        ('not(in(name, ["a", "b, c"]))', Row("name", "notin", 'a,"b, c"')),
        ('not(search("two words"))', Row(ANYWHERE, "nowords", "two words")),
        ("gt(latency, 0.25)", Row("latency", "gt", "250ms")),
        ("neq(error, null)", Row("error", "set")),
    ],
)
def test_what_a_row_can_say_is_a_row(text: str, row: Row) -> None:
    assert items_of(parse(text), RUNS) == (row,)


@pytest.mark.parametrize(
    "text",
    [
        'in(metadata_key, ["a", "b"])',
        'eq(name, "")',
        'eq(name, "two\\nlines")',
        'like(name, "a_c")',
        'gt(name, "a")',
        "has(metadata, '{\"a\": 1}')",
        'and(eq(metadata_key, "a"), gt(metadata_value, 1), lt(metadata_value, 5))',
    ],
)
def test_what_no_row_can_say_stays_query_text(text: str) -> None:
    (item,) = items_of(parse(text), RUNS)
    assert isinstance(item, Text)
    assert bare(parse(item.text)) == bare(parse(text))


def test_a_lone_half_of_a_pair_binds_to_no_neighbour() -> None:
    texts = (Text('eq(metadata_key, "a")'), Text('eq(metadata_value, "b")'))
    assert len(items_of(parse(whole_text(texts, RUNS)), RUNS)) == 2


BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("2026-03-01T12:00:00Z", "2026-03-01T13:00:00"),
        ("2026-10-25T00:30:00Z", "2026-10-25T02:30:00"),
        # The clock shows half past two again.
        ("2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:53:28"),
    ],
)
def test_times_of_a_row_are_those_of_the_reader_and_of_the_text_those_of_utc(stored: str, shown: str) -> None:
    text = f'gt(start_time, "{stored}")'
    with timezone.override(BERLIN):
        (row,) = items_of(parse(text), RUNS)
        assert row == Row("start_time", "gt", shown)
        assert parse(whole_text([row], RUNS)) == parse(text)
        assert stored in whole_text([row], RUNS)


def test_a_time_is_picked_unless_its_text_says_more() -> None:
    def form(value: str) -> RowForm:
        return RowForm({"r0-field": "start_time", "r0-op": "gt", "r0-value": value}, "r0", RUNS, 0)

    assert 'type="datetime-local"' in str(form("2026-03-01T13:00:00.5")["value"])
    assert 'type="datetime-local"' in str(form("")["value"])
    assert 'type="text"' in str(form("2026-03-01T13:00:00Z")["value"])
    assert 'type="text"' in str(form("yesterday")["value"])


def test_a_group_that_nests_too_deep_is_query_text() -> None:
    text = 'eq(name, "x")'
    for _ in range(MAX_NESTING):
        text = f'or(eq(name, "a"), and(eq(name, "b"), {text}))'
    assert "or(" in str(items_of(parse(text), RUNS))
    assert bare(parse(whole_text(items_of(parse(text), RUNS), RUNS))) == bare(parse(text))


def test_more_conditions_than_the_form_holds_are_one_text() -> None:
    text = f"and({', '.join(f'neq(name, {chr(34)}{n}{chr(34)})' for n in range(MAX_ROWS + 1))})"
    (item,) = items_of(parse(text), RUNS)
    assert isinstance(item, Text)


@pytest.mark.parametrize("kind", KINDS)
def test_the_menus_offer_only_what_the_language_takes(kind: str) -> None:
    known = {
        Kind.NUMBER: "1",
        Kind.MONEY: "1",
        Kind.SCORE: "1",
        Kind.SECONDS: "1s",
        Kind.TIME: "2026-01-01",
        Kind.FLAG: "true",
    }
    known[Kind.ID] = "0195a6c1-7d1f-7000-8000-000000000000"
    assert set(known) == set(VALUES)
    for scope in scopes(kind).values():
        for offer in scope.offers().values():
            for op in offer.operators:
                row = Row(offer.name, op, known.get(offer.kind, "x"), "k" if offer.relation else "")
                scope.parse(whole_text([row], scope))


def test_a_group_goes_with_what_is_in_it() -> None:
    entries = edited(edited(edited([], "add"), "group"), "add:1")
    assert [(entry.kind, entry.parent) for entry in entries] == [("row", None), ("group", None), ("row", 1), ("row", 1)]
    assert [entry.kind for entry in edited(entries, "remove:1")] == ["row"]
    assert [(entry.kind, entry.parent) for entry in edited(entries, "remove:0")] == [
        ("group", None),
        ("row", 0),
        ("row", 0),
    ]


@pytest.mark.parametrize("given", ["9", "0", "x", "-1", "\u0661"])
def test_a_group_that_does_not_come_before_is_none(given: str) -> None:
    (entry,) = decoded({"r0-kind": "row", "r0-in": given})
    assert entry.parent is None


def test_an_operator_of_another_field_gives_way() -> None:
    builder = Builder(
        "runs", decoded({"r0-kind": "row", "r0-field": "total_tokens", "r0-op": "starts", "r0-value": "5"})
    )
    assert builder.texts()["filter"] == "gt(total_tokens, 5)"


def test_what_cannot_be_read_opens_as_text() -> None:
    panel = Panel.of("threads", {"filter": "eq(nme, 1)"})
    assert panel.as_text
    ((_, text, marked), *_) = panel.fields()
    assert text == "eq(nme, 1)"
    assert marked is not None
    assert (marked.before, marked.at) == ("eq(", "n")
