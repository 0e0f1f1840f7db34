"""Senders that never give up: each sends batch after batch, and the same batch again until it is answered with 202."""

import http.client
import random
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from tests.bench.content import BOUNDARY, Conversations, Sent, body, complete, compressed, ended, long_ago, started

SIZE = 30
PAUSE_SECONDS = 0.05
RETRY_SECONDS = 60


class Told(NamedTuple):
    """What the server has said it keeps of a run. Digests are of the JSON text as sent; None where nothing was sent yet."""

    trace_id: str
    thread_id: str
    inputs: bytes
    ended: bool
    outputs: bytes | None
    error: str | None


def digest(text: bytes) -> bytes:
    return sha256(text).digest()


class Load:
    """Two senders, one of complete runs and one that posts runs and patches them a batch later."""

    def __init__(self, port: int, key: str, seed: int) -> None:
        self.port, self.key = port, key
        self.told: dict[str, Told] = {}
        self.acknowledged = [0, 0]
        self.refused = 0
        self.failures: list[str] = []
        self._over = threading.Event()
        seeds = random.Random(seed)
        self._threads = [
            threading.Thread(target=self._work, args=(number, batches(seeds.randrange(1 << 30))))
            for number, batches in enumerate((_complete, _in_two))
        ]
        for thread in self._threads:
            thread.start()

    def wait_for_more(self, batches: int) -> None:
        """Until each sender has had so many further batches acknowledged."""
        goal = [count + batches for count in self.acknowledged]
        deadline = time.monotonic() + RETRY_SECONDS
        while any(count < wanted for count, wanted in zip(self.acknowledged, goal, strict=True)):
            assert not self.failures, self.failures
            assert time.monotonic() < deadline, f"no batch was taken for {RETRY_SECONDS} s: {self.acknowledged}"
            time.sleep(0.02)

    def stop(self) -> None:
        """When both have had their last batch acknowledged."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, number: int, batches: "Iterator[Batch]") -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        for batch in batches:
            try:
                self._deliver(connection, compressed(body(batch.parts)))
            except Exception as error:  # for the main thread, which is the one that can fail the test
                self.failures.append(f"sender {number}: {error!r}")
                return
            self.told |= batch.told
            self.acknowledged[number] += 1
            if self._over.is_set():
                return

    def _deliver(self, connection: http.client.HTTPConnection, data: bytes) -> None:
        deadline = time.monotonic() + RETRY_SECONDS
        while True:
            status, text = self._post(connection, data)
            if status == 202:
                return
            if status and status < 500:
                raise RuntimeError(f"{status}: {text[:500]!r}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"not taken for {RETRY_SECONDS} s; the last answer: {status} {text[:500]!r}")
            self.refused += 1
            time.sleep(PAUSE_SECONDS)

    def _post(self, connection: http.client.HTTPConnection, data: bytes) -> tuple[int, bytes]:
        """Status 0 without an answer."""
        headers = {"x-api-key": self.key, "content-encoding": "zstd"}
        headers["content-type"] = f"multipart/form-data; boundary={BOUNDARY}"
        try:
            connection.request("POST", "/api/v1/runs/multipart", data, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return 0, repr(error).encode()


class Batch(NamedTuple):
    parts: list[tuple[str, Any]]
    told: dict[str, Told]


def _complete(seed: int) -> Iterator[Batch]:
    for runs in _chunks(seed):
        yield Batch([part for run in runs for part in complete(run)], _told(runs, ended=True))


def _in_two(seed: int) -> Iterator[Batch]:
    before: list[Sent] = []
    for runs in _chunks(seed):
        parts = [part for run in before for part in ended(run)] + [part for run in runs for part in started(run)]
        yield Batch(parts, _told(before, ended=True) | _told(runs, ended=False))
        before = runs


def _chunks(seed: int) -> Iterator[list[Sent]]:
    stream = Conversations(seed, start=long_ago()).runs()
    while True:
        yield list(islice(stream, SIZE))


def _told(runs: list[Sent], *, ended: bool) -> dict[str, Told]:
    return {run.head["id"]: _of(run, ended) for run in runs}


def _of(run: Sent, ended: bool) -> Told:
    inputs, outputs = (msgspec.json.encode(run.fields[name]) for name in ("inputs", "outputs"))
    return Told(
        run.head["trace_id"],
        run.fields["extra"]["metadata"]["session_id"],
        digest(inputs),
        ended,
        digest(outputs) if ended and run.fields["outputs"] else None,
        run.fields.get("error"),
    )
