"""`uv run python -m tests.bench.feedback` measures what feedback adds to the Threads tab, at 1,000,000 runs and 500,000 feedback.

It fills the project that tests.bench.pages fills, and feedback on half of its runs, by SQL; `reconcile` builds the totals. Then it asks for
the Threads tab without and with a feedback filter over HTTP, and times in this process what the columns of a page cost.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import psycopg

from tests.bench.machine import percentile
from tests.bench.pages import WARM_UP, Bench, running

# Half of the runs, spread evenly: user_score with a rare 5, tone as a label, and one key that hardly anybody has.
FILL = """
INSERT INTO feedback_feedback (place, id, workspace_id, project_id, trace_id, run_id, thread, level, key, score, value, labels, comment,
    source_type, error, waiting, current, created_at, modified_at)
SELECT r.trace_id, gen_random_uuid(), %(workspace)s, t.project_id, r.trace_id, r.id, thread.id, 'run', found.key,
    CASE found.key WHEN 'tone' THEN NULL ELSE found.number % 5 + (found.number % 1000 = 0)::int END,
    CASE found.key WHEN 'tone' THEN to_jsonb(label) END, CASE found.key WHEN 'tone' THEN ARRAY[label] ELSE ARRAY[]::text[] END,
    CASE WHEN found.number % 10 = 0 THEN 'a remark on it' END, (ARRAY['api', 'model', 'app'])[found.number % 3 + 1],
    false, false, true, r.start_time, r.start_time
FROM (SELECT *, abs(hashtext(id::text)) AS number, (ARRAY['kind', 'rude', 'plain'])[abs(hashtext(id::text)) % 3 + 1] AS label
      FROM runs_run WHERE abs(hashtext(id::text)) % 2 = 0) AS r
JOIN runs_trace AS t ON t.trace_id = r.trace_id
LEFT JOIN threads_thread AS thread ON thread.project_id = t.project_id AND thread.thread_id = t.thread_id
CROSS JOIN LATERAL (SELECT number, CASE WHEN number % 5000 = 0 THEN 'rare' WHEN number % 6 = 0 THEN 'tone' ELSE 'user_score' END AS key)
    AS found
"""
FILTERS = {
    "common": 'and(eq(feedback_key, "user_score"), gte(feedback_score, 4))',
    "rare": 'eq(feedback_key, "rare")',
    "nobody's": 'and(eq(feedback_key, "user_score"), gt(feedback_score, 9))',
    "absent": 'neq(feedback_key, "rare")',
    "no low": 'not(and(eq(feedback_key, "user_score"), lt(feedback_score, 1)))',
    "no kind": 'not(and(eq(feedback_key, "tone"), eq(feedback_value, "kind")))',
}
KEYS = ("user_score", "tone", "rare")


def fill(bench: Bench, database_url: str) -> None:
    from apps.feedback.reconcile import drift

    began = time.perf_counter()
    with psycopg.connect(database_url, autocommit=True) as connection:
        count = connection.execute(FILL.replace(" % ", " %% "), {"workspace": bench.project.workspace_id}).rowcount
        connection.execute("VACUUM (ANALYZE) feedback_feedback")
        inserted = time.perf_counter() - began
        found = sum(1 for _ in drift(fix=True))
        connection.execute("VACUUM (ANALYZE) feedback_threadscore")
        connection.execute("VACUUM (ANALYZE) feedback_threadlabel")
    print(
        f"{count:,} feedback in {inserted:.1f} s; totals of {found:,} keys in {time.perf_counter() - began - inserted:.1f} s"
    )


def pages(bench: Bench) -> dict[str, list[float]]:
    from apps.threads.columns import DEFAULT

    bench.browser.connection.close()
    columns = ",".join((*DEFAULT, *(f"feedback.{key}" for key in KEYS)))
    narrowed = {f"{name} feedback": f"thread_filter={quote(text)}" for name, text in FILTERS.items()}
    asked = {
        "Threads tab": "",
        "feedback columns": f"?cols={columns}",
        **{name: f"?{query}" for name, query in narrowed.items()},
        **{f"columns, {name}": f"?cols={columns}&{query}" for name, query in narrowed.items()},
        "by feedback": f"?cols={columns}&sort=-feedback.user_score",
    }
    return in_turns(
        {name: lambda query=query: bench.browser.get(f"{bench.base}/threads{query}") for name, query in asked.items()},
        bench.options.count,
    )


def calls(bench: Bench) -> dict[str, Callable[[], Any]]:
    from apps.feedback.aggregate import columns_of, keys_of
    from apps.runs.listing.asked import Asked
    from apps.runs.listing.columns import cells_of, loaded
    from apps.threads.columns import chosen
    from apps.threads.filtering import parse_thread_filter
    from apps.threads.models import Thread

    rows = Thread.objects.in_project(bench.project)
    shown = list(rows.for_table()[:50])
    page = [thread.thread_id for thread in shown]
    columns = chosen((f"feedback.{key}" for key in KEYS), Asked())

    def cells() -> None:
        draw = cells_of(columns, loaded(bench.project, shown, columns))
        for thread in shown:
            draw(thread, thread.thread_id)

    def rows_of(text: str) -> Callable[[], Any]:
        return lambda: list(rows.matching(parse_thread_filter(text), bench.project).for_table()[:51])

    return {
        "rows of a page": lambda: list(rows.for_table()[:51]),
        **{f"rows, {name} feedback": rows_of(text) for name, text in FILTERS.items()},
        "columns_of 50 threads": lambda: columns_of(bench.project, page),
        "cells of 50 threads": cells,
        "keys_of the project": lambda: keys_of(bench.project),
    }


def in_turns(asks: dict[str, Callable[[], Any]], count: int) -> dict[str, list[float]]:
    """One of each after the other, so that what else the machine does in a minute meets all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in asks}
    for turn in range(WARM_UP + count):
        for name, ask in asks.items():
            began = time.perf_counter()
            ask()
            if turn >= WARM_UP:
                found[name].append(time.perf_counter() - began)
    return found


def timed(call: Callable[[], Any], count: int) -> list[float]:
    found = []
    for _ in range(count):
        began = time.perf_counter()
        call()
        found.append(time.perf_counter() - began)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=1, default=[1_000_000], help="runs; half as many feedback")
    parser.add_argument("--count", type=int, default=100, help="requests a page")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with running(options) as bench:
        bench.grow(options.sizes[0])
        fill(bench, bench.server.database_url)
        found = pages(bench)
        plain = statistics.median(found["Threads tab"])
        for name, times in found.items():
            p50, p95 = percentile(times, 50), percentile(times, 95)
            print(f"{name:28} p50 {p50 * 1e3:8.1f} ms  p95 {p95 * 1e3:8.1f} ms  {p50 / plain:6.2f} times the tab")
        for name, call in calls(bench).items():
            times = timed(call, options.count)
            print(f"{name:28} p50 {percentile(times, 50) * 1e3:8.2f} ms  mean {statistics.mean(times) * 1e3:8.2f} ms")


if __name__ == "__main__":
    main()
