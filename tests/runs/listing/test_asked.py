from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from apps.runs.listing.asked import MAX_COLS, MAX_Q, PARAMETERS, Asked
from apps.runs.query.nodes import Search
from apps.runs.query.parse import MAX_WORDS

NOW = datetime(2026, 3, 10, tzinfo=UTC)
texts = st.text(st.characters(codec="utf-8")).map(str.strip)


@given(
    st.fixed_dictionaries({}, optional={name: texts for name in PARAMETERS.values() if name != "cols"}),
    st.lists(texts.filter(lambda text: text and "," not in text), unique=True, max_size=MAX_COLS),
)
def test_a_query_string_reads_as_what_it_was_written_from(fields: dict[str, str], cols: list[str]) -> None:
    asked = Asked(**fields, cols=tuple(cols))
    again = Asked.of(QueryDict(asked.query()))
    assert again == asked
    assert again.saved == asked.saved
    assert Asked.of_query(asked.query()).query() == asked.query()


@given(st.text(max_size=60))
def test_any_text_is_either_read_or_explained(text: str) -> None:
    for name in ("filter", "trace_filter", "tree_filter", "thread_filter", "q", "since", "start", "end"):
        asked = Asked(**{name: text.strip()})
        assert bool(asked.problems) != bool(
            name in asked.nodes or not text.strip() or asked.period(NOW) != (None, None)
        )


def test_each_filter_is_parsed_in_its_own_language() -> None:
    asked = Asked.of(QueryDict("filter=eq(status,'error')&thread_filter=gt(turn_count,2)&q=two+words"))
    assert asked.problems == {}
    assert set(asked.nodes) == {"filter", "thread_filter", "q"}
    assert isinstance(asked.nodes["q"], Search)


def test_a_problem_names_the_field_and_the_place() -> None:
    asked = Asked(filter="eq(status, 'error')", thread_filter="gt(turn_cout, 2)")
    assert list(asked.problems) == ["thread_filter"]
    assert asked.problems["thread_filter"].position == 3


@pytest.mark.parametrize(
    ("q", "place"),
    [("x" * (MAX_Q + 1), MAX_Q), ("a\x00b", 1), (" ".join(f"w{n:02}" for n in range(MAX_WORDS + 1)), 4 * MAX_WORDS)],
)
def test_a_search_has_limits(q: str, place: int) -> None:
    assert Asked(q=q).problems["q"].position == place


def test_columns_are_few_and_different() -> None:
    assert Asked.of(QueryDict("cols=a,b,a,,c")).cols == ("a", "b", "c")
    assert len(Asked.of(QueryDict("cols=" + ",".join(map(str, range(MAX_COLS + 5))))).cols) == MAX_COLS


@pytest.mark.parametrize(
    ("since", "span"),
    [
        ("15m", timedelta(minutes=15)),
        ("24 h", timedelta(days=1)),
        ("3D", timedelta(days=3)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_time_span_counts_back_from_now(since: str, span: timedelta) -> None:
    assert Asked(since=since, start="2026-01-01").period(NOW) == (NOW - span, None)


def test_times_are_utc_unless_they_say_otherwise() -> None:
    asked = Asked(start="2026-03-01", end="2026-03-02T12:00+02:00")
    assert asked.period(NOW) == (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC))


@pytest.mark.parametrize("fields", [{"since": "soon"}, {"start": "2026-99-01"}, {"end": "0001-01-01T00:00+10:00"}])
def test_a_time_that_cannot_be_read_is_a_problem_and_no_bound(fields: dict[str, Any]) -> None:
    asked = Asked(**fields)
    assert list(asked.problems) == list(fields)
    assert asked.period(NOW) == (None, None)


def test_columns_and_order_narrow_nothing() -> None:
    assert not Asked(sort="-turns", cols=("a",), show="all").is_narrow
    assert Asked(q="a").is_narrow


def test_a_change_leaves_the_rest() -> None:
    assert Asked(q="a", sort="-turns", start="2026-01-01").query(q="") == "from=2026-01-01&sort=-turns"
