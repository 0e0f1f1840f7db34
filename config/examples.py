"""A body for each route of the JSON API that takes one, as its description shows it."""

from typing import Any, Final

PROJECT: Final = "0195a6c1-0000-7000-8000-000000000000"
RUN: Final = "0195a6c1-7d1f-7000-8000-000000000001"
QUEUE: Final = "0195a6c1-9a00-7000-8000-000000000003"
ITEM: Final = "0195a6c1-9a00-7000-8000-000000000004"
TOKEN: Final = "0195a6c1-9a00-7000-8000-000000000005"

V1: Final[dict[str, Any]] = {
    "POST /runs/query": {"session": [PROJECT], "is_root": True, "filter": 'eq(status, "error")', "limit": 20},
    "POST /runs/stats": {"session": [PROJECT], "is_root": True, "start_time": "2026-03-01T00:00:00Z"},
    "POST /runs/group": {"session_id": PROJECT, "group_by": "conversation", "limit": 20},
    "POST /sessions": {"name": "shop", "description": "the web shop", "extra": {"metadata": {"team": "blue"}}},
    "PATCH /sessions/{project_id}": {"description": "the web shop"},
    "POST /sessions/{project_id}/dashboard": {"stride": {"days": 1}, "group_by": {"attribute": "name"}},
    "PUT /runs/{run_id}/share": {"share_token": TOKEN},
    "POST /feedback": {"run_id": RUN, "key": "tone", "score": 1, "comment": "friendly"},
    "PATCH /feedback/{feedback_id}": {"score": 0.5, "comment": None},
    "POST /feedback/tokens": {"run_id": RUN, "feedback_key": "thumb", "expires_in": {"hours": 3}},
    "POST /feedback-configs": {
        "feedback_key": "stars",
        "feedback_config": {"type": "continuous", "min": 1, "max": 5},
        "is_lower_score_better": False,
    },
    "PATCH /feedback-configs": {"feedback_key": "stars", "is_lower_score_better": False},
    "POST /annotation-queues": {
        "name": "Answers",
        "rubric_items": [{"feedback_key": "tone", "is_required": True}],
    },
    "PATCH /annotation-queues/{queue_id}": {"num_reviewers_per_item": 2},
    "POST /annotation-queues/populate": {"queue_id": QUEUE, "session_ids": [PROJECT]},
    "POST /annotation-queues/{queue_id}/runs": [RUN],
    "POST /annotation-queues/{queue_id}/runs/by-key": [{"run_id": RUN}],
    "POST /annotation-queues/{queue_id}/runs/delete": {"run_ids": [RUN]},
    "PATCH /annotation-queues/{queue_id}/runs/{run_id}": {"added_at": "2026-03-01T12:00:00Z"},
    "POST /annotation-queues/status/{queue_run_id}": {"status": "completed"},
    "POST /platform/annotation-queues/{queue_id}/items": {
        "items": [{"item_type": "THREAD", "thread_id": "chat-42", "project_id": PROJECT}]
    },
    "POST /platform/annotation-queues/{queue_id}/items/delete": {"item_ids": [ITEM]},
    "PATCH /platform/annotation-queues/{queue_id}/items/{item_id}": {"added_at": "2026-03-01T12:00:00Z"},
    "POST /platform/annotation-queues/items/{item_id}/status": {"status": "completed"},
    "POST /public/{token}/runs/query": {"id": [RUN]},
}
V2: Final[dict[str, Any]] = {
    "POST /runs/query": {
        "project_ids": [PROJECT],
        "filter": 'and(eq(run_type, "llm"), gt(latency, "5s"))',
        "selects": ["NAME", "INPUTS", "OUTPUTS", "TOTAL_COST"],
    },
    "POST /traces/query": {"project_id": PROJECT, "tree_filter": 'eq(status, "error")', "selects": ["NAME"]},
    "POST /threads/query": {"project_id": PROJECT, "thread_filter": "gt(turn_count, 3)"},
    "POST /threads/stats": {"project_id": PROJECT, "select": ["THREAD_COUNT", "LATENCY_P50"]},
    "POST /sessions": {"name": "shop", "type": "PROJECT"},
    "PATCH /sessions/{project_id}": {"name": "web shop"},
    "POST /runs/{run_id}/share": {"session_id": PROJECT, "trace_id": RUN},
    "DELETE /runs/{run_id}/share": {"session_id": PROJECT},
    "POST /threads/{thread_id}/share": {"project_id": PROJECT},
    "POST /public/{token}/runs/query": {"selects": ["NAME", "INPUTS"]},
}
