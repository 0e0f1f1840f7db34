from datetime import timedelta

import pytest

from apps.runs.events import MAX_LINES, events_of
from tests.factories import EPOCH


def at(seconds: float) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()


def test_tokens_one_after_another_are_one_line() -> None:
    sent = [{"name": "start", "time": at(0)}, *({"name": "new_token", "time": at(n)} for n in (0.4, 0.5, 2))]
    start, tokens = events_of([*sent, {"name": "end", "time": at(3)}], EPOCH)[:2]
    assert start.after == timedelta(0)
    assert (tokens.count, tokens.after, tokens.until) == (3, timedelta(seconds=0.4), timedelta(seconds=2))


def test_only_the_first_token_is_called_so() -> None:
    names = ["new_token", "retry", "new_token"]
    assert [event.first_token for event in events_of([{"name": name} for name in names], EPOCH)] == [True, False, False]


def test_a_time_without_a_zone_is_utc() -> None:
    assert events_of([{"name": "x", "time": "2026-03-01T12:00:01"}], EPOCH)[0].after == timedelta(seconds=1)


@pytest.mark.parametrize("time", [None, 7, "soon", "0001-01-01T00:00:00+23:59", "2026" * 50, {}])
def test_a_time_that_cannot_be_read_is_left_out(time: object) -> None:
    events = events_of([{"name": "x", "time": time}], EPOCH)
    assert len(events) == 1


@pytest.mark.parametrize("value", [None, {}, "text", [None, 3, "x"], 7])
def test_what_is_no_list_of_events_has_none(value: object) -> None:
    assert events_of(value, EPOCH) == []


def test_lines_are_bounded() -> None:
    assert len(events_of([{"name": f"e{n}"} for n in range(MAX_LINES + 20)], EPOCH)) == MAX_LINES
