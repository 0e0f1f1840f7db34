"""`uv run python -m tests.bench.queries --runs 10000 100000 1000000` measures the first page of filters and searches on that many runs.

It starts Threadline as `manage.py up` does on a temporary home, sends real conversations, and copies them inside the database with new ids,
times and a request id of their own until there are enough. Latencies are of POST /api/v1/runs/query, 100 runs a page.
"""

import argparse
import json
import time
import urllib.request
from typing import Any

import psycopg

from tests.bench.content import long_ago
from tests.bench.machine import percentile
from tests.bench.sender import Plan, Sender
from tests.server import LiveServer

SEEDS = 9_000
SIZE = 100
ROUNDS = 15
_ID = "md5({} || '-' || copy)::uuid"
_REQUEST = "left(md5('request' || run.id || '-' || copy), 12)"
_COPIES = "generate_series(%(first)s::int, %(last)s::int) AS copy"
_CHANGED = {
    "trace_id": _ID.format("run.trace_id"),
    "id": _ID.format("run.id"),
    "parent_run_id": _ID.format("run.parent_run_id"),
    "start_time": "run.start_time - copy * interval '1 hour'",
    "end_time": "run.end_time - copy * interval '1 hour'",
    "name": "CASE WHEN copy = 1 AND run.name = 'turn' AND left(run.id::text, 1) = 'a' THEN 'rare turn' ELSE run.name END",
    "tags": f"CASE WHEN left({_REQUEST}, 3) = 'abc' THEN ARRAY['vip'] ELSE run.tags END",
    "metadata": f"run.metadata || jsonb_build_object('request_id', {_REQUEST})",
}
COPY_TEXTS = f"""
INSERT INTO runs_searchtext (trace_id, id, project_id, about, inputs, outputs, words, input_pairs, output_pairs)
SELECT {_CHANGED["trace_id"]}, {_CHANGED["id"]}, project_id, about || E'\\nrequest_id ' || {_REQUEST}, inputs, outputs,
    coalesce(words, '{{}}') || (number - (number >> 31 << 32))::int4, input_pairs, output_pairs
FROM seed_texts AS run, {_COPIES}, crc32({_REQUEST}::bytea) AS number
"""
COPY_WORDS = f"INSERT INTO runs_searchword SELECT {_REQUEST} FROM seed_texts AS run, {_COPIES} ON CONFLICT DO NOTHING"


def copy_runs(columns: list[str]) -> str:
    values = ", ".join(_CHANGED.get(column, f"run.{column}") for column in columns)
    return f"INSERT INTO runs_run ({', '.join(columns)}) SELECT {values} FROM seed_runs AS run, {_COPIES}"


FILTERS = {
    "metadata pair, one run": 'and(eq(metadata_key, "request_id"), eq(metadata_value, "{request}"))',
    "metadata pair, some runs": 'and(eq(metadata_key, "user_id"), eq(metadata_value, "{user}"))',
    "metadata pair, every run": 'and(eq(metadata_key, "environment"), eq(metadata_value, "production"))',
    "metadata pair, no run": 'and(eq(metadata_key, "request_id"), eq(metadata_value, "none"))',
    "tag, many runs": 'has(tags, "support")',
    "tag, few runs": 'has(tags, "vip")',
    "tag, no run": 'has(tags, "none")',
    "name, many runs": 'eq(name, "turn")',
    "name, few runs": 'eq(name, "rare turn")',
    "name, no run": 'eq(name, "none")',
    "status, 1 of 75": 'eq(status, "error")',
    "status, no run": 'eq(status, "pending")',
    "pair of inputs, one turn": 'and(eq(input_key, "question"), eq(input_value, "東京の天気は晴れです。 Order 4711"))',
    "pair of inputs, every call": 'and(eq(input_key, "model"), eq(input_value, "gpt-4o-mini"))',
    "pair of outputs, 1 of 400": 'and(eq(output_key, "documents.metadata.source"), eq(output_value, "https://docs.example.com/manual/173"))',
    "pair of outputs, no run": 'and(eq(output_key, "finish_reason"), eq(output_value, "none"))',
    "key of outputs, no run": 'and(eq(output_key, "none"), like(output_value, "%a%"))',
    "search, one run": 'search("{request}")',
    "search, part of one word": 'search("{part}")',
    "search, common word": 'search("python")',
    "search, two common words": 'search("python object")',
    "search, every run": 'search("production")',
    "search, CJK": 'search("天気")',
    "search, URL": 'search("https://docs.example.com/manual/173")',
    "search, number": 'search("4711")',
    "search, no run": 'search("nowheretobefound")',
    "search, two letters": 'search("zq")',
    "search, outputs": 'search(outputs, "descriptor")',
}


class Bench:
    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.db = psycopg.connect(server.database_url, autocommit=True)
        self.copies = 0

    def send(self) -> None:
        plan: Plan = {
            "origin": self.server.origin, "key": self.server.api_key, "senders": 1, "batches": SEEDS // SIZE, "size": SIZE,
            "in_two": False, "mixed": True, "ids": 7, "seed": 1, "start": long_ago().isoformat(),
        }  # fmt: skip
        Sender(plan).go()
        run = {
            "id": "0195a6c1-7d1f-7000-8000-000000000001",
            "name": "turn",
            "run_type": "chain",
            "session_name": "bench",
        }
        run["inputs"] = {"question": "東京の天気は晴れです。 Order 4711"}  # type: ignore[assignment]
        self.post("/api/v1/runs/batch", {"post": [run]})
        while self.one("SELECT count(*) FROM runs_searchpending"):
            time.sleep(0.5)
        columns = "SELECT attname FROM pg_attribute WHERE attrelid = 'runs_run'::regclass AND attnum > 0 AND attgenerated = ''"
        self.columns = [row[0] for row in self.db.execute(columns + " AND NOT attisdropped").fetchall()]

    def one(self, query: str) -> Any:
        return (self.db.execute(query).fetchone() or [None])[0]  # type: ignore[call-overload]

    def grow(self, runs: int) -> None:
        """Doubling would copy copies, so the first ones are always the source."""
        wanted = max(0, runs // SEEDS - 1)
        for first in range(self.copies + 1, wanted + 1, 10):
            for statement in (COPY_WORDS, COPY_TEXTS, copy_runs(self.columns)):
                self.db.execute(statement, {"first": first, "last": min(first + 9, wanted)})  # type: ignore[call-overload]
        self.copies = max(self.copies, wanted)
        for table in ("runs_run", "runs_searchtext", "runs_searchword"):
            self.db.execute(f"VACUUM (ANALYZE) {table}")  # type: ignore[call-overload]

    def keep_seeds(self) -> None:
        self.db.execute("CREATE TABLE seed_runs AS SELECT * FROM runs_run")
        self.db.execute("CREATE TABLE seed_texts AS SELECT * FROM runs_searchtext")

    def post(self, path: str, body: Any) -> Any:
        headers = {"x-api-key": self.server.api_key, "content-type": "application/json"}
        request = urllib.request.Request(self.server.origin + path, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def measure(self) -> None:
        project = str(self.one("SELECT project_id FROM seed_runs LIMIT 1"))
        metadata = (
            self.one("SELECT metadata FROM runs_run WHERE metadata ? 'request_id' ORDER BY start_time LIMIT 1") or {}
        )
        request = metadata.get("request_id", "none")
        places = {"request": request, "part": request[2:10], "user": metadata.get("user_id", "user-1")}
        for name, template in FILTERS.items():
            text = template
            for place, value in places.items():
                text = text.replace("{" + place + "}", value)
            body = {"session": [project], "filter": text, "limit": 100, "select": ["id", "name", "start_time"]}
            times = []
            for _ in range(ROUNDS):
                start = time.perf_counter()
                found = len(self.post("/api/v1/runs/query", body)["runs"])
                times.append((time.perf_counter() - start) * 1_000)
                if sum(times) > 20_000:
                    break
            print(
                f"{name:28}{found:5} runs{percentile(times, 50):9.1f} ms p50{percentile(times, 95):9.1f} ms p95",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options = parser.parse_args()
    server = LiveServer()
    try:
        bench = Bench(server)
        bench.send()
        bench.keep_seeds()
        for runs in sorted(options.runs):
            bench.grow(runs)
            count = bench.one("SELECT count(*) FROM runs_run")
            print(f"\n{count:,} runs")
            bench.measure()
            for table in ("runs_run", "runs_searchtext", "runs_searchword"):
                size = bench.one(f"SELECT pg_total_relation_size('{table}')")
                print(f"{table:28}{size / count:9,.0f} bytes a run")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
