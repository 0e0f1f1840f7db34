"""`uv run python -m tests.bench.pages` measures the pages that people open most, at 10,000, 100,000 and 1,000,000 runs.

It starts Threadline as `manage.py up` does, on a temporary home, fills one project by COPY and has `reconcile` build the rollups. The
pages are then asked for over HTTP by a signed-in browser's request, one after the other on a kept connection; the whole HTML is read.
"""

import argparse
import http.client
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

import msgspec
import psycopg

from tests.bench.machine import Cpu, percentile
from tests.server import LiveServer

SIZES = (10_000, 100_000, 1_000_000)
PROJECT = "bench"
LONG = 1_000
"""Turns of the long thread."""
# One of each scope: any run, the root, any run of the trace, the thread.
FILTERED = {
    "a run's metadata": ("filter", 'and(eq(metadata_key, "user_id"), eq(metadata_value, "user-761"))'),
    "a run's status": ("filter", 'eq(status, "error")'),
    "the root's latency": ("trace_filter", "gt(latency, 3)"),
    "a tool's name": ("tree_filter", 'and(eq(run_type, "retriever"), eq(name, "search_documents"))'),
    "the thread's tokens": ("thread_filter", "gt(total_tokens, 5000)"),
}
WARM_UP = 15
# The filter that an application asks with to read its conversation back, as the newest Python SDK sends it.
STORY = 'and(in(metadata_key, ["session_id","conversation_id","thread_id"]), eq(metadata_value, "{}"))'
SELECT = """
    app_path completion_cost completion_tokens dotted_order end_time error events extra feedback_stats first_token_time id inputs name
    outputs parent_run_id parent_run_ids prompt_cost prompt_tokens reference_example_id run_type s3_urls session_id start_time status tags
    total_cost total_tokens trace_id
"""


class Browser:
    """A signed-in session, and an API key for what programs ask."""

    def __init__(self, server: LiveServer) -> None:
        address = urlsplit(server.origin)
        self.connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        self.key = server.api_key
        self.cookies: dict[str, str] = {}
        form = self.get("/accounts/login/").decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
        assert token
        fields = {"csrfmiddlewaretoken": token[1], "login": server.admin_email, "password": server.admin_password}
        headers = {"content-type": "application/x-www-form-urlencoded", "referer": server.origin + "/accounts/login/"}
        status, _ = self.ask("POST", "/accounts/login/", urlencode(fields).encode(), headers)
        assert status == 302, status

    def get(self, path: str) -> bytes:
        status, text = self.ask("GET", path)
        assert status == 200, f"{status} for {path}"
        return text

    def query(self, body: dict[str, Any]) -> bytes:
        headers = {"x-api-key": self.key, "content-type": "application/json"}
        status, text = self.ask("POST", "/api/v1/runs/query", msgspec.json.encode(body), headers)
        assert status == 200, f"{status}: {text[:500]!r}"
        return text

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self.connection.request(method, path, body, {"cookie": cookies, **(headers or {})})
        answer = self.connection.getresponse()
        for cookie in answer.headers.get_all("set-cookie", []):
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read()


class Measured(NamedTuple):
    page: str
    p50: float
    p95: float
    cpu: float
    """Seconds, like the latencies; of web server and PostgreSQL, a page."""
    size: int


def measure(name: str, ask: Callable[[], bytes], count: int, cpu: Cpu) -> Measured:
    for _ in range(WARM_UP):
        ask()
    cpu.lap()
    seconds, sizes = [], []
    for _ in range(count):
        began = time.perf_counter()
        text = ask()
        seconds.append(time.perf_counter() - began)
        sizes.append(len(text))
    used = sum(cpu.lap().values())
    return Measured(name, percentile(seconds, 50), percentile(seconds, 95), used / count, sum(sizes) // count)


class Bench:
    """Needs Django, which must not be set up before the server has told where its database is."""

    def __init__(self, server: LiveServer, options: argparse.Namespace) -> None:
        from apps.accounts.models import Workspace
        from apps.projects.access import project_named
        from tests.bench.fill import Fill

        self.server, self.options = server, options
        self.browser = Browser(server)
        self.cpu = Cpu(server)
        self.project = project_named(Workspace.objects.get(), PROJECT)
        self.base = f"/o/{self.project.workspace_id}/projects/p/{self.project.pk}"
        self.fill = Fill(self.project, options.seed, max(options.sizes))
        self.long = self._long_thread()

    def grow(self, runs: int) -> None:
        began = time.perf_counter()
        self.fill.grow_to(runs)
        print(f"  COPY {time.perf_counter() - began:.1f} s", end="", flush=True)
        self._build_rollups()
        began = time.perf_counter()
        from tests.bench.fill import settle

        with psycopg.connect(self.server.database_url, autocommit=True) as connection:
            settle(connection)
        print(f"; VACUUM (ANALYZE) {time.perf_counter() - began:.1f} s", flush=True)

    def _build_rollups(self) -> None:
        from apps.runs.ingest.reconcile import reconcile

        found: Counter[str] = Counter()
        began = time.perf_counter()
        until: dict[str, float] = {}
        for drift in reconcile(fix=True):
            found[drift.kind] += 1
            until[drift.kind] = time.perf_counter() - began
        told = ", ".join(f"{count:,} {kind}s by {until[kind]:.1f} s" for kind, count in found.items())
        print(f"; reconcile --fix {time.perf_counter() - began:.1f} s ({told})", end="", flush=True)

    def measure(self) -> list[Measured]:
        self.browser.connection.close()  # the server has, as it was idle for long
        rng = random.Random(self.options.seed)
        far = self._far_back()
        pages: dict[str, Callable[[], bytes]] = {
            "Threads tab, first page": lambda: self.browser.get(f"{self.base}/threads"),
            "Threads tab, far back": lambda: self.browser.get(f"{self.base}/threads?cursor={rng.choice(far)}"),
            "Threads tab, figures and facets": lambda: self.browser.get(f"{self.base}/threads/aside"),
            "Threads tab, histogram": lambda: self.browser.get(f"{self.base}/threads/histogram"),
            **{
                f"Threads tab, {name}": partial(self.browser.get, self._filtered(*asked))
                for name, asked in FILTERED.items()
            },
            "Threads tab, by cost": lambda: self.browser.get(f"{self.base}/threads?sort=-cost"),
            "Runs tab, first page": lambda: self.browser.get(f"{self.base}/runs"),
            "thread, overview": lambda: self.browser.get(self._thread(rng)),
            "thread, trace": lambda: self.browser.get(self._thread(rng) + "?view=trace"),
            f"{LONG:,} turns, overview": lambda: self.browser.get(self.long),
            f"{LONG:,} turns, trace": lambda: self.browser.get(self.long + "?view=trace"),
            f"{LONG:,} turns, find": lambda: self.browser.get(self.long + "?find=unicode"),
            "POST /runs/query, the story": lambda: self.browser.query(self._story(rng)),
        }
        return [measure(name, ask, self.options.count, self.cpu) for name, ask in pages.items()]

    def _filtered(self, scope: str, text: str) -> str:
        return f"{self.base}/threads?{urlencode({scope: text})}"

    def _long_thread(self) -> str:
        """The page of a thread of LONG turns. The worker indexes it for search, so that there is something to find."""
        from apps.runs.ingest.store import raw_cursor
        from apps.runs.models import Run
        from apps.runs.search import index

        thread = self.fill.long_thread(LONG)
        with raw_cursor() as cursor:
            index.mark(cursor, Run.objects.in_project(self.project).values_list("trace_id", "id"))
        return f"{self.base}/t/{thread}"

    def _far_back(self) -> list[str]:
        """Cursors from the middle of the table to its end."""
        from apps.common.paging import SIZE, keyset
        from apps.threads.models import Thread
        from apps.threads.sorts import LATEST_FIRST

        rows = Thread.objects.in_project(self.project).for_table()
        count = len(self.fill.threads)
        found = []
        for at in range(count // 2, count - SIZE, max(count // 60, 1)):
            older = rows.filter(last_activity__lte=rows[at].last_activity)
            found.append(quote(keyset(older, LATEST_FIRST, size=1).older))
        return found

    def _thread(self, rng: random.Random) -> str:
        return f"{self.base}/t/{rng.choice(self.fill.threads)}"

    def _story(self, rng: random.Random) -> dict[str, Any]:
        return {
            "session": [str(self.project.pk)],
            "run_type": "llm",
            "filter": STORY.format(rng.choice(self.fill.threads)),
            "select": SELECT.split(),
            "limit": 100,
        }


def show(results: dict[int, list[Measured]]) -> None:
    heads = "".join(f"{f'{size:,} runs':>24}" for size in results)
    print(f"\n{'p50 / p95 in ms (CPU-ms)':30}{heads}{'kB':>8}")
    for row in zip(*results.values(), strict=True):
        cells = (f"{each.p50 * 1e3:.1f} / {each.p95 * 1e3:.1f} ({each.cpu * 1e3:.1f})" for each in row)
        print(f"{row[0].page:30}{''.join(f'{cell:>24}' for cell in cells)}{row[-1].size / 1e3:8.1f}")


@contextmanager
def running(options: argparse.Namespace) -> Iterator[Bench]:
    """A Threadline of its own, whose models this process may use too."""
    server = LiveServer()
    try:
        os.environ |= {"THREADLINE_HOME": str(server.home), "DJANGO_SETTINGS_MODULE": "config.settings"}
        os.environ.pop("DATABASE_URL", None)
        import django

        django.setup()
        yield Bench(server, options)
    except AssertionError:
        print(server.output()[-4_000:])
        raise
    finally:
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of runs, ascending")
    parser.add_argument("--count", type=int, default=200, help="requests a page and size")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with running(options) as bench:
        results = {}
        for size in sorted(options.sizes):
            print(f"{size:,} runs")
            bench.grow(size)
            results[size] = bench.measure()
        show(results)


if __name__ == "__main__":
    main()
