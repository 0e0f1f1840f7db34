"""Runs as the SDKs put them on the wire: JSON objects with ids, times and a dotted order."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]

RUNTIME = {
    "sdk": "langsmith-py",
    "sdk_version": "0.15.0",
    "library": "langsmith",
    "platform": "Linux-6.1.0-x86_64-with-glibc2.36",
    "runtime": "python",
    "runtime_version": "3.13.0",
}


class Clock:
    """Seconds since the conversation began; it moves only when something in the conversation takes time."""

    def __init__(self, seed: uuid.UUID) -> None:
        self.now = 0.0
        self.random = random.Random(seed.int)

    def wait(self, low: float, high: float) -> None:
        self.now += self.random.uniform(low, high)


class Span:
    """A run in the making. Times are seconds on the conversation's clock; `wire` is told when that clock began."""

    def __init__(self, trace: "Trace", parent: "Span | None", name: str, run_type: str, inputs: Json) -> None:
        self.trace, self.parent, self.name, self.run_type, self.inputs = trace, parent, name, run_type, inputs
        self.id = uuid.uuid5(trace.id, str(len(trace.spans))) if parent else trace.id
        self.start = trace.clock.now
        self.finish: float | None = None
        self.outputs: Json | None = None
        self.error: str | None = None
        self.tags: list[str] = list(trace.tags)
        self.metadata: Json = {"ls_method": "traceable"}
        self.extra: Json = {"runtime": RUNTIME}
        self.tokens_at: list[float] = []
        trace.spans.append(self)

    def child(self, name: str, run_type: str, inputs: Json) -> "Span":
        return Span(self.trace, self, name, run_type, inputs)

    def end(self, outputs: Json | None = None, error: str | None = None) -> None:
        self.finish, self.outputs, self.error = self.trace.clock.now, outputs, error

    def dotted_order(self, began: datetime) -> str:
        own = f"{began + timedelta(seconds=self.start):%Y%m%dT%H%M%S%fZ}{self.id}"
        return f"{self.parent.dotted_order(began)}.{own}" if self.parent else own

    def wire(self, began: datetime) -> Json:
        carried = self.trace.thread if self.parent is None or self.trace.carried_by_all else {}
        run: Json = {
            "id": str(self.id),
            "trace_id": str(self.trace.id),
            "parent_run_id": str(self.parent.id) if self.parent else None,
            "dotted_order": self.dotted_order(began),
            "session_name": self.trace.project,
            "name": self.name,
            "run_type": self.run_type,
            "start_time": iso(began, self.start),
            "inputs": self.inputs,
            "tags": self.tags,
            "extra": {**self.extra, "metadata": {**self.trace.metadata, **carried, **self.metadata}},
        }
        if self.tokens_at:
            run["events"] = [{"name": "new_token", "time": iso(began, at)} for at in self.tokens_at]
        if self.finish is not None:
            run |= {"end_time": iso(began, self.finish), "outputs": self.outputs, "error": self.error}
        return run


class Trace:
    """One turn. `thread` is the metadata entry that names the thread, carried by every run or by the root alone."""

    def __init__(self, trace_id: uuid.UUID, clock: Clock, project: str, thread: Json, metadata: Json) -> None:
        self.id, self.clock, self.project, self.thread, self.metadata = trace_id, clock, project, thread, metadata
        self.carried_by_all = True
        self.tags: list[str] = []
        self.spans: list[Span] = []

    def wire(self, began: datetime) -> list[Json]:
        return [span.wire(began) for span in self.spans]


def iso(began: datetime, seconds: float) -> str:
    return (began + timedelta(seconds=seconds)).astimezone(UTC).isoformat(timespec="microseconds")
