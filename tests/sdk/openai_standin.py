"""A loopback stand-in for the OpenAI API that remembers nothing: its answers come from the history it is sent."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

CREATED = 1_760_000_000


def text_of(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def call_of(request: dict[str, Any]) -> dict[str, Any] | None:
    """The call of its first tool, where the latest question says "look up …" and no tool has answered yet."""
    latest = request["messages"][-1]
    wanted = re.search(r"look up (\w+)", text_of(latest)) if latest["role"] == "user" else None
    if not wanted or not request.get("tools"):
        return None
    name = request["tools"][0]["function"]["name"]
    return {
        "id": "call_standin",
        "type": "function",
        "function": {"name": name, "arguments": json.dumps({"topic": wanted[1]})},
    }


def answer(messages: list[dict[str, Any]]) -> str:
    """Says how many questions it was sent, and the name and the numbers told in any of them; repeats what a tool has just said."""
    if messages[-1]["role"] == "tool":
        return text_of(messages[-1])
    asked = [text_of(message) for message in messages if message["role"] == "user"]
    everything = " ".join(asked)
    if "fail" in asked[-1]:
        raise ValueError("The stand-in was asked to fail.")
    if "name" in asked[-1] and "?" in asked[-1]:
        name = re.search(r"[Mm]y name is (\w+)", everything)
        reply = f"Your name is {name[1]}." if name else "I do not know your name."
    elif "sum" in asked[-1]:
        reply = f"The sum is {sum(int(number) for number in re.findall(r'[0-9]+', everything))}."
    else:
        reply = "Noted."
    return f"{reply} You have asked {len(asked)} times."


def usage(messages: list[dict[str, Any]], reply: str) -> dict[str, Any]:
    """A token a word."""
    prompt = sum(len(text_of(message).split()) for message in messages)
    completion = len(reply.split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 1, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
    }


def completion(request: dict[str, Any]) -> dict[str, Any]:
    call = call_of(request)
    reply = "" if call else answer(request["messages"])
    message = {"role": "assistant", "content": reply} | ({"tool_calls": [call]} if call else {})
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if call else "stop"}
    return {
        "id": "chatcmpl-standin",
        "object": "chat.completion",
        "created": CREATED,
        "model": request["model"],
        "choices": [choice],
        "usage": usage(request["messages"], reply),
    }


def chunks(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    reply = answer(request["messages"])
    frame = {
        "id": "chatcmpl-standin",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": request["model"],
    }
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in re.findall(r"\S+\s*", reply)]
    for delta in deltas:
        yield {**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield {**frame, "choices": [], "usage": usage(request["messages"], reply)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            if request.get("stream"):
                events = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks(request))
                self.reply(200, "text/event-stream", f"{events}data: [DONE]\n\n")
            else:
                self.reply(200, "application/json", json.dumps(completion(request)))
        except ValueError as error:
            problem = {"error": {"message": str(error), "type": "invalid_request_error", "code": None, "param": None}}
            self.reply(400, "application/json", json.dumps(problem))

    def reply(self, status: int, content_type: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the default writes every request to stderr."""


class OpenAIStandIn:
    """`with OpenAIStandIn() as model:` serves on a free port; give model.url to a client as base_url."""

    def __enter__(self) -> "OpenAIStandIn":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
