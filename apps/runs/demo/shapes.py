"""How each provider's wrapper writes a model call down: messages in, a completion out, and the usage."""

import json
import math
from dataclasses import dataclass, field
from typing import Any

from apps.runs.demo.script import Document, Tool
from apps.runs.demo.wire import Json

CREATED = 1_794_000_000
JSON_TYPES = {int: "integer", float: "number", bool: "boolean", list: "array", dict: "object"}
# US dollars per million input, output and cached input tokens, for the applications that count their cost themselves.
CLIENT_PRICES = {
    "claude-haiku-4-5": (1.0, 5.0, 0.1),
    "claude-sonnet-4-5": (3.0, 15.0, 0.3),
    "gpt-4.1": (2.0, 8.0, 0.5),
    "gpt-4.1-mini": (0.4, 1.6, 0.1),
    "gpt-4o": (2.5, 10.0, 1.25),
    "gpt-4o-mini": (0.15, 0.6, 0.075),
    "gpt-5-mini": (0.25, 2.0, 0.025),
    "gpt-5.1": (1.25, 10.0, 0.125),
}


@dataclass
class Message:
    """In no provider's dialect. `calls` are (id, tool name, arguments); `answers` is the id of such a call."""

    role: str
    text: str
    image: str | None = None
    calls: list[tuple[str, str, Json]] = field(default_factory=list)
    answers: str | None = None


def tokens(text: str) -> int:
    """About what a tokenizer says: four letters of Latin script a token, one and a half characters of any other."""
    wide = sum(1 for letter in text if ord(letter) > 0x24F)
    return math.ceil((len(text) - wide) / 4 + wide / 1.5)


def functions(tools: list[Tool]) -> list[Json]:
    """What the model is told about the tools: each once, its parameters those of all its calls."""
    parameters: dict[str, Json] = {}
    for tool in sorted(tools, key=lambda tool: tool.name):
        parameters.setdefault(tool.name, {}).update(tool.args)
    return [
        {
            "name": name,
            "description": f"{name.replace('_', ' ').capitalize()}.",
            "parameters": {
                "type": "object",
                "properties": {key: {"type": JSON_TYPES.get(type(value), "string")} for key, value in args.items()},
                "required": list(args)[:1],
            },
        }
        for name, args in parameters.items()
    ]


def usage(messages: list[Message], reply: Message, offered: list[Json], *, thinking: str, cached: bool) -> Json:
    """cached: all but the last message came from the provider's prompt cache; the first call wrote them to it."""
    sizes = [tokens(json.dumps(offered))] if offered else []
    sizes += [tokens(m.text) + 4 + (765 if m.image else 0) for m in messages]
    said = tokens(reply.text) + sum(tokens(json.dumps(arguments)) + 8 for _, _, arguments in reply.calls)
    thought = tokens(thinking)
    counts: Json = {"input_tokens": sum(sizes), "output_tokens": said + thought}
    counts["total_tokens"] = counts["input_tokens"] + counts["output_tokens"]
    if cached:
        first = not any(m.role == "assistant" for m in messages)
        counts["input_token_details"] = {"cache_creation" if first else "cache_read": sum(sizes[:-1])}
    if thought:
        counts["output_token_details"] = {"reasoning": thought}
    return counts


def costs(model: str, counts: Json) -> Json:
    in_price, out_price, cached_price = CLIENT_PRICES[model]
    read = counts.get("input_token_details", {}).get("cache_read", 0)
    asked = ((counts["input_tokens"] - read) * in_price + read * cached_price) / 1e6
    answered = counts["output_tokens"] * out_price / 1e6
    return {"input_cost": round(asked, 8), "output_cost": round(answered, 8), "total_cost": round(asked + answered, 8)}


def openai_message(message: Message) -> Json:
    wire: Json = {"role": message.role, "content": message.text}
    if message.image:
        image = {"type": "image_url", "image_url": {"url": message.image, "detail": "auto"}}
        wire["content"] = [{"type": "text", "text": message.text}, image]
    if message.calls:
        wire["content"] = message.text or None
        wire["tool_calls"] = [
            {"id": call, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
            for call, name, arguments in message.calls
        ]
    if message.answers:
        wire["tool_call_id"] = message.answers
    return wire


def openai_outputs(model: str, reply: Message, counts: Json) -> Json:
    finish = "tool_calls" if reply.calls else "stop"
    message = {**openai_message(reply), "refusal": None, "annotations": []}
    return {
        "id": f"chatcmpl-{abs(counts['total_tokens']):08x}",
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{"index": 0, "finish_reason": finish, "logprobs": None, "message": message}],
        "service_tier": "default",
        "system_fingerprint": "fp_3f1c2a9b7d",
        "usage_metadata": counts,
    }


def anthropic_message(message: Message) -> Json:
    if message.answers:
        block = {"type": "tool_result", "tool_use_id": message.answers, "content": message.text}
        return {"role": "user", "content": [block]}
    return {"role": message.role, "content": anthropic_blocks(message) if message.calls else message.text}


def anthropic_blocks(message: Message, thinking: str = "") -> list[Json]:
    blocks: list[Json] = [{"type": "thinking", "thinking": thinking, "signature": "EqQBCg"}] if thinking else []
    blocks += [{"type": "text", "text": message.text}] if message.text else []
    return blocks + [
        {"type": "tool_use", "id": call, "name": name, "input": arguments} for call, name, arguments in message.calls
    ]


def anthropic_outputs(model: str, reply: Message, counts: Json, thinking: str) -> Json:
    return {
        "id": f"msg_{counts['total_tokens']:012x}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": anthropic_blocks(reply, thinking),
        "stop_reason": "tool_use" if reply.calls else "end_turn",
        "usage_metadata": counts,
    }


LANGCHAIN_KINDS = {"system": "System", "user": "Human", "assistant": "AI", "tool": "Tool"}


def langchain_message(message: Message, **kwargs: Any) -> Json:
    kind = LANGCHAIN_KINDS[message.role]
    values: Json = {"content": message.text, "type": kind.lower(), **kwargs}
    if message.calls:
        values["tool_calls"] = [
            {"name": name, "args": arguments, "id": call, "type": "tool_call"}
            for call, name, arguments in message.calls
        ]
    if message.answers:
        values["tool_call_id"] = message.answers
    return {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", f"{kind}Message"],
        "kwargs": values,
    }


def langchain_outputs(model: str, reply: Message, counts: Json) -> Json:
    finish = {"model_name": model, "finish_reason": "tool_calls" if reply.calls else "stop"}
    message = langchain_message(reply, usage_metadata=counts, response_metadata=finish)
    generation = {"text": reply.text, "type": "ChatGeneration", "generation_info": finish, "message": message}
    return {"generations": [[generation]], "llm_output": {"model_name": model}, "run": None, "type": "LLMResult"}


def documents_wire(documents: list[Document]) -> Json:
    return {
        "documents": [
            {
                "page_content": document.text,
                "type": "Document",
                "metadata": {"source": document.source, "title": document.title, "score": document.score},
            }
            for document in documents
        ]
    }
