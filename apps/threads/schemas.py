"""JSON Schemas of the answers about threads and shared links."""

from typing import Final

from apps.projects.schemas import (
    COSTS,
    FEEDBACK_STATS,
    ID,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    WHOLE,
    Json,
    by_name,
    maybe,
    object_of,
    page,
)
from apps.runs.schemas import DETAILS, RAW, TOKENS

_LATENCIES: Final = ("latency_p50", "latency_p99")
_SECONDS: Final = tuple(f"{name}_seconds" for name in (*_LATENCIES, "first_token_p50", "first_token_p99"))
_TOKENS: Final = dict.fromkeys(TOKENS, WHOLE)

THREAD_PAGE: Final = page(
    object_of(
        {
            "thread_id": TEXT,
            "count": WHOLE,
            "trace_id": ID,
            "first_trace_id": ID,
            "last_trace_id": ID,
            "first_inputs": maybe(TEXT),
            "last_outputs": maybe(TEXT),
            "last_error": maybe(TEXT),
            "start_time": maybe(TIME),
            "min_start_time": maybe(TIME),
            "max_start_time": maybe(TIME),
            "num_errored_turns": WHOLE,
            **{name: maybe(NUMBER) for name in _LATENCIES},
            "total_tokens": WHOLE,
            "total_token_details": by_name(WHOLE),
            "total_cost": maybe(NUMBER),
            "total_cost_details": by_name(NUMBER),
            "feedback_stats": FEEDBACK_STATS,
            "thread_feedback_stats": FEEDBACK_STATS,
        }
    )
)
TURN_FIELDS: Final[Json] = {
    "thread_id": TEXT,
    "op": maybe(WHOLE),
    "name": TEXT,
    "start_time": maybe(TIME),
    "end_time": maybe(TIME),
    "latency": maybe(NUMBER),
    "first_token_time": maybe(TIME),
    "inputs": maybe(OBJECT),
    "inputs_preview": maybe(TEXT),
    "outputs": maybe(OBJECT),
    "outputs_preview": maybe(TEXT),
    "error": maybe(TEXT),
    "error_preview": maybe(TEXT),
    **_TOKENS,
    **COSTS,
    **dict.fromkeys(sorted(DETAILS), RAW),
    "turn_number": maybe(WHOLE),
}
TURN_PAGE: Final = page(object_of({"trace_id": ID}, TURN_FIELDS))
THREAD_STATS: Final = object_of(
    {},
    {
        "turns": WHOLE,
        "first_start_time": maybe(TIME),
        "last_start_time": maybe(TIME),
        "last_end_time": maybe(TIME),
        **{name: maybe(NUMBER) for name in _SECONDS[:2]},
        **_TOKENS,
        **COSTS,
        **dict.fromkeys(sorted(DETAILS), RAW),
        "feedback_stats": FEEDBACK_STATS,
        "thread_feedback_stats": FEEDBACK_STATS,
    },
)
AGGREGATE_STATS: Final = object_of(
    {},
    {
        "thread_count": WHOLE,
        "trace_count": WHOLE,
        "error_rate": maybe(NUMBER),
        "streaming_rate": maybe(NUMBER),
        **{name: maybe(NUMBER) for name in _SECONDS},
        "median_tokens": maybe(WHOLE),
        **_TOKENS,
        **COSTS,
        **{name: by_name(NUMBER) for name in sorted(DETAILS)},
        "thread_feedback_stats": FEEDBACK_STATS,
    },
)
RUN_LINK: Final = object_of({"run_id": ID, "share_token": ID})
LINK: Final = object_of({"share_token": maybe(ID)})
