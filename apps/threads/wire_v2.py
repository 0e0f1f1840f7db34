"""Threads and their traces as v2 shows them."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from msgspec import Raw

from apps.projects.ports import Stats, combined
from apps.runs.groups import Group
from apps.runs.models import Run, RunType, Trace
from apps.runs.wire import money, payload_json
from apps.runs.wire_v2 import PREVIEW, seconds

type Kinds = Mapping[str, Mapping[str, Any]]

# The number of a run type, where only a number is asked for: its place here.
_OPS: Final = (
    RunType.TOOL,
    RunType.CHAIN,
    RunType.LLM,
    RunType.RETRIEVER,
    RunType.EMBEDDING,
    RunType.PROMPT,
    RunType.PARSER,
)
DETAILS: Final = {
    "PROMPT_TOKEN_DETAILS": "prompt",
    "COMPLETION_TOKEN_DETAILS": "completion",
    "PROMPT_COST_DETAILS": "prompt_cost",
    "COMPLETION_COST_DETAILS": "completion_cost",
}


def thread_json(group: Group, feedback: tuple[Stats, Stats]) -> dict[str, Any]:
    """Of the turns in the window that was asked for. feedback is over all runs of the thread, and about the thread as a whole."""
    stats = group.stats
    return {
        "thread_id": group.thread_id,
        "count": stats["count"],
        "trace_id": group.last.trace_id,
        "first_trace_id": group.first.trace_id,
        "last_trace_id": group.last.trace_id,
        "first_inputs": group.first_inputs,
        "last_outputs": group.last_outputs,
        "last_error": group.last_error,
        "start_time": stats["max_start"],
        "min_start_time": stats["min_start"],
        "max_start_time": stats["max_start"],
        "num_errored_turns": stats["errors"],
        "latency_p50": stats["latency_p50"],
        "latency_p99": stats["latency_p99"],
        "total_tokens": stats["total_tokens"],
        "total_token_details": group.token_details,
        "total_cost": money(stats["total_cost"]),
        "total_cost_details": group.cost_details,
        **feedback_json(feedback),
    }


def feedback_json(feedback: tuple[Stats, Stats]) -> dict[str, Any]:
    return {"feedback_stats": combined(*feedback), "thread_feedback_stats": feedback[1]}


@dataclass(frozen=True)
class Turn:
    """A trace, its root if that has arrived, the usage of its llm runs by kind, and its place in the thread from 1."""

    trace: Trace
    root: Run | None
    kinds: Kinds
    number: int | None


def _of_root(name: str) -> Callable[[Turn], Any]:
    return lambda turn: getattr(turn.root, name) if turn.root else None


def _of_trace(name: str) -> Callable[[Turn], Any]:
    return lambda turn: getattr(turn.trace, name)


def _cost(name: str) -> Callable[[Turn], Any]:
    return lambda turn: money(getattr(turn.trace, name)) if turn.trace.known_cost is not None else None


def _details(side: str) -> Callable[[Turn], Any]:
    return lambda turn: {"raw": turn.kinds.get(side, {})}


def _payload(name: str) -> Callable[[Turn], Raw | None]:
    return lambda turn: payload_json(turn.root, name) if turn.root else None


def _op(turn: Turn) -> int | None:
    return _OPS.index(RunType(turn.root.run_type)) if turn.root else None


# What selects can name. Tokens and costs are those of the whole trace.
TURN_FIELDS: Final[dict[str, Callable[[Turn], Any]]] = {
    "THREAD_ID": _of_trace("thread_id"),
    "TRACE_ID": _of_trace("trace_id"),
    "OP": _op,
    "NAME": _of_trace("name"),
    "START_TIME": _of_trace("start_time"),
    "END_TIME": _of_trace("end_time"),
    "LATENCY": lambda turn: seconds(turn.trace.start_time, turn.trace.end_time),
    "FIRST_TOKEN_TIME": _of_trace("first_token_time"),
    "INPUTS": _payload("inputs"),
    "INPUTS_PREVIEW": _of_root("inputs_preview"),
    "OUTPUTS": _payload("outputs"),
    "OUTPUTS_PREVIEW": _of_root("outputs_preview"),
    "ERROR": _of_root("error"),
    "ERROR_PREVIEW": lambda turn: turn.trace.error[:PREVIEW] if turn.trace.error else None,
    "TOTAL_TOKENS": _of_trace("total_tokens"),
    "PROMPT_TOKENS": _of_trace("prompt_tokens"),
    "COMPLETION_TOKENS": _of_trace("completion_tokens"),
    "TOTAL_COST": _cost("total_cost"),
    "PROMPT_COST": _cost("prompt_cost"),
    "COMPLETION_COST": _cost("completion_cost"),
    **{name: _details(side) for name, side in DETAILS.items()},
    "TURN_NUMBER": lambda turn: turn.number,
}


def turn_json(turn: Turn, selects: Collection[str]) -> dict[str, Any]:
    """trace_id whatever was selected."""
    return {name.lower(): TURN_FIELDS[name](turn) for name in dict.fromkeys(("TRACE_ID", *selects))}


_SUMS: Final = ("TOTAL_TOKENS", "PROMPT_TOKENS", "COMPLETION_TOKENS")
_COSTS: Final = ("TOTAL_COST", "PROMPT_COST", "COMPLETION_COST")
_LATENCIES: Final = ("LATENCY_P50", "LATENCY_P99")
_FIRST_TOKENS: Final = ("FIRST_TOKEN_P50", "FIRST_TOKEN_P99")
THREAD_STATS: Final = (
    "TURNS",
    "FIRST_START_TIME",
    "LAST_START_TIME",
    "LAST_END_TIME",
    *_LATENCIES,
    *_SUMS,
    *_COSTS,
    *DETAILS,
    "FEEDBACK_STATS",
    "THREAD_FEEDBACK_STATS",
)
AGGREGATE_STATS: Final = (
    "THREAD_COUNT",
    "TRACE_COUNT",
    "ERROR_RATE",
    "STREAMING_RATE",
    *_LATENCIES,
    *_FIRST_TOKENS,
    "MEDIAN_TOKENS",
    *_SUMS,
    *_COSTS,
    *DETAILS,
    "THREAD_FEEDBACK_STATS",
)


def thread_stats_json(
    stats: Mapping[str, Any], kinds: Kinds, selects: Collection[str], feedback: tuple[Stats, Stats]
) -> dict[str, Any]:
    values = {
        "turns": stats["count"],
        "first_start_time": stats["min_start"],
        "last_start_time": stats["max_start"],
        "last_end_time": stats["max_end"],
        **_usage(stats),
        **{name.lower(): {"raw": kinds.get(side, {})} for name, side in DETAILS.items()},
        **feedback_json(feedback),
    }
    return {_key(name): values[_key(name)] for name in selects}


def aggregate_json(
    stats: Mapping[str, Any], threads: int, kinds: Kinds, selects: Collection[str], feedback: Stats
) -> dict[str, Any]:
    median = stats["median_tokens"]
    values = {
        "thread_count": threads,
        "trace_count": stats["count"],
        "error_rate": stats["error_rate"],
        "streaming_rate": stats["streaming_rate"],
        "median_tokens": None if median is None else round(median),
        **_usage(stats),
        **{name.lower(): kinds.get(side, {}) for name, side in DETAILS.items()},
        "thread_feedback_stats": feedback,
    }
    return {_key(name): values[_key(name)] for name in selects}


def _usage(stats: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name.lower(): stats[name.lower()] for name in _SUMS},
        **{name.lower(): money(stats[name.lower()]) for name in _COSTS},
        **{_key(name): stats[name.lower()] for name in (*_LATENCIES, *_FIRST_TOKENS)},
    }


def _key(name: str) -> str:
    return f"{name.lower()}_seconds" if name in _LATENCIES or name in _FIRST_TOKENS else name.lower()
