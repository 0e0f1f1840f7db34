"""The attributes of Vercel's AI SDK (ai.*, versions 3 to 6) in the words of OpenTelemetry GenAI, which the other modules read.

Its outer spans (ai.generateText) hold one or more calls of the model (ai.generateText.doGenerate) and of tools (ai.toolCall).
"""

from typing import Any, Final

import msgspec

from apps.runs.ingest.otlp.attributes import decoded

type Fields = dict[str, Any]

PREFIX: Final = "ai."
_METADATA: Final = "ai.telemetry.metadata."
_HEADERS: Final = "ai.request.headers."  # of the application's own request to the model, keys perhaps among them
# By the name that is read elsewhere, those that say the same here.
_NAMES: Final = {
    "gen_ai.request.model": ("ai.model.id",),
    "gen_ai.system": ("ai.model.provider",),
    "gen_ai.response.id": ("ai.response.id",),
    "gen_ai.response.model": ("ai.response.model",),
    "gen_ai.tool.call.id": ("ai.toolCall.id",),
    "gen_ai.tool.call.arguments": ("ai.toolCall.args", "ai.toolCall.input"),
    "gen_ai.tool.call.result": ("ai.toolCall.result", "ai.toolCall.output"),
    "gen_ai.usage.input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
    "gen_ai.usage.output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
    "gen_ai.usage.total_tokens": ("ai.usage.totalTokens",),
    "gen_ai.usage.cache_read.input_tokens": (
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "gen_ai.usage.cache_creation.input_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
    "gen_ai.usage.reasoning.output_tokens": (
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
}
_LABELS: Final = {
    "sessionId": "session_id",
    "threadId": "thread_id",
    "conversationId": "conversation_id",
    "userId": "user_id",
}
_DROPPED: Final = ("ai.embedding", "ai.embeddings", "operation.name", "resource.name")


def translated(found: Fields) -> Fields:
    """What GenAI's own attributes say already counts more. Attributes of other senders pass as they are."""
    if "ai.operationId" not in found:
        return found
    told = {name: value for name, value in found.items() if not name.startswith(_HEADERS) and name not in _DROPPED}
    operation = str(told["ai.operationId"])
    new: Fields = {"gen_ai.operation.name": _kind(operation)}
    for name, theirs in _NAMES.items():
        values = [value for key in theirs if (value := told.pop(key, None)) is not None]
        if values:
            new[name] = values[0]
    new |= _named(told, operation) | _metadata(told) | _asked(told) | _answered(told, operation)
    spoken = new | told
    if isinstance(system := spoken.get("gen_ai.system"), str):  # "openai.chat"; prices go by the provider alone
        spoken["gen_ai.system"] = system.partition(".")[0]
    return spoken


def _kind(operation: str) -> str:
    last = operation.rpartition(".")[2]
    if last in ("doGenerate", "doStream"):
        return "chat"
    return {"doEmbed": "embeddings", "toolCall": "execute_tool", "doRerank": "rerank"}.get(last, "chain")


def _named(told: Fields, operation: str) -> Fields:
    """A tool's span is called by the tool, an outer one as the application calls the function."""
    name = told.pop("ai.toolCall.name", None)
    if name is None and operation.count(".") == 1:
        name = told.get("ai.telemetry.functionId")
    return {"langsmith.trace.name": name} if name else {}


def _metadata(told: Fields) -> Fields:
    names = [name for name in told if name.startswith(_METADATA)]
    own = {name.removeprefix(_METADATA): told.pop(name) for name in names}
    return {f"langsmith.metadata.{_LABELS.get(name, name)}": value for name, value in own.items()}


def _asked(told: Fields) -> Fields:
    prompt = decoded(told.pop("ai.prompt", None))
    whole = prompt if isinstance(prompt, dict) else {"prompt": prompt} if prompt else {}
    listed = decoded(told.pop("ai.prompt.messages", None)) or whole.get("messages")
    messages = [message for item in _list(listed) for message in _messages(item)]
    if isinstance(system := whole.get("system"), str) and system:
        messages.insert(0, {"role": "system", "content": system})
    if isinstance(text := whole.get("prompt"), str) and text:
        messages.append({"role": "user", "content": text})
    messages += [message for item in _list(whole.get("prompt")) for message in _messages(item)]
    tools = [decoded(tool) for tool in _list(told.pop("ai.prompt.tools", None))]
    values = [decoded(value) for value in _list(told.pop("ai.values", None)) or _list(told.pop("ai.value", None))]
    if messages:
        return {"gen_ai.prompt": {"messages": messages} | ({"tools": tools} if tools else {})}
    return {"gen_ai.prompt": {"input": values}} if values else {}


def _answered(told: Fields, operation: str) -> Fields:
    def take(name: str) -> Any:
        """As version 4 and later call it, else as version 3 did."""
        old = told.pop(f"ai.result.{name}", None)
        return told.pop(f"ai.response.{name}", old)

    text, calls, made, thought = take("text"), decoded(take("toolCalls")), decoded(take("object")), take("reasoning")
    reason = told.pop("ai.response.finishReason", told.pop("ai.finishReason", None))
    first = told.pop("ai.response.msToFirstChunk", None)
    new: Fields = {"gen_ai.response.finish_reasons": [reason]} if reason else {}
    if isinstance(first, int | float):
        new["gen_ai.response.time_to_first_chunk"] = first / 1000
    message: Fields = {"role": "assistant", "content": text or (_text(made) if made is not None else None)}
    if thought:
        message["content"] = [{"type": "reasoning", "text": thought}, {"type": "text", "text": text or ""}]
    if named := [_call(call) for call in _list(calls) if isinstance(call, dict)]:
        message["tool_calls"] = named
    if not (message["content"] or named):
        return new
    if _kind(operation) != "chat":
        return new | {"gen_ai.completion": {"messages": [message]}}
    return new | {"gen_ai.completion": {"choices": [{"index": 0, "message": message, "finish_reason": reason}]}}


def _messages(item: Any) -> list[Fields]:
    """One message; the results of several tools in one become several."""
    if not isinstance(item, dict):
        return []
    content = item.get("content")
    if not isinstance(content, list):
        return [{"role": item.get("role"), "content": content}]
    parts = [part for part in content if isinstance(part, dict)]
    calls = [_call(part) for part in parts if part.get("type") == "tool-call"]
    results = [_result(part) for part in parts if part.get("type") == "tool-result"]
    others = [_part(part) for part in parts if part.get("type") not in ("tool-call", "tool-result")]
    alone = len(others) == 1 and others[0].get("type") == "text"
    message = {"role": item.get("role"), "content": others[0].get("text") if alone else others or None}
    if calls:
        message["tool_calls"] = calls
    return [message, *results] if others or calls or not results else results


def _part(part: Fields) -> Fields:
    match part.get("type"):
        case "image" if isinstance(part.get("image"), str):
            url, kind = part["image"], part.get("mediaType") or part.get("mimeType") or "image/png"
            return _picture(url, str(kind))
        case "file" if str(part.get("mediaType") or part.get("mimeType")).startswith("image/"):
            return _picture(str(part.get("data")), str(part.get("mediaType") or part.get("mimeType")))
    return part


def _picture(data: str, kind: str) -> Fields:
    url = data if data.startswith(("http://", "https://", "data:")) else f"data:{kind};base64,{data}"
    return {"type": "image_url", "image_url": {"url": url}}


def _call(part: Fields) -> Fields:
    arguments = part.get("input", part.get("args"))
    return {
        "id": part.get("toolCallId"),
        "type": "function",
        "function": {"name": part.get("toolName"), "arguments": _text({} if arguments is None else arguments)},
    }


def _result(part: Fields) -> Fields:
    """From version 5 on a result is {type, value}."""
    value = part.get("output", part.get("result"))
    if isinstance(value, dict) and value.keys() == {"type", "value"}:
        value = value["value"]
    return {
        "role": "tool",
        "tool_call_id": part.get("toolCallId"),
        "name": part.get("toolName"),
        "content": _text(value),
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None or isinstance(value, dict) else [value]
