"""JSON Schemas of the answers about runs and traces."""

from typing import Final

from apps.projects.schemas import (
    ANYTHING,
    COSTS,
    COUNTS,
    FACETS,
    FEEDBACK_STATS,
    FLAG,
    ID,
    LENGTHS,
    NUMBER,
    OBJECT,
    RATES,
    TEXT,
    TIME,
    V1_TIME,
    WHOLE,
    Json,
    array,
    by_name,
    maybe,
    object_of,
    page,
)
from apps.runs.models import RunType, Status

TOKENS: Final = ("total_tokens", "prompt_tokens", "completion_tokens")
SIDES: Final = ("prompt", "completion")

_V1: Final[Json] = {
    "id": ID,
    "name": TEXT,
    "run_type": {"enum": RunType.values},
    "start_time": V1_TIME,
    "end_time": maybe(V1_TIME),
    "first_token_time": maybe(V1_TIME),
    "status": {"enum": Status.values},
    "error": maybe(TEXT),
    "trace_id": ID,
    "dotted_order": TEXT,
    "parent_run_id": maybe(ID),
    "parent_run_ids": array(ID),
    "session_id": ID,
    "thread_id": maybe(TEXT),
    "tags": maybe(array(TEXT)),
    "reference_example_id": maybe(ID),
    "app_path": TEXT,
    "feedback_stats": FEEDBACK_STATS,
    **{name: maybe(WHOLE) for name in TOKENS},
    **COSTS,
    **{f"{side}_{kind}_details": maybe(OBJECT) for side in SIDES for kind in ("token", "cost")},
}
_V1_SELECTED: Final[Json] = {
    "inputs": OBJECT,
    "outputs": maybe(OBJECT),
    "events": ANYTHING,
    "extra": maybe(OBJECT),
    "serialized": maybe(OBJECT),
    "s3_urls": by_name(object_of({"presigned_url": TEXT, "mime_type": TEXT})),
}
RUN: Final = object_of(_V1, _V1_SELECTED)
SHARED_RUN: Final = object_of(_V1 | {"share_token": ID}, _V1_SELECTED)


def cursors(run: Json) -> Json:
    return object_of({"runs": array(run), "cursors": object_of({"next": maybe(TEXT), "prev": {"type": "null"}})})


STATS: Final = object_of(
    {
        **COUNTS,
        **COSTS,
        **LENGTHS,
        **RATES,
        "last_run_start_time": maybe(V1_TIME),
        "feedback_stats": FEEDBACK_STATS,
        "run_facets": FACETS,
    }
)
GROUPS: Final = object_of(
    {
        "groups": array(
            object_of(
                {
                    "group_key": TEXT,
                    "filter": TEXT,
                    "count": WHOLE,
                    "total_tokens": WHOLE,
                    "total_cost": maybe(NUMBER),
                    "min_start_time": maybe(V1_TIME),
                    "max_start_time": maybe(V1_TIME),
                    "latency_p50": maybe(NUMBER),
                    "latency_p99": maybe(NUMBER),
                    "feedback_stats": FEEDBACK_STATS,
                    "first_inputs": maybe(TEXT),
                    "last_outputs": maybe(TEXT),
                    "last_error": maybe(TEXT),
                }
            )
        ),
        "total": WHOLE,
    }
)

DETAILS: Final = {f"{side}_{kind}_details" for side in SIDES for kind in ("token", "cost")}
RAW: Final = object_of({"raw": by_name(NUMBER)})
RUN_V2_FIELDS: Final[Json] = {
    "id": ID,
    "name": TEXT,
    "run_type": {"enum": [kind.upper() for kind in RunType.values]},
    "status": {"enum": [status.upper() for status in Status.values]},
    "start_time": TIME,
    "end_time": maybe(TIME),
    "latency_seconds": maybe(NUMBER),
    "first_token_time": maybe(TIME),
    "error": maybe(TEXT),
    "error_preview": maybe(TEXT),
    "extra": maybe(OBJECT),
    "metadata": OBJECT,
    "events": ANYTHING,
    "inputs": OBJECT,
    "inputs_preview": maybe(TEXT),
    "outputs": maybe(OBJECT),
    "outputs_preview": maybe(TEXT),
    "manifest": maybe(OBJECT),
    "parent_run_id": maybe(ID),
    "parent_run_ids": array(ID),
    "project_id": ID,
    "trace_id": ID,
    "thread_id": maybe(TEXT),
    "dotted_order": TEXT,
    "is_root": FLAG,
    "reference_example_id": maybe(ID),
    "reference_dataset_id": maybe(ID),
    **{name: maybe(WHOLE) for name in TOKENS},
    **COSTS,
    **dict.fromkeys(sorted(DETAILS), RAW),
    "price_model_id": maybe(ID),
    "tags": array(TEXT),
    "app_path": TEXT,
    "attachments": by_name(TEXT),
    "thread_evaluation_time": maybe(TIME),
    "is_in_dataset": FLAG,
    "last_queued_at": maybe(TIME),
    "share_url": maybe(TEXT),
    "feedback_stats": FEEDBACK_STATS,
    "ls_user_id": maybe(TEXT),
}
RUN_V2: Final = object_of({}, RUN_V2_FIELDS)
RUN_PAGE: Final = page(RUN_V2)
TRACE_RUNS: Final = object_of({"items": array(RUN_V2)})
TRACE_PAGE: Final = page(
    object_of(
        {"root_run": RUN_V2},
        {
            "trace_aggregates": object_of(
                {}, {"total_tokens": WHOLE, "total_cost": maybe(NUMBER), "first_token_time": maybe(TIME)}
            )
        },
    )
)
_CHART: Final = {
    "id": TEXT,
    "index": WHOLE,
    "title": TEXT,
    "chart_type": TEXT,
    "series": array(object_of({"id": TEXT, "name": TEXT, "metric": TEXT})),
    "data": array(object_of({"series_id": TEXT, "timestamp": TIME, "value": NUMBER, "group": maybe(TEXT)})),
}
DASHBOARD: Final = object_of(
    {
        "id": ID,
        "session_id": ID,
        "title": TEXT,
        "index": WHOLE,
        "description": maybe(TEXT),
        "charts": array(object_of(_CHART)),
        "sub_sections": array(OBJECT),
    }
)
