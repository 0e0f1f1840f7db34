"""What the payloads of the model clients and frameworks have in common: messages, roles, parts and calls.

The value is decoded JSON from a stranger. Nothing here raises or recurses without
a bound; what is not understood is None or "".
"""

from typing import Any

from apps.projects.values import read_json

type Json = Any
type Fields = dict[str, Json]

_ROLES = {
    "user": "user human HumanMessage HumanMessageChunk user-prompt",
    "assistant": "assistant ai AIMessage AIMessageChunk model bot chatbot agent function_call reasoning",
    "system": "system SystemMessage SystemMessageChunk system-prompt",
    "developer": "developer",
    "tool": "tool function ToolMessage FunctionMessage ToolMessageChunk tool_result function_call_output",
}
ROLES = {name: role for role, names in _ROLES.items() for name in names.split()}
PROMPT_ROLES = ("system", "developer")

_MESSAGE_LISTS = ("messages", "input", "contents")
_MESSAGE_FIELDS = {"content", "parts", "data", "arguments", "output", "summary", "tool_calls"}
_TEXT_KEYS = ("text", "content", "output_text", "input_text", "refusal")
CALLS = frozenset((
    "tool_use", "tool_call", "function_call", "tool-call", "server_tool_use",
))  # fmt: skip
RESULTS = frozenset((
    "tool_result", "tool-result", "tool_call_response", "function_call_output", "web_search_tool_result",
))  # fmt: skip
THOUGHTS = frozenset((
    "thinking", "redacted_thinking", "reasoning", "reasoning_content",
))  # fmt: skip
MEDIA = frozenset((
    "image", "image_url", "input_image", "input_audio", "audio", "file", "input_file", "document", "media", "video",
    "blob", "uri",
))  # fmt: skip
_WORDLESS = CALLS | RESULTS | THOUGHTS | MEDIA
_MAX_PARTS = 200
_MAX_DEPTH = 6
_MAX_ARGUMENT_JSON = 100_000


def message(item: Json) -> tuple[str, Fields] | None:
    """The role and the fields of a chat message, LangChain's wrappers taken off; None when the item is none."""
    if type(item) is list:
        if len(item) == 2 and type(item[0]) is str and item[0] in ROLES and type(item[1]) in (str, list):
            return ROLES[item[0]], {"content": item[1]}
        return None
    if type(item) is not dict:
        return None
    kwargs = item.get("kwargs")
    if "lc" in item and type(kwargs) is dict:
        return _constructed(item, kwargs)
    role = item.get("role")
    if type(role) is not str:
        role = item.get("type")
        if type(role) is not str or role not in ROLES or _MESSAGE_FIELDS.isdisjoint(item):
            return None
        data = item.get("data")
        if type(data) is dict:
            return ROLES[role], data
    elif role not in ROLES and "content" not in item and "parts" not in item:
        return None
    return ROLES.get(role, "other"), item


def _constructed(item: Fields, kwargs: Fields) -> tuple[str, Fields] | None:
    path = item.get("id")
    role = kwargs.get("type")
    if type(role) is not str or role not in ROLES:
        role = path[-1] if type(path) is list and path and type(path[-1]) is str else ""
    if role in ROLES:
        return ROLES[role], kwargs
    if type(kwargs.get("role")) is str and "content" in kwargs:
        return ROLES.get(kwargs["role"], "other"), kwargs
    return None


def messages_of(value: Json) -> list[Json] | None:
    """The list of messages in a run's inputs or outputs, as sent; the first batch of a batched call."""
    if type(value) is dict:
        lists = (value.get(key) for key in _MESSAGE_LISTS)
        return next((found for held in lists if type(held) is list and (found := _message_list(held))), None)
    return _message_list(value) if type(value) is list else None


def _message_list(value: list[Json]) -> list[Json] | None:
    if value and type(value[0]) is list and message(value[0]) is None:
        value = value[0]
    return value if value and (message(value[0]) is not None or message(value[-1]) is not None) else None


def content_of(fields: Fields) -> Json:
    """Where a message keeps what it says: a string, a list of parts, or None."""
    for key in ("content", "parts", "output", "summary"):
        content = fields.get(key)
        if content is not None and content != "":
            return content
    return None


def text_of(content: Json, depth: int = 0) -> str:
    """The words in a message's content; images, calls and results have none."""
    if type(content) is str:
        return content
    if depth >= _MAX_DEPTH:
        return ""
    if type(content) is list:
        return "\n".join(filter(None, [text_of(part, depth + 1) for part in content[:_MAX_PARTS]]))
    if type(content) is dict:
        if kind_of(content) in _WORDLESS:
            return ""
        for key in _TEXT_KEYS:
            found = content.get(key)
            if found:
                return found if type(found) is str else text_of(found, depth + 1)
        if "parts" in content:
            return text_of(content["parts"], depth + 1)
    return ""


def kind_of(part: Fields) -> str:
    kind = part.get("type")
    return kind if type(kind) is str else ""


def calls_of(fields: Fields) -> list[tuple[str, Json, str]]:
    """The tool calls of a message as (name, arguments, call id), whatever place they are kept in."""
    calls = [call_of(item) for item in listed(fields.get("tool_calls"))]
    extra = fields.get("additional_kwargs")
    if not calls and type(extra) is dict:
        calls = [call_of(item) for item in listed(extra.get("tool_calls"))]
    legacy = fields.get("function_call")
    if type(legacy) is dict:
        calls.append(call_of({"function": legacy}))
    if not any(calls):
        calls = [call_of(part) for part in [fields, *listed(content_of(fields))] if _is_call(part)]
    return [call for call in calls if call]


def _is_call(part: Json) -> bool:
    return type(part) is dict and (kind_of(part) in CALLS or "functionCall" in part)


def call_of(item: Json) -> tuple[str, Json, str] | None:
    """(name, arguments, id); arguments sent as JSON text are decoded."""
    if type(item) is not dict:
        return None
    inner = item.get("function") or item.get("functionCall") or item
    if type(inner) is not dict:
        return None
    name = inner.get("name") or item.get("toolName") or item.get("tool_name")
    if type(name) is not str or not name:
        return None
    args: Json = next((inner[key] for key in ("arguments", "args", "input") if inner.get(key) is not None), {})
    found = item.get("call_id") or item.get("id") or item.get("toolCallId")
    return name, decoded(args), found if type(found) is str else ""


def decoded(value: Json) -> Json:
    """Models return arguments as JSON text; what does not parse, or nests too deep to be shown, stays the text it is."""
    if type(value) is str and value[:1] in ("{", "[") and len(value) <= _MAX_ARGUMENT_JSON:
        try:
            return read_json(value)
        except ValueError:
            return value
    return value


def listed(value: Json) -> list[Json]:
    return value[:_MAX_PARTS] if type(value) is list else []
