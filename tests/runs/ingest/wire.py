"""Runs and bodies as the SDKs send them."""

import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.test import Client

from apps.accounts.models import ApiKey

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOUNDARY = "ThreadlineTestBoundary"
FIELDS = ("inputs", "outputs", "events", "extra", "error", "serialized")

type Wire = dict[str, Any]


def step(moment: datetime, run_id: str) -> str:
    return f"{moment:%Y%m%dT%H%M%S%f}Z{run_id}"


def wire_run(
    parent: Wire | None = None, *, at: float = 0, seconds: float | None = 1.0, thread: str | None = None, **fields: Any
) -> Wire:
    """A complete run that starts `at` seconds after START; a root without a parent."""
    run_id = str(fields.pop("id", None) or uuid.uuid4())
    start = START + timedelta(seconds=at)
    own = step(start, run_id)
    run: Wire = {
        "id": run_id,
        "trace_id": parent["trace_id"] if parent else run_id,
        "parent_run_id": parent["id"] if parent else None,
        "dotted_order": f"{parent['dotted_order']}.{own}" if parent else own,
        "name": "chat",
        "run_type": "chain",
        "start_time": start.isoformat(),
        "session_name": "app",
        "inputs": {"question": "What is a thread?"},
    }
    if seconds is not None:
        run |= {"end_time": (start + timedelta(seconds=seconds)).isoformat(), "outputs": {"answer": "Turns in a row."}}
    if thread is not None:
        run["extra"] = {"metadata": {"session_id": thread}}
    return run | fields


def llm(
    parent: Wire | None = None, *, tokens: tuple[int, int] = (10, 5), cost: float | None = None, **fields: Any
) -> Wire:
    usage: Wire = {"input_tokens": tokens[0], "output_tokens": tokens[1], "total_tokens": sum(tokens)}
    if cost is not None:
        usage["total_cost"] = cost
    return wire_run(parent, run_type="llm", **fields) | {"outputs": {"text": "hi", "usage_metadata": usage}}


def patch_of(run: Wire, **fields: Any) -> Wire:
    """The light fields of a run again, as a patch repeats them, with what is new."""
    return {key: run[key] for key in ("id", "trace_id", "parent_run_id", "dotted_order")} | fields


def multipart(posts: Iterable[Wire] = (), patches: Iterable[Wire] = ()) -> bytes:
    return closed(parts_of(posts, patches))


def parts_of(posts: Iterable[Wire] = (), patches: Iterable[Wire] = ()) -> list[bytes]:
    pieces = []
    for kind, runs in (("post", posts), ("patch", patches)):
        for run in runs:
            pieces.append(part(f"{kind}.{run['id']}", {k: v for k, v in run.items() if k not in FIELDS}))
            pieces += [part(f"{kind}.{run['id']}.{field}", run[field]) for field in FIELDS if field in run]
    return pieces


def part(name: str, value: Any) -> bytes:
    body = value if isinstance(value, bytes) else msgspec.json.encode(value)
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: application/json\r\n\r\n'
    return head.encode() + body + b"\r\n"


def closed(pieces: Iterable[bytes]) -> bytes:
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


def sender_of(client: Client, key: ApiKey) -> Callable[..., Any]:
    """send(*parts): one multipart request, its answer."""

    def send(*parts: bytes) -> Any:
        content_type = f"multipart/form-data; boundary={BOUNDARY}"
        headers = {"x-api-key": key.secret}
        return client.generic("POST", "/api/v1/runs/multipart", closed(parts), content_type, headers=headers)

    return send
