"""JSON Schemas of the answers about feedback."""

from typing import Final

from apps.projects.schemas import ANYTHING, FLAG, ID, NUMBER, OBJECT, TEXT, TIME, WHOLE, Json, array, maybe, object_of

FEEDBACK: Final[Json] = object_of(
    {
        "id": ID,
        "created_at": TIME,
        "modified_at": TIME,
        **{name: maybe(ID) for name in ("run_id", "trace_id", "session_id")},
        "thread_id": maybe(TEXT),
        "level": {"enum": ["run", "thread", "project"]},
        "key": TEXT,
        "score": maybe(NUMBER),
        "value": ANYTHING,
        "comment": maybe(TEXT),
        "correction": ANYTHING,
        "feedback_source": object_of(
            {"type": TEXT, "metadata": OBJECT, "user_id": maybe(TEXT), "user_name": maybe(TEXT)}
        ),
        "error": FLAG,
        "extra": maybe(OBJECT),
        "feedback_group_id": maybe(ID),
        "comparative_experiment_id": maybe(ID),
        "first_turn": maybe(WHOLE),
        "last_turn": maybe(WHOLE),
        "is_current": FLAG,
        "start_time": maybe(TIME),
    }
)
FEEDBACKS: Final[Json] = array(FEEDBACK)
CONFIG: Final[Json] = object_of(
    {
        "id": ID,
        "feedback_key": TEXT,
        "feedback_config": object_of(
            {
                "type": {"enum": ["continuous", "categorical", "boolean", "freeform"]},
                "min": maybe(NUMBER),
                "max": maybe(NUMBER),
                "categories": maybe(array(object_of({"value": NUMBER, "label": maybe(TEXT)}))),
                "allows_multiple_categories": FLAG,
            }
        ),
        "tenant_id": ID,
        "modified_at": TIME,
        **dict.fromkeys(("is_lower_score_better", "is_enforced", "is_first", "is_deleted"), FLAG),
    }
)
CONFIGS: Final[Json] = array(CONFIG)
TOKEN: Final[Json] = object_of({"id": ID, "url": TEXT, "expires_at": TIME, "feedback_key": TEXT})
TOKENS: Final[Json] = array(TOKEN)
MADE: Final[Json] = {"anyOf": [TOKEN, TOKENS]}
NOTHING: Final[Json] = object_of({})
