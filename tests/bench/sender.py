"""A client in a process of its own: it prepares its requests, says so, waits for the word and sends.

Talks JSON lines over stdin and stdout: a plan in, {"ready": ...} out; for "go" in, the result out.
"""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypedDict
from urllib.parse import urlsplit

from tests.bench.content import BOUNDARY, Conversations, batches


class Plan(TypedDict):
    origin: str
    key: str
    senders: int
    batches: int
    size: int
    in_two: bool
    mixed: bool
    ids: int
    seed: int
    start: str


class Result(NamedTuple):
    seconds: float
    latencies: list[float]
    cpu: float
    runs: int


def _prepare(plan: Plan) -> list[list[bytes]]:
    """The bodies of each sender: all with other conversations, the work shared out evenly."""
    each = plan["batches"] // plan["senders"]
    start = datetime.fromisoformat(plan["start"])
    return [
        batches(
            Conversations(
                plan["seed"] * 1_000 + number,
                start=start + timedelta(milliseconds=11 * number),
                ids=plan["ids"],
                mixed=plan["mixed"],
            ).runs(),
            each,
            plan["size"],
            in_two=plan["in_two"],
        )
        for number in range(plan["senders"])
    ]


def _send(plan: Plan, bodies: list[bytes], latencies: list[float], start: threading.Barrier) -> None:
    address = urlsplit(plan["origin"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
    connection.connect()
    headers = {
        "x-api-key": plan["key"],
        "content-encoding": "zstd",
        "content-type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    start.wait()
    for body in bodies:
        began = time.perf_counter()
        connection.request("POST", "/api/v1/runs/multipart", body, headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 202:
            raise RuntimeError(f"{answer.status}: {text[:500]!r}")
        latencies.append(time.perf_counter() - began)


def main() -> None:
    plan: Plan = json.loads(sys.stdin.readline())
    work = _prepare(plan)
    latencies: list[float] = []
    barrier = threading.Barrier(len(work) + 1)
    threads = [threading.Thread(target=_send, args=(plan, bodies, latencies, barrier)) for bodies in work]
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    for thread in threads:
        thread.start()
    barrier.wait()
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    expected = sum(map(len, work))
    if len(latencies) != expected:
        sys.exit(f"only {len(latencies)} of {expected} batches were taken")
    runs = plan["batches"] // plan["senders"] * plan["senders"] * plan["size"]
    print(json.dumps(Result(seconds, latencies, time.process_time() - cpu, runs)._asdict()), flush=True)


class Sender:
    """The handle of such a process. Made early, it prepares while nothing is measured."""

    def __init__(self, plan: Plan) -> None:
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "tests.bench.sender"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._say(plan)
        self._hear()

    def go(self) -> Result:
        self._say("go")
        result = Result(**self._hear())
        self.process.wait()
        return result

    def _say(self, message: Any) -> None:
        assert self.process.stdin
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def _hear(self) -> Any:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sender ended with code {self.process.wait()}")
        return json.loads(line)


if __name__ == "__main__":
    main()
