"""The conventions' chat messages, each in the shape of OpenAI's, which the pages and the previews read best."""

from collections.abc import Iterable
from typing import Any

import msgspec

from apps.runs.ingest.otlp.attributes import decoded
from apps.runs.ingest.otlp.span import Event

type Message = dict[str, Any]

_ROLES_OF_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"


def of_parts(value: Iterable[Any]) -> list[Message]:
    """gen_ai.input.messages, gen_ai.output.messages: {role, parts}. Messages of another shape pass as they are."""
    return [message for item in value if isinstance(item, dict) for message in _of_parts(item)]


def _of_parts(item: Message) -> list[Message]:
    parts = item.get("parts")
    if not isinstance(parts, list):
        return [item]
    content, calls, results = [], [], []
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind == "tool_call":
            calls.append(_call(part.get("id"), part.get("name"), part.get("arguments")))
        elif kind == "tool_call_response":
            results.append(_result(part))
        else:
            content.append(_part(part))
    message = {key: value for key, value in item.items() if key not in ("parts", "finish_reason") and value is not None}
    message["content"] = _joined(content)
    if calls:
        message["tool_calls"] = calls
    return [message, *results] if content or calls or not results else results


def _result(part: Message) -> Message:
    response = part.get("response") if part.get("response") is not None else part.get("result")
    content = response if isinstance(response, str) else msgspec.json.encode(response).decode()
    return {"role": "tool", "tool_call_id": part.get("id"), "content": content}


def _call(ident: Any, name: Any, arguments: Any) -> Message:
    text = arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode()
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": text if arguments else "{}"}}


def _part(part: Any) -> Any:
    if not isinstance(part, dict):
        return {"type": "text", "text": part if isinstance(part, str) else msgspec.json.encode(part).decode()}
    content, mime = part.get("content"), part.get("mime_type") or part.get("modality")
    match part.get("type"):
        case "text":
            return {"type": "text", "text": content}
        case "reasoning" | "thinking":
            return {"type": "reasoning", "text": content}
        case "blob" if isinstance(content, str):
            if str(mime).startswith("image"):
                mime = mime if "/" in str(mime) else "image/png"
                return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{content}"}}
            return {"type": "file", "mime_type": mime, "data": content}
        case "uri" if part.get("modality") == "image":
            return {"type": "image_url", "image_url": {"url": part.get("uri")}}
    return part


def _joined(parts: list[Any]) -> Any:
    """A message of one text says it as text."""
    if len(parts) == 1 and parts[0].get("type") == "text" and isinstance(parts[0].get("text"), str):
        return parts[0]["text"]
    return parts or None


def of_openinference(items: Iterable[Any]) -> list[Message]:
    """llm.input_messages.N.message.…, llm.output_messages.N.message.…"""
    found = [item["message"] for item in items if isinstance(item, dict) and isinstance(item.get("message"), dict)]
    return [_openinference(fields) for fields in found]


def _openinference(fields: Message) -> Message:
    message = {key: fields[key] for key in ("role", "name", "tool_call_id") if fields.get(key)}
    contents = fields.get("contents")
    if isinstance(contents, list):
        message["content"] = _joined([_openinference_part(item) for item in contents])
    else:
        message["content"] = fields.get("content")
    asked = fields.get("tool_calls")
    calls = [_openinference_call(item) for item in (asked if isinstance(asked, list) else ()) if isinstance(item, dict)]
    if fields.get("function_call_name"):
        calls.append(_call(None, fields["function_call_name"], fields.get("function_call_arguments_json")))
    if calls:
        message["tool_calls"] = calls
    return message


def _openinference_part(item: Any) -> Any:
    inner = item.get("message_content") if isinstance(item, dict) else None
    if not isinstance(inner, dict):
        return {"type": "text", "text": str(item)}
    url = inner.get("image")
    for step in ("image", "url"):
        url = url.get(step, url) if isinstance(url, dict) else url
    if isinstance(url, str):
        return {"type": "image_url", "image_url": {"url": url}}
    return inner


def _openinference_call(item: Message) -> Message:
    inner = item.get("tool_call")
    inner = inner if isinstance(inner, dict) else item
    function = inner.get("function")
    function = function if isinstance(function, dict) else {}
    return _call(inner.get("id"), function.get("name"), function.get("arguments"))


def of_indexed(items: Iterable[Any]) -> list[Message]:
    """gen_ai.prompt.N.…, gen_ai.completion.N.… of OpenLLMetry; content may be a list of parts as JSON text."""
    return [_indexed(item) for item in items if isinstance(item, dict)]


def _indexed(item: Message) -> Message:
    message = {key: value for key, value in item.items() if key not in ("finish_reason", "tool_calls")}
    parts = decoded(item.get("content"))
    message["content"] = parts if isinstance(parts, list) else item.get("content")
    calls = item.get("tool_calls")
    if isinstance(calls, list):
        named = [call for call in calls if isinstance(call, dict)]
        message["tool_calls"] = [_call(call.get("id"), call.get("name"), call.get("arguments")) for call in named]
    return message


def is_message(event: Event) -> bool:
    return event.name in _ROLES_OF_EVENTS


def of_event(event: Event) -> Message:
    """gen_ai.user.message and its like. Content and tool calls may be JSON text."""
    return _told(_body(event), _ROLES_OF_EVENTS[event.name])


def choice_of(event: Event, number: int) -> Message:
    """gen_ai.choice as one of a completion's choices."""
    body = _body(event)
    inner = decoded(body.get("message"))
    fields = inner if isinstance(inner, dict) else {**body, "content": inner or body.get("content")}
    index = body.get("index")
    return {
        "index": index if isinstance(index, int) else number,
        "message": _told(fields, "assistant"),
        "finish_reason": body.get("finish_reason"),
    }


def _body(event: Event) -> Message:
    """Some senders put the whole body into one attribute."""
    whole = decoded(event.attributes.get("gen_ai.event.content"))
    return whole if isinstance(whole, dict) else event.attributes


def _told(fields: Message, role: str) -> Message:
    content = decoded(fields.get("content"))
    message: Message = {
        "role": fields.get("role") or role,
        "content": content if isinstance(content, list) else fields.get("content"),
    }
    calls = decoded(fields.get("tool_calls"))
    if isinstance(calls, list) and calls:
        message["tool_calls"] = calls
    if role == "tool" and fields.get("id"):
        message["tool_call_id"] = fields["id"]
    if fields.get("name"):
        message["name"] = fields["name"]
    return message


def choices(messages: list[Message], finish_reasons: list[Any]) -> list[Message]:
    """A completion's choices."""
    return [
        {"index": index, "message": message, "finish_reason": reason}
        for index, message in enumerate(messages)
        for reason in (finish_reasons[index] if index < len(finish_reasons) else None,)
    ]
