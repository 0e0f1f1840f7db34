"""`uv run python -m tests.bench.ingest` measures the ingest end to end, beside the raw limits of the same database.

It starts Threadline as `manage.py up` does (embedded PostgreSQL, web process, worker) on a temporary home and sends batches of
100 runs in zstd multipart from a process of its own. Rates include the sender; CPU-seconds are those of Threadline alone.
"""

import argparse
import contextlib
import os
import signal
import statistics
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg

from tests.bench import raw
from tests.bench.content import RUNS_A_TURN, TURNS, long_ago
from tests.bench.machine import PARTS, Cpu, percentile
from tests.bench.sender import Plan, Result, Sender
from tests.server import LiveServer

SIZE = 100
RAW_RUNS = 20_000
TABLES = ("runs_run", "runs_trace", "threads_thread")
SEARCH_TABLES = ("runs_searchtext", "runs_searchword")


class Mode(NamedTuple):
    name: str
    senders: int
    mixed: bool = True
    in_two: bool = False


COMPLETE = [
    Mode("complete runs, 1 sender", 1),
    Mode("complete runs, 4 senders", 4),
    Mode("  thread after thread, 1 sender", 1, mixed=False),
    Mode("  thread after thread, 4 senders", 4, mixed=False),
]
IN_TWO = [
    Mode("post, then patch, 1 sender", 1, in_two=True),
    Mode("post, then patch, 4 senders", 4, in_two=True),
]


class Round(NamedTuple):
    result: Result
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        return self.result.runs / self.result.seconds

    def per_thousand(self, part: str | None = None) -> float:
        used = sum(self.cpu.values()) if part is None else self.cpu[part]
        return used / self.result.runs * 1_000


class Bench:
    def __init__(self, server: LiveServer, options: argparse.Namespace) -> None:
        self.server, self.options = server, options
        self.cpu = Cpu(server)
        self.seed = 0

    def play(self, mode: Mode, count: int) -> Round:
        self.seed += 1
        plan: Plan = {
            "origin": self.server.origin,
            "key": self.server.api_key,
            "senders": mode.senders,
            "batches": count,
            "size": SIZE,
            "in_two": mode.in_two,
            "mixed": mode.mixed,
            "ids": self.options.ids,
            "seed": self.seed,
            "start": long_ago(self.seed * 120).isoformat(),
        }
        sender = Sender(plan)
        self.cpu.lap()
        result = sender.go()
        return Round(result, self.cpu.lap())

    def measure(self, modes: list[Mode]) -> dict[str, list[Round]]:
        """Each mode once a round, so that a noisy minute hits all of them."""
        rounds: dict[str, list[Round]] = {mode.name: [] for mode in modes}
        for _ in range(self.options.rounds):
            for mode in modes:
                with self.index_put_off():
                    rounds[mode.name].append(self.play(mode, self.options.batches))
        return rounds

    @contextlib.contextmanager
    def index_put_off(self) -> Iterator[None]:
        """The index for search is made in the background, and has a line of its own: here the worker waits until the runs are in."""
        (worker,) = self.server.pids(PARTS["worker"])
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(worker, signal.SIGCONT)
        self._wait_for_index()

    def search_index(self) -> tuple[float, float]:
        """CPU-seconds per 1,000 runs that the index for search takes of the worker and of PostgreSQL, with nothing else going on."""
        with self.index_put_off():
            runs = self.play(COMPLETE[0], self.options.batches).result.runs
        used = self.cpu.lap()
        return used["worker"] / runs * 1_000, used["postgres"] / runs * 1_000

    def _wait_for_index(self) -> None:
        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            while connection.execute("SELECT 1 FROM runs_searchpending LIMIT 1").fetchone():
                time.sleep(0.2)


def median(rounds: list[Round], value: Any) -> float:
    return statistics.median(value(each) for each in rounds)


def show(rounds: dict[str, list[Round]]) -> None:
    print(
        f"{'':34}{'runs/s':>8}  {'CPU-s / 1,000 runs':>18} = {'web':>6} + {'postgres':>8} + {'worker':>6}   {'batch p50':>9} {'p95':>8}"
    )
    for name, of in rounds.items():
        latencies = [latency * 1_000 for each in of for latency in each.result.latencies]
        web, postgres, worker = (
            median(of, lambda each, p=part: each.per_thousand(p)) for part in ("web", "postgres", "worker")
        )
        print(
            f"{name:34}{median(of, lambda each: each.rate):8,.0f}  {median(of, Round.per_thousand):18.3f} = {web:6.3f} + {postgres:8.3f} "
            f"+ {worker:6.3f}   {percentile(latencies, 50):6.1f} ms {percentile(latencies, 95):5.1f} ms"
        )


def show_raw(url: str) -> tuple[float, float]:
    """The server's own limit, and that of a program that inserts Python values."""
    of_server = max(raw.insert_rate(url, RAW_RUNS, size=SIZE, connections=count) for count in (1, 4))
    of_client = raw.psycopg_rate(url, RAW_RUNS, size=SIZE)
    print("\nraw limits of the same PostgreSQL: the same rows into a plain table with a primary key and two indexes")
    print(f"{'COPY of all, bytes at hand':34}{raw.copy_rate(url, RAW_RUNS):8,.0f}")
    print(f"{'INSERT of 100 rows, bytes at hand':34}{of_server:8,.0f}")
    print(f"{'INSERT of 100 rows, Python values':34}{of_client:8,.0f}")
    return of_server, of_client


def show_disk(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        for table in TABLES + SEARCH_TABLES:
            connection.execute(f"VACUUM (ANALYZE) {table}")  # type: ignore[call-overload]
        connection.execute("CHECKPOINT")
        (runs,) = connection.execute("SELECT count(*) FROM runs_run").fetchone() or (0,)
        print(f"\ndisk after VACUUM, {runs:,} runs")
        total = 0.0
        for table in TABLES:
            total += _show_table(connection, table, runs)
        print(f"{'bytes a run, all indexes included':34}{total:8,.0f}")
        print("beside it, for search:")
        for table in SEARCH_TABLES:
            _show_table(connection, table, runs)
    return total


def _show_table(connection: psycopg.Connection, table: str, runs: int) -> float:
    query = """
        SELECT pg_total_relation_size(oid), pg_relation_size(oid), coalesce(pg_total_relation_size(nullif(reltoastrelid, 0)), 0)
        FROM pg_class WHERE relname = %s
    """
    whole, heap, toast = connection.execute(query, [table]).fetchone() or (0, 0, 0)
    parts = {"rows": heap, "toast": toast}
    query = "SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index WHERE indrelid = %s::regclass ORDER BY 2 DESC"
    parts |= dict(connection.execute(query, [table]).fetchall())
    shown = ", ".join(f"{name} {size / runs:,.0f}" for name, size in parts.items() if size / runs >= 0.5)
    print(f"{table:34}{whole / runs:8,.0f}  {shown}")
    return float(whole / runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--batches", type=int, default=60, help="of 100 runs, a mode and round")
    parser.add_argument("--ids", type=int, choices=(4, 7), default=7, help="version of the runs' UUIDs")
    options = parser.parse_args()
    server = LiveServer()
    try:
        bench = Bench(server, options)
        bench.play(COMPLETE[1], 20)
        print(
            f"batches of {SIZE} runs, {TURNS} turns of {RUNS_A_TURN} runs a thread, medians of {options.rounds} rounds\n"
        )
        complete = bench.measure(COMPLETE)
        show(complete)
        worker, postgres = bench.search_index()
        print(
            f"{'index for search, in the background':43}{worker + postgres:9.3f} = {'':6}   {postgres:8.3f} + {worker:6.3f}   (aim 0.350)"
        )
        disk = show_disk(server.database_url)
        print()
        show(bench.measure(IN_TWO))
        of_server, of_client = show_raw(server.database_url)
        best = max(median(of, lambda each: each.rate) for of in complete.values())
        cpu = median(complete[COMPLETE[1].name], Round.per_thousand)
        print(
            f"\n{best:,.0f} runs/s (aim 4,000); {best / of_client:.2f} of INSERTs of Python values (aim 0.50), "
            f"{best / of_server:.2f} of the server's own limit; {cpu:.3f} CPU-s per 1,000 runs (aim 0.300); "
            f"{disk:,.0f} bytes a run (aim 2,400)"
        )
    finally:
        server.stop()


if __name__ == "__main__":
    main()
