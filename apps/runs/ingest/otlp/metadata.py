"""A run's metadata from what a span's attributes say: the user's own first, then the model, the usage, the thread, the user."""

from typing import Any

from apps.runs.ingest.otlp.attributes import Attributes, decoded
from apps.runs.ingest.otlp.usage import usage_of

type Fields = dict[str, Any]

OWN = "langsmith.metadata."
ASSOCIATED = "traceloop.association.properties."
REQUEST = "gen_ai.request."
MODELS = (
    "gen_ai.request.model",
    "gen_ai.response.model",
    "llm.request.model_name",
    "llm.model_name",
    "llm.response.model_name",
    "embedding.model_name",
    "reranker.model_name",
)
PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
# By the metadata key under which the pages and the filters look for them.
NAMED = {"session_id": "session.id", "conversation_id": "gen_ai.conversation.id", "user_id": "user.id"}
# A longer text is no label to filter by: it stays with the run, out of the metadata and its index.
MAX_LABEL = 2_000
MAX_NAME = 500
MAX_LABELS = 50


def metadata_of(told: Attributes, outputs: Fields | None) -> tuple[Fields, Fields]:
    """The metadata, and what of the attributes is too long for it. Call it when inputs and outputs are taken."""
    metadata = {key: _structured(value) for key, value in told.under(OWN).items()}
    _below(metadata, told.under(ASSOCIATED))
    _below(metadata, _object(told.json("metadata")))
    _below(metadata, {name: told.take(key) for name, key in NAMED.items()})
    _below(metadata, _model(told))
    usage = usage_of(told)
    if not isinstance((outputs or {}).get("usage_metadata"), dict):  # more than the attributes can say: costs
        _below(metadata, {"usage_metadata": usage})
    left = {name: value for name, value in told.left().items() if value is not None}
    long = {name: value for name, value in left.items() if len(name) > MAX_NAME or not _is_label(value)}
    _below(metadata, {name: value for name, value in left.items() if name not in long})
    return metadata, {"attributes": long} if long else {}


def _below(metadata: Fields, more: Fields) -> None:
    for name, value in more.items():
        if value not in (None, "") and metadata.get(name) in (None, ""):
            metadata[name] = value


def _object(value: Any) -> Fields:
    return value if isinstance(value, dict) else {}


def _model(told: Attributes) -> Fields:
    """The response's model, which may be more exact, stays beside it under its own name."""
    model = told.peek(*MODELS)
    provider = told.peek(*PROVIDERS)
    told.take(*PROVIDERS, *(name for name in MODELS if name != "gen_ai.response.model"))
    params = told.under(REQUEST) | _object(told.json("llm.invocation_parameters"))
    if told.peek("llm.request.type"):
        params |= told.under("llm.request.")
    return {
        "ls_provider": provider,
        "ls_model_name": model,
        "ls_invocation_params": params or None,
        "ls_temperature": params.get("temperature"),
        "ls_max_tokens": params.get("max_tokens"),
    }


def _structured(value: Any) -> Any:
    """The LangSmith SDK sends objects and lists as JSON text; texts it sends as they are."""
    found = decoded(value)
    return found if isinstance(found, dict | list) else value


def _is_label(value: Any) -> bool:
    if isinstance(value, list):
        return len(value) <= MAX_LABELS and not any(isinstance(item, dict | list) for item in value) and _short(*value)
    return not isinstance(value, dict) and _short(value)


def _short(*values: Any) -> bool:
    return sum(len(value) for value in values if isinstance(value, str)) <= MAX_LABEL
