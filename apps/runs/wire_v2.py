"""What the v2 routes of runs, traces and threads share: selections, pages, windows, and a run as v2 shows it."""

import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from msgspec import Raw
from ninja import Schema
from ninja.errors import HttpError
from pydantic import BeforeValidator, Field

from apps.common.paging import Page, keyset
from apps.projects import ports
from apps.projects.wire import Moment, Text
from apps.runs.models import Run, RunQuerySet, RunType
from apps.runs.payloads import RUN_BYTES, read
from apps.runs.preview import preview_inputs, preview_outputs
from apps.runs.wire import ancestors, encode, money, payload_json

WINDOW: Final = timedelta(days=1)
PREVIEW: Final = 500

# The payload columns that a selected field is made from.
_COLUMNS: Final = {
    "INPUTS": "inputs",
    "INPUTS_PREVIEW": "inputs",
    "OUTPUTS": "outputs",
    "OUTPUTS_PREVIEW": "outputs",
    "EVENTS": "events",
    "EXTRA": "extra",
    "MANIFEST": "serialized",
}


@dataclass(frozen=True)
class Shown:
    """A run with what is not in its row. usage stands in for its own where totals of its subtree were asked for."""

    run: Run
    workspace_id: uuid.UUID
    thread_id: str | None
    attachments: Mapping[str, str] = field(default_factory=dict)
    usage: Any = None
    more: Mapping[str, Any] = field(default_factory=dict)
    """Fields that apps above this one know (BESIDE)."""

    @property
    def counted(self) -> Any:
        return self.usage or self.run


def _usage(name: str) -> Callable[[Shown], Any]:
    return lambda shown: getattr(shown.counted, name)


def _cost(name: str) -> Callable[[Shown], Any]:
    return lambda shown: money(getattr(shown.counted, name))


def _details(side: str) -> Callable[[Shown], Any]:
    return lambda shown: {"raw": (shown.counted.usage_details or {}).get(side) or {}}


def _payload(name: str) -> Callable[[Shown], Any]:
    return lambda shown: payload_json(shown.run, name)


def _own(name: str) -> Callable[[Shown], Any]:
    return lambda shown: getattr(shown.run, name)


def _nothing(_: Shown) -> None:
    return None


def _more(name: str, otherwise: Any = None) -> Callable[[Shown], Any]:
    return lambda shown: shown.more.get(name, otherwise)


def _metadata(shown: Shown) -> Raw:
    text: str | None = shown.run.metadata_json  # type: ignore[attr-defined]
    return Raw((text or "{}").encode())


def _preview(name: str, make: Callable[[Any], str | None]) -> Callable[[Shown], Any]:
    """Stored for roots only, made on the spot for others."""

    def preview(shown: Shown) -> str | None:
        stored: str | None = getattr(shown.run, f"{name}_preview")
        return stored or make(read(getattr(shown.run, name), RUN_BYTES).value)

    return preview


def _first_token_time(shown: Shown) -> datetime | None:
    moment: datetime | None = shown.counted.first_token_time
    return moment if shown.usage or shown.run.run_type == RunType.LLM else None


def _app_path(shown: Shown) -> str:
    run = shown.run
    return f"/o/{shown.workspace_id}/projects/p/{run.project_id}/r/{run.id}?trace_id={run.trace_id}"


# What selects can name. What Threadline has no notion of is null.
RUN_FIELDS: Final[dict[str, Callable[[Shown], Any]]] = {
    "ID": _own("id"),
    "NAME": _own("name"),
    "RUN_TYPE": lambda shown: shown.run.run_type.upper(),
    "STATUS": lambda shown: shown.run.status.upper(),
    "START_TIME": _own("start_time"),
    "END_TIME": _own("end_time"),
    "LATENCY_SECONDS": lambda shown: seconds(shown.run.start_time, shown.run.end_time),
    "FIRST_TOKEN_TIME": _first_token_time,
    "ERROR": _own("error"),
    "ERROR_PREVIEW": lambda shown: shown.run.error[:PREVIEW] if shown.run.error else None,
    "EXTRA": _payload("extra"),
    "METADATA": _metadata,
    "EVENTS": _payload("events"),
    "INPUTS": _payload("inputs"),
    "INPUTS_PREVIEW": _preview("inputs", preview_inputs),
    "OUTPUTS": _payload("outputs"),
    "OUTPUTS_PREVIEW": _preview("outputs", preview_outputs),
    "MANIFEST": _payload("serialized"),
    "PARENT_RUN_ID": _own("parent_run_id"),
    "PARENT_RUN_IDS": lambda shown: ancestors(shown.run.dotted_order),
    "PROJECT_ID": _own("project_id"),
    "TRACE_ID": _own("trace_id"),
    "THREAD_ID": lambda shown: shown.thread_id,
    "DOTTED_ORDER": _own("dotted_order"),
    "IS_ROOT": lambda shown: shown.run.is_root,
    "REFERENCE_EXAMPLE_ID": _own("reference_example_id"),
    "REFERENCE_DATASET_ID": _nothing,
    "TOTAL_TOKENS": _usage("total_tokens"),
    "PROMPT_TOKENS": _usage("prompt_tokens"),
    "COMPLETION_TOKENS": _usage("completion_tokens"),
    "TOTAL_COST": _cost("total_cost"),
    "PROMPT_COST": _cost("prompt_cost"),
    "COMPLETION_COST": _cost("completion_cost"),
    "PROMPT_TOKEN_DETAILS": _details("prompt"),
    "COMPLETION_TOKEN_DETAILS": _details("completion"),
    "PROMPT_COST_DETAILS": _details("prompt_cost"),
    "COMPLETION_COST_DETAILS": _details("completion_cost"),
    "PRICE_MODEL_ID": _nothing,
    "TAGS": lambda shown: shown.run.tags or [],
    "APP_PATH": _app_path,
    "ATTACHMENTS": lambda shown: shown.attachments,
    "THREAD_EVALUATION_TIME": _nothing,
    "IS_IN_DATASET": lambda shown: False,
    "LAST_QUEUED_AT": _nothing,
    "SHARE_URL": _more("SHARE_URL"),
    "FEEDBACK_STATS": _more("FEEDBACK_STATS", {}),
    "LS_USER_ID": _nothing,
}


type Beside = Callable[[Sequence[Run], HttpRequest], Mapping[uuid.UUID, Any]]


def _feedback_stats(runs: Sequence[Run], _: HttpRequest) -> Mapping[uuid.UUID, Any]:
    found = ports.feedback.of_runs((run.trace_id, run.id) for run in runs)
    return {run_id: stats for (_, run_id), stats in found.items()}


# By the name in selects, what apps that stand on this one know of runs: asked for once a page, and only when it is selected.
BESIDE: Final[dict[str, Beside]] = {"FEEDBACK_STATS": _feedback_stats}


def beside(runs: Sequence[Run], selects: Collection[str], request: HttpRequest) -> dict[uuid.UUID, dict[str, Any]]:
    """What BESIDE tells, by run id."""
    found: dict[uuid.UUID, dict[str, Any]] = {}
    for name in BESIDE.keys() & set(selects):
        for run_id, value in BESIDE[name](runs, request).items():
            found.setdefault(run_id, {})[name] = value
    return found


def run_json(shown: Shown, selects: Iterable[str]) -> dict[str, Any]:
    return {name.lower(): RUN_FIELDS[name](shown) for name in selects}


def columns_for(selects: Iterable[str]) -> frozenset[str]:
    return frozenset(_COLUMNS[name] for name in selects if name in _COLUMNS)


def selected(asked: Sequence[str] | None, known: Collection[str], default: Sequence[str] = ()) -> list[str]:
    """The fields to show, each once; HttpError 422 for one that does not exist, or for none where there is no default."""
    names = list(dict.fromkeys(name.upper() for name in asked or default))
    unknown = next((name for name in names if name not in known), None)
    if unknown is not None or not names:
        problem = f"there is no {unknown[:60]}" if unknown else "name at least one"
        raise HttpError(422, f"selects: {problem}; choose from {', '.join(known)}")
    return names


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None


def paged[M: Model](rows: QuerySet[M], order: Sequence[str], cursor: str | None, size: int) -> Page[M]:
    """HttpError 400 for a foreign cursor, where keyset would start over and send a paging client round in circles."""
    page = keyset(rows, order, cursor or "", size)
    if cursor and page.rows and not page.newer:
        raise HttpError(400, "This cursor is not one that this route gave out.")
    return page


def answer(request: HttpRequest, items: Sequence[Any], cursor: str) -> HttpResponse | StreamingHttpResponse:
    """{items, next_cursor}, or the same as a stream of patches to it where the client accepts that."""
    if "text/event-stream" not in request.headers.get("accept", ""):
        return as_json({"items": items, "next_cursor": cursor or None})
    response = StreamingHttpResponse(_events(items, cursor or None), content_type="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    return response


def as_json(value: Any) -> HttpResponse:
    return HttpResponse(encode(value), content_type="application/json")


def _events(items: Iterable[Any], cursor: str | None) -> Iterator[bytes]:
    yield _patch("replace", "", {"items": [], "next_cursor": None})
    for item in items:
        yield _patch("add", "/items/-", item)
    yield _patch("replace", "/next_cursor", cursor)
    yield b"event: end\ndata: []\n\n"


def _patch(op: str, path: str, value: Any) -> bytes:
    # A payload goes out as it came in, perhaps on several lines; between JSON's tokens a space means the same.
    text = encode([{"op": op, "path": path, "value": value}]).translate(_ONE_LINE)
    return b"event: data\ndata: %s\n\n" % text


_ONE_LINE = bytes.maketrans(b"\r\n", b"  ")


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


type Upper = Annotated[str, BeforeValidator(_upper)]


class Window(Schema):
    """Times are RFC 3339; without an offset they are UTC."""

    min_start_time: Moment | None = Field(None, description="started then or later; a day ago when it is left out")
    max_start_time: Moment | None = Field(None, description="started before; unbounded when it is left out")

    @property
    def since(self) -> datetime:
        return self.min_start_time or timezone.now() - WINDOW


class Search(Window):
    """What the v2 queries have in common."""

    trace_filter: Text | None = Field(None, description="of the root run of the trace, in the filter language")
    tree_filter: Text | None = Field(None, description="of any run of the trace")
    ai_search: str | None = Field(None, description="not served")
    sem_filter: str | None = Field(None, description="not served")
    cursor: str | None = Field(None, description="next_cursor of the page before")

    def refuse_meaning(self) -> None:
        """Raises HttpError 400: there is no search by meaning, and leaving it out would answer another question."""
        if self.ai_search or self.sem_filter:
            raise HttpError(400, 'Threadline has no search by meaning; use filter with search("words") instead.')


class FeedbackSearch(Search):
    min_feedback_modified_at: Moment | None = Field(None, description="some feedback on the run changed then or later")
    max_feedback_modified_at: Moment | None = Field(None, description="some feedback on it changed then or earlier")

    def with_feedback(self, runs: RunQuerySet) -> RunQuerySet:
        """One feedback must lie between the two."""
        if self.min_feedback_modified_at is None and self.max_feedback_modified_at is None:
            return runs
        return runs.feedback_changed(self.min_feedback_modified_at, self.max_feedback_modified_at)
