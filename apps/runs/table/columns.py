"""The columns of the Runs tab: what each shows, how it is read for a page of runs, and how runs are put in its order."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    Case,
    DecimalField,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    When,
)
from django.db.models.expressions import Combinable

from apps.projects import ports
from apps.projects.models import Project
from apps.projects.ports import RunKey
from apps.runs.listing import columns as listing
from apps.runs.listing.asked import Asked
from apps.runs.models import Run, Trace
from apps.runs.query.compile import IS_ROOT
from apps.runs.show import error_head
from apps.runs.table import cells
from apps.runs.table.of_page import OfMetadata, feedback_of, previews_of, traces_of, users_of

MAX_PATH: Final = 200


class Column(listing.Column[Run, RunKey]):
    """Of runs, whose keys are trace id and id."""


def _own(name: str) -> Callable[[Run, Any], Any]:
    return lambda run, found: getattr(run, name)


def latency(run: Run, found: Any = None) -> float | None:
    """Seconds."""
    return (run.end_time - run.start_time).total_seconds() if run.end_time else None


def first_token(run: Run, found: Any = None) -> float | None:
    """Seconds; the first token of a root is that of the first run below it that streamed."""
    at: datetime | None = (found.first_token_time if found and run.is_root else None) or run.first_token_time
    return (at - run.start_time).total_seconds() if at else None


def usage(name: str) -> Callable[[Run, Trace | None], Any]:
    """A root shows what its whole trace adds up to, as everywhere; None where nothing is known."""

    def value(run: Run, trace: Trace | None) -> Any:
        if not run.is_root or trace is None:
            return getattr(run, name)
        if name.endswith("_cost"):
            return getattr(trace, name) if trace.known_cost is not None else None
        return getattr(trace, name) if trace.llm_count else None

    return value


def _usage_order(name: str, known: Q, field: Any) -> Combinable:
    of_trace = Trace.objects.filter(known, trace_id=OuterRef("trace_id")).values(name)
    return Case(When(IS_ROOT, then=Subquery(of_trace)), default=F(name), output_field=field)


def _tokens(column_id: str, label: str, name: str) -> Column:
    value = usage(name)
    order = _usage_order(name, Q(llm_count__gt=0), BigIntegerField())
    about = "Of the whole trace for its first run, else the run's own"
    return Column(column_id, label, cells.amount(value, label), value, about, True, traces_of, order)


def _length(name: str) -> Combinable:
    return ExpressionWrapper(F(name) - F("start_time"), output_field=DurationField())


def _cost() -> Column:
    value = usage("total_cost")
    order = _usage_order(
        "total_cost", Q(llm_count__gt=F("unpriced_count")), DecimalField(max_digits=24, decimal_places=12)
    )
    return Column("cost", "Cost", cells.money(value), value, "US dollars", True, traces_of, order)


def output(run: Run, found: Any) -> str | None:
    """The error instead where the run failed: what it left unsaid is the news."""
    if run.error_start:  # type: ignore[attr-defined]
        return error_head(run.error_start)  # type: ignore[attr-defined]
    return found.outputs if found else None


def _trace(name: str) -> Callable[[Run, Trace | None], Any]:
    return lambda run, trace: getattr(trace, name) if trace else None


COLUMNS: Final = {
    column.id: column
    for column in (
        Column("type", "Type", cells.kind, _own("run_type")),
        Column("status", "Status", cells.status, _own("status")),
        Column("input", "Input", cells.asked, lambda run, found: found.inputs if found else None, load=previews_of),
        Column("output", "Output", cells.answered(output), output, "The error where the run failed", load=previews_of),
        Column("latency", "Latency", cells.pill(latency), latency, "", True, order=_length("end_time")),
        Column("ttft", "First token", cells.length(first_token), first_token, "", True, traces_of, _length("first_token_time")),
        _tokens("tokens", "Tokens", "total_tokens"),
        _tokens("tokens_in", "Tokens in", "prompt_tokens"),
        _tokens("tokens_out", "Tokens out", "completion_tokens"),
        _cost(),
        Column("model", "Model", cells.words(_own("model")), _own("model")),
        Column("tags", "Tags", cells.pills(_own("tags")), _own("tags")),
        Column("user", "User", cells.found_text, lambda run, found: found, "user_id in the metadata", load=users_of),
        Column("thread", "Thread", cells.thread, _trace("thread_id"), "Of the trace", load=traces_of),
        Column("runs", "Runs", cells.count(_trace("run_count")), _trace("run_count"), "In the whole trace", True, traces_of),
        Column("errors", "Errors", cells.count(_trace("error_count")), _trace("error_count"), "Failed, in the trace", True, traces_of),
        Column("start", "Start", cells.start, _own("start_time"), "", True, order=F("start_time")),
    )
}  # fmt: skip
DEFAULT: Final = {
    "traces": ("input", "output", "latency", "tokens", "cost", "thread", "start"),
    "llm": ("input", "output", "model", "latency", "ttft", "tokens_in", "tokens_out", "cost", "start"),
    "all": ("type", "input", "output", "latency", "tokens", "cost", "start"),
}
FEEDBACK: Final = "feedback."
META: Final = "meta."


def column(column_id: str) -> Column | None:
    if column_id in COLUMNS:
        return COLUMNS[column_id]
    if len(column_id) > MAX_PATH or not column_id.isprintable():
        return None
    if rest := column_id.removeprefix(META) if column_id.startswith(META) else "":
        about = f"Metadata {rest}"
        return Column(column_id, rest, cells.found_text, lambda run, found: found, about, load=OfMetadata((rest,)))
    if rest := column_id.removeprefix(FEEDBACK) if column_id.startswith(FEEDBACK) else "":
        return _feedback(column_id, rest)
    return None


def _feedback(column_id: str, key: str) -> Column:
    def average(run: Run, found: ports.Stats | None) -> float | None:
        return found[key].get("avg") if found and key in found else None

    return Column(column_id, key, cells.score(key), average, f"Feedback {key} on the run", True, feedback_of)


def show_of(asked: Asked) -> str:
    """The preset."""
    return asked.show if asked.show in DEFAULT else "traces"


def layout(asked: Asked) -> str:
    """Each preset keeps columns of its own: what tells traces apart says little of model calls."""
    return f"runs.{show_of(asked)}"


def chosen(ids: Iterable[str], asked: Asked) -> list[Column]:
    """The columns of these ids that exist, in their order; the usual ones of the preset where there is none."""
    found = [known for known in map(column, ids) if known]
    return found or [COLUMNS[name] for name in DEFAULT[show_of(asked)]]


def offered(project: Project) -> list[Column]:
    keys = ports.feedback.of_projects([project.pk]).get(project.pk, ports.NO_FEEDBACK)[0]
    return [*COLUMNS.values(), *(found for key in keys if (found := column(FEEDBACK + key)))]
