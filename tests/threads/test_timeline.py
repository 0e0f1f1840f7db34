import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import Workspace
from apps.runs.models import Trace
from apps.threads import thread_page
from apps.threads.models import Thread
from apps.threads.timeline import MAX_BARS, WIDTH, Span, draw, spans_of
from tests.factories import EPOCH
from tests.threads.wire import run, send, turns, unpriced


def span(begin: float, seconds: float | None = 2, status: str = "success", tokens: int = 0, cost: str = "0") -> Span:
    start = EPOCH + timedelta(seconds=begin)
    end = None if seconds is None else start + timedelta(seconds=seconds)
    trace = Trace(start_time=start, end_time=end, total_tokens=tokens, total_cost=Decimal(cost))
    trace.status = status
    return Span.of(trace)


@pytest.mark.parametrize(("most", "told"), [(2_000, True), (5, False)])
def test_the_page_tells_what_the_turns_took_where_the_strip_has_all_of_them(
    viewer: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, most: int, told: bool
) -> None:
    monkeypatch.setattr(thread_page, "MOST_SPANNED", most)
    project = send(workspace, *turns("sally", 30, apart=timedelta(minutes=1)))
    html = viewer.get(reverse("threads:detail", args=[project.workspace_id, project.pk, "sally"])).content.decode()
    assert ("29 min 2 s" in html and "45 s worked" in html) is told
    assert re.search(r"idle for \d", html)


def test_bars_stand_in_order_and_keep_to_the_strip() -> None:
    bars = draw([span(0, 2), span(10, 4), span(20, 2)], 1).bars
    assert [bar.first for bar in bars] == [1, 2, 3]
    assert bars[0].x == 0
    assert bars[-1].x + bars[-1].width == pytest.approx(WIDTH, abs=0.1)
    assert bars[1].width > bars[0].width


def test_long_pauses_are_folded_and_told() -> None:
    line = draw([span(0), span(3 * 3600), span(3 * 3600 + 10)], 1)
    assert [pause.length for pause in line.pauses] == [timedelta(seconds=3 * 3600 - 2)]
    assert line.pauses[0].roomy


def test_many_pauses_leave_room_for_the_work() -> None:
    line = draw([span(hour * 3600) for hour in range(100)], 1)
    assert sum(pause.width for pause in line.pauses) <= WIDTH / 2
    assert not line.pauses[0].roomy
    assert line.bars[-1].x + line.bars[-1].width <= WIDTH + 0.5


@pytest.mark.django_db
def test_a_bar_holds_several_turns_of_a_long_thread(workspace: Workspace) -> None:
    turns = [
        run(thread_id="t", start=EPOCH + timedelta(seconds=10 * at), seconds=2, error="!" if at == 7 else None)
        for at in range(3 * MAX_BARS)
    ]
    send(workspace, *turns)
    spans = spans_of(Thread.objects.get(thread_id="t"))
    bars = draw(spans, 1).bars
    assert len(bars) == MAX_BARS
    assert (bars[2].first, bars[2].last, bars[2].status, bars[2].seconds) == (7, 9, "error", 6)
    assert bars[1].status == "success"
    assert spans[0].ended == EPOCH + timedelta(seconds=22)


@pytest.mark.django_db
def test_a_short_thread_is_read_as_its_traces_are(workspace: Workspace) -> None:
    failed = run(thread_id="t", start=EPOCH + timedelta(hours=1), error="!")
    pending = run(thread_id="t", start=EPOCH + timedelta(hours=2), seconds=None)
    send(workspace, *unpriced("t", "own-model"), failed, pending)
    thread = Thread.objects.get(thread_id="t")
    assert spans_of(thread) == [Span.of(trace) for trace in Trace.objects.in_thread("t")]


def test_the_most_expensive_turn_is_the_tallest_bar() -> None:
    cheap, dear, silent = draw([span(0, tokens=1_000, cost="0.01"), span(10, tokens=10, cost="0.04"), span(20)], 1).bars
    assert dear.height > cheap.height > silent.height


def test_tokens_make_the_bars_where_a_cost_is_unknown() -> None:
    few, most = draw([span(0, tokens=10, cost="0.01"), span(10, tokens=1_000)], 1).bars
    assert most.height > few.height


def test_a_bar_tells_what_its_turn_took() -> None:
    (bar,) = draw([span(0, tokens=1_204, cost="0.0031")], 1).bars
    assert bar.about == "Turn 1, 2.0 s, 1,204 tokens, $0.0031"


@pytest.mark.parametrize(
    "turns", [[], [span(0, None, "pending")], [span(0, 0)], [span(0, -5), span(0, 5)], [span(5), span(0)]]
)
def test_odd_times_do_no_harm(turns: list[Span]) -> None:
    assert all(bar.width > 0 and 0 <= bar.x <= WIDTH for bar in draw(turns, 1).bars)


def test_the_url_of_a_bar_is_escaped() -> None:
    html = draw([span(0)], 1).svg('/t/"><script>?list=a%26b&')
    assert "<script>" not in html
    assert "list=a%26b&amp;turn=1#turn-1" in html
