"""Conversations for the benchmarks: plausible text, and runs as the newest Python SDK sends them.

The words and how often one follows another come from the Python documentation of the standard library (pydoc's topics), so
compressors find about as much to save as in people's text: neither random bytes nor one line repeated.
"""

import random
import re
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise
from pydoc_data.topics import topics
from typing import Any, NamedTuple

import msgspec
import zstandard

TURNS = 5
RUNS_A_TURN = 3
BOUNDARY = "b39eeb00edc464f28917af6fd7bd0fd0c"
PROJECT = "bench"
ZSTD_LEVEL = 3

RUNTIME = {
    "sdk": "langsmith-py",
    "sdk_version": "0.15.0",
    "library": "langsmith",
    "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
    "runtime": "python",
    "py_implementation": "CPython",
    "runtime_version": "3.13.0",
    "langchain_version": None,
    "langchain_core_version": None,
}
SYSTEM = "You are the support assistant of a shop for tools. Answer briefly, from the documents, and name the source."


@cache
def _chain() -> tuple[dict[str, list[str]], list[str]]:
    """word -> the words seen after it, as often as they were; and all words."""
    following: dict[str, list[str]] = defaultdict(list)
    for text in topics.values():
        words = re.findall(r"[a-z]{1,14}(?:[.,;?](?=\s))?", text.lower())
        for word, then in pairwise(words):
            following[word].append(then)
    return dict(following), list(following)


def prose(rng: random.Random, words: int) -> str:
    chain, starts = _chain()
    word, out = rng.choice(starts), []
    for _ in range(words):
        out.append(word)
        # A fresh start now and then, or short cycles of the chain would repeat themselves.
        word = rng.choice(starts) if rng.random() < 0.12 else rng.choice(chain.get(word, starts))
    text = " ".join(out)
    return text[0].upper() + text[1:] + "."


class Sent(NamedTuple):
    """A run, in the parts in which the SDK sends it."""

    head: dict[str, Any]
    fields: dict[str, Any]


class Ids:
    """Like the SDK's: version 7 from the run's start (newest), or version 4 (older ones)."""

    def __init__(self, rng: random.Random, version: int) -> None:
        self.rng, self.version = rng, version

    def new(self, start: datetime) -> uuid.UUID:
        bits = self.rng.getrandbits(128)
        if self.version == 7:
            bits = int(start.timestamp() * 1000) << 80 | bits & (1 << 80) - 1
        number = bits & ~(0xF << 76) & ~(0x3 << 62) | self.version << 76 | 0b10 << 62
        return uuid.UUID(int=number)


class Conversations:
    """An endless stream of runs. `mixed` sends the turns of many threads side by side, else thread after thread."""

    def __init__(self, seed: int, *, start: datetime, ids: int = 7, mixed: bool = True, project: str = PROJECT) -> None:
        self.rng = random.Random(seed)
        self.ids = Ids(self.rng, ids)
        self.start, self.mixed, self.project = start, mixed, project

    def runs(self) -> Iterator[Sent]:
        while True:
            threads = [(f"{self.rng.getrandbits(128):032x}", f"user-{self.rng.randrange(2_000)}") for _ in range(40)]
            history: dict[str, list[dict[str, str]]] = {thread: [] for thread, _ in threads}
            turns = [(turn, index) for turn in range(TURNS) for index in range(len(threads))]
            for turn, index in turns if self.mixed else sorted(turns, key=lambda item: item[1]):
                thread, user = threads[index]
                start = self.start + timedelta(seconds=20 * turn, milliseconds=37 * index)
                yield from self._turn(thread, user, start, history[thread])
            self.start += timedelta(seconds=2)

    def _turn(self, thread: str, user: str, start: datetime, history: list[dict[str, str]]) -> Iterator[Sent]:
        rng = self.rng
        question, answer = prose(rng, rng.randint(6, 30)), prose(rng, rng.randint(30, 110))
        failed = rng.random() < 0.02
        root = self._run("turn", "chain", start, rng.uniform(0.8, 4), None, thread, user)
        root.fields["inputs"] = {"question": question, "stream": False}
        root.fields["outputs"] = {"output": None if failed else answer}
        search = self._run("search_documents", "retriever", start + timedelta(milliseconds=3), 0.2, root, thread, user)
        search.fields["inputs"] = {"query": question}
        search.fields["outputs"] = {"documents": [self._document() for _ in range(rng.choice((2, 3)))]}
        model = self._run("ChatOpenAI", "llm", start + timedelta(milliseconds=210), 0.6, root, thread, user)
        messages = [{"role": "system", "content": SYSTEM}, *history[-2:], {"role": "user", "content": question}]
        model.fields["inputs"] = {"messages": messages, "model": "gpt-4o-mini", "temperature": 0.2}
        model.fields["outputs"] = {} if failed else self._completion(model, question, answer)
        if failed:
            error = f"RateLimitError('Error code: 429 - {prose(rng, 12)}')\n\nTraceback (most recent call last):\n"
            model.fields["error"] = root.fields["error"] = error
        history += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        yield from (root, search, model)

    def _run(
        self, name: str, run_type: str, start: datetime, seconds: float, parent: Sent | None, thread: str, user: str
    ) -> Sent:
        run_id = str(self.ids.new(start))
        trace_id = parent.head["trace_id"] if parent else run_id
        above = parent.head["dotted_order"] + "." if parent else ""
        metadata = {
            "session_id": thread,
            "user_id": user,
            "environment": "production",
            "app_version": "2.14.1",
            "ls_method": "traceable",
            "LANGSMITH_TRACING": "true",
            "revision_id": "4f1c2ab",
            "channel": self.rng.choice(("web", "app", "mail")),
        }
        if run_type == "llm":
            metadata |= {"ls_provider": "openai", "ls_model_type": "chat", "ls_model_name": "gpt-4o-mini"}
        head = {
            "id": run_id,
            "name": name,
            "run_type": run_type,
            "trace_id": trace_id,
            "parent_run_id": parent.head["id"] if parent else None,
            "dotted_order": f"{above}{start:%Y%m%dT%H%M%S%f}Z{run_id}",
            "tags": ["support"] if parent is None else [],
            "session_name": self.project,
            "start_time": start.isoformat(),
            "end_time": (start + timedelta(seconds=seconds)).isoformat(),
        }
        return Sent(
            head, {"inputs": {}, "outputs": {}, "events": [], "extra": {"metadata": metadata, "runtime": RUNTIME}}
        )

    def _document(self) -> dict[str, Any]:
        source = f"https://docs.example.com/manual/{self.rng.randrange(900)}"
        text = prose(self.rng, self.rng.randint(25, 70))
        return {
            "page_content": text,
            "type": "Document",
            "metadata": {"source": source, "score": round(self.rng.random(), 4)},
        }

    def _completion(self, model: Sent, question: str, answer: str) -> dict[str, Any]:
        counts = {"input_tokens": 40 + len(question) // 4, "output_tokens": len(answer) // 4}
        usage = counts | {
            "total_tokens": sum(counts.values()),
            "input_token_details": {"audio": 0, "cache_read": 0},
            "output_token_details": {"audio": 0, "reasoning": 0},
        }
        model.fields["extra"]["metadata"]["usage_metadata"] = usage
        message = {"content": answer, "refusal": None, "role": "assistant", "annotations": None, "tool_calls": None}
        return {
            "id": f"chatcmpl-{self.rng.getrandbits(112):028x}",
            "choices": [{"finish_reason": "stop", "index": 0, "logprobs": None, "message": message}],
            "created": 1760000000 + self.rng.randrange(10_000_000),
            "model": "gpt-4o-mini-2024-07-18",
            "object": "chat.completion",
            "service_tier": "default",
            "system_fingerprint": "fp_51db84afab",
            "usage_metadata": usage,
        }


def complete(run: Sent) -> list[tuple[str, Any]]:
    """The parts of a run that is sent when it has ended."""
    return _parts("post", run.head, run.fields)


def started(run: Sent) -> list[tuple[str, Any]]:
    head = {key: value for key, value in run.head.items() if key != "end_time"}
    return _parts("post", head, run.fields | {"outputs": {}})


def ended(run: Sent) -> list[tuple[str, Any]]:
    return _parts("patch", run.head, {name: value for name, value in run.fields.items() if name != "inputs"})


def _parts(kind: str, head: dict[str, Any], fields: dict[str, Any]) -> list[tuple[str, Any]]:
    name = f"{kind}.{head['id']}"
    return [(name, head), *((f"{name}.{field}", value) for field, value in fields.items())]


def body(parts: list[tuple[str, Any]]) -> bytes:
    """The multipart body, not yet compressed."""
    pieces = []
    for name, value in parts:
        text = msgspec.json.encode(value)
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: application/json\r\n'
        pieces += [head.encode(), f"Content-Length: {len(text)}\r\n\r\n".encode(), text, b"\r\n"]
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


def compressed(text: bytes) -> bytes:
    """A frame without its content's size, as the SDK's streaming compressor makes it."""
    stream = zstandard.ZstdCompressor(level=ZSTD_LEVEL).compressobj()
    return stream.compress(text) + stream.flush()


def batches(stream: Iterator[Sent], count: int, size: int, *, in_two: bool) -> list[bytes]:
    """Compressed bodies of `size` runs each. `in_two`: a run is started in one batch and ended in the next."""
    bodies, before = [], []
    for _ in range(count):
        runs = list(islice(stream, size))
        parts = [part for run in runs for part in (started(run) if in_two else complete(run))]
        bodies.append(compressed(body([*(part for run in before for part in ended(run)), *parts])))
        before = runs if in_two else []
    if before:
        bodies.append(compressed(body([part for run in before for part in ended(run)])))
    return bodies


def long_ago(seconds: float = 0) -> datetime:
    return datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=seconds)
