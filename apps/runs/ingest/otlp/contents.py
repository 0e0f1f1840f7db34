"""What went into a span's work and what came out of it, whichever convention tells it."""

from typing import Any

from apps.runs import shapes
from apps.runs.ingest.otlp import messages
from apps.runs.ingest.otlp.attributes import Attributes, decoded
from apps.runs.ingest.otlp.span import Event

type Json = Any
type Fields = dict[str, Any]


def inputs_of(told: Attributes, events: list[Event], run_type: str) -> Fields | None:
    """Everything that tells inputs is taken; the first of these that is there counts."""
    whole = _event_or(told, events, "gen_ai.prompt", "gen_ai.content.prompt")
    chat = _input_messages(told, events)
    tools = _tools(told)
    arguments = told.json("gen_ai.tool.call.arguments")
    query = told.take("gen_ai.retrieval.query.text", "reranker.query")
    texts = [_inner(item, "embedding", "text") for item in told.listed("embedding.embeddings")]
    value = _value(told, "input")
    parameters = told.json("tool.parameters") if run_type == "tool" else None
    if whole is not None:
        return _object(whole, "input")
    if chat:
        return {"messages": chat} | ({"tools": tools} if tools else {})
    if arguments is not None:
        return _object(arguments, "input")
    if query is not None:
        return {"query": query}
    if any(texts):
        return {"input": texts}
    value = value if value is not None else parameters
    return None if value is None else _object(value, "input")


def outputs_of(told: Attributes, events: list[Event], run_type: str) -> Fields | None:
    """As inputs_of. Answers of a model become the choices of a completion, those of anything else messages."""
    whole = _event_or(told, events, "gen_ai.completion", "gen_ai.content.completion")
    chosen = _choices(told, events)
    result = told.json("gen_ai.tool.call.result")
    documents = _documents(told)
    value = _value(told, "output")
    if whole is not None:
        return _object(whole, "output")
    if chosen:
        return {"choices": chosen} if run_type == "llm" else {"messages": [choice["message"] for choice in chosen]}
    if result is not None:
        return _object(result, "output")
    if documents:
        return {"documents": documents}
    return None if value is None else _object(value, "output")


def _object(value: Json, key: str) -> Fields:
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and shapes.messages_of(value):
        return {"messages": value}
    return {key: value}


def _event_or(told: Attributes, events: list[Event], name: str, event_name: str) -> Json:
    """The attribute, or the attribute of that name on the event that carried it until 2024."""
    found = told.json(name)
    for event in events:
        if found is None and event.name == event_name:
            found = decoded(event.attributes.get(name))
    return found


def _value(told: Attributes, side: str) -> Json:
    """OpenInference's input.value, which is JSON unless its type says text, else OpenLLMetry's traceloop.entity.input."""
    mime = told.take(f"{side}.mime_type")
    value = told.take(f"{side}.value")
    entity = told.json(f"traceloop.entity.{side}")
    if value is None:
        return entity
    return value if mime == "text/plain" else decoded(value)


def _input_messages(told: Attributes, events: list[Event]) -> list[messages.Message]:
    system = messages.of_parts([{"role": "system", "parts": _parts(told.json("gen_ai.system_instructions"))}])
    told_at_once = messages.of_parts(_parts(told.json("gen_ai.input.messages")))
    flat = messages.of_openinference(told.listed("llm.input_messages"))
    indexed = messages.of_indexed(told.listed("gen_ai.prompt"))
    prompts = [{"role": "user", "content": _inner(item, "prompt", "text")} for item in told.listed("llm.prompts")]
    by_event = [messages.of_event(event) for event in events if messages.is_message(event)]
    found = told_at_once or flat or indexed or prompts or by_event
    return [*system, *found] if system[0]["content"] else found


def _parts(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value] if value else []


def _choices(told: Attributes, events: list[Event]) -> list[messages.Message]:
    reasons = _parts(told.peek("gen_ai.response.finish_reasons", "llm.finish_reason"))
    answers = _parts(told.json("gen_ai.output.messages"))
    told_at_once = messages.of_parts(answers)
    flat = messages.of_openinference(told.listed("llm.output_messages"))
    items = told.listed("gen_ai.completion")
    indexed = messages.of_indexed(items)
    texts = [_inner(item, "completion", "text") for item in told.listed("llm.choices")]
    reasons = reasons or [item.get("finish_reason") for item in answers or items if isinstance(item, dict)]
    found = told_at_once or flat or indexed or [{"role": "assistant", "content": text} for text in texts if text]
    if found:
        return messages.choices(found, reasons)
    return [
        messages.choice_of(event, number)
        for number, event in enumerate(event for event in events if event.name == messages.CHOICE)
    ]


def _tools(told: Attributes) -> list[Json]:
    """The schemas of the tools that the model was offered."""
    defined = told.json("gen_ai.tool.definitions")
    flat = [decoded(_inner(item, "tool", "json_schema")) for item in told.listed("llm.tools")]
    functions = [{"type": "function", "function": item} for item in told.listed("llm.request.functions")]
    return defined if isinstance(defined, list) else [tool for tool in flat if tool] or functions


def _documents(told: Attributes) -> list[Fields]:
    """As LangChain's documents, whose page_content the pages show."""
    flat = told.listed("retrieval.documents") or told.listed("reranker.output_documents")
    listed = told.json("gen_ai.retrieval.documents")
    found = [item.get("document", item) for item in flat if isinstance(item, dict)]
    found += [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return [_document(item) for item in found if isinstance(item, dict)]


def _document(item: Fields) -> Fields:
    metadata = decoded(item.get("metadata"))
    rest = {key: value for key, value in item.items() if key not in ("content", "metadata")}
    return {
        "page_content": str(item.get("content") or ""),
        "metadata": {**rest, **(metadata if isinstance(metadata, dict) else {})},
    }


def _inner(item: Json, *steps: str) -> Json:
    for step in steps:
        item = item.get(step) if isinstance(item, dict) else None
    return item
