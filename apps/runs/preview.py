"""A run's words in one line, for the Threads tab. On the ingest path of every root run: quick, and never raises."""

import re
from collections.abc import Callable
from itertools import islice

from apps.runs import shapes
from apps.runs.shapes import Fields, Json

LIMIT = 200
_HEAD = 1_000
_MAX_DEPTH = 6
_MAX_NODES = 80

# What would break a line or turn its reading order. Joiners stay: Persian, Hindi and many emoji need them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_HEADING = re.compile(r"#{1,6} ")
_BOLD = re.compile(r"(?<!\w)\*\*(\S[^*]{0,200}?)\*\*(?!\w)")
_ID = re.compile(
    r"(?:(?:chatcmpl|cmpl|msg|resp|run|lc_run|call|toolu|req|gen|fc|rs|asst|thread)[-_]+[\w-]{8,}|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27})$"
)
_CODE = re.compile(r"(?:[a-z]{2,12}[-_]+(?=[\w-]*\d)[\w-]{6,}|[0-9a-fA-F]{12,}|[\d.:,+-]+|(?=[\w-]*\d)[\w-]{20,})$")
_NOT_WORDS = re.compile(
    r"(?:^|_)(?:id|ids|uuid|type|object|model|role|created|finish_reason|stop_reason|fingerprint|service_tier|status|config|"
    r"tools?|tool_choice|response_format|self|system|system_prompt|instructions|usage|usage_metadata|metadata|response_metadata|"
    r"temperature|name|url|lc|key|token|signature)$|Id$",
    re.IGNORECASE,
)
INPUT_KEYS = (
    "question", "query", "input", "prompt", "text", "message", "user_input", "user_message", "user_prompt", "content",
)  # fmt: skip
INPUT_NESTS = (
    "inputs", "new_message", "state", "args", "prompts", "kwargs", "data", "body", "request",
)  # fmt: skip
OUTPUT_KEYS = (
    "output_text", "output", "outputs", "answer", "response", "result", "text", "content", "message", "reply",
)  # fmt: skip
OUTPUT_NESTS = (
    "completion", "return_values", "final_output", "generated_text", "delta", "data", "state", "value",
)  # fmt: skip


def preview_inputs(value: Json) -> str | None:
    """The last thing the user said, at most LIMIT characters; None when there is nothing."""
    return one_line(_asked(value, 0)) or one_line(_any_words(value)) or _json_line(value)


def preview_outputs(value: Json) -> str | None:
    """What the assistant answered, or the tools it called, at most LIMIT characters; None when there is nothing."""
    return one_line(_answered(value, 0)) or one_line(_any_words(value)) or _json_line(value)


def one_line(text: str, limit: int = LIMIT) -> str | None:
    """Whitespace collapsed, control and direction characters gone, no ** and # of Markdown, cut with an ellipsis."""
    if not text:
        return None
    line = " ".join(text.lstrip()[:_HEAD].split())
    if not line.isprintable():
        line = " ".join(_UNSEEN.sub("", line).split())
    if "**" in line:
        line = _BOLD.sub(r"\1", line)
    if line.startswith("#"):
        line = _HEADING.sub("", line)
    return (line if len(line) <= limit else line[: limit - 1].rstrip() + "…") or None


def call_line(name: str, args: Json, limit: int = LIMIT) -> str:
    """A tool call as code: search_orders(customer="sally", limit=5)."""
    if type(args) is dict:
        inner = ", ".join(f"{key}={compact(item, 60)}" for key, item in islice(args.items(), 12))
    else:
        inner = "" if args in (None, "") else compact(args, limit)
    return one_line(f"{name}({inner})", limit) or ""


def compact(value: Json, limit: int) -> str:
    """JSON without spaces that stops growing at the limit, so that a huge value costs no more than a small one."""
    out: list[str] = []
    _compact(value, out, limit, 0)
    text = "".join(out)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _compact(value: Json, out: list[str], room: int, depth: int) -> int:
    """Appends to `out` and returns what is left of `room`."""
    if depth > _MAX_DEPTH or room <= 0:
        out.append("…")
        return room - 1
    if type(value) is dict or type(value) is list:
        opened, closed = ("{", "}") if type(value) is dict else ("[", "]")
        out.append(opened)
        room -= 2
        for index, item in enumerate(value):
            if room <= 0:
                break
            if index:
                out.append(",")
                room -= 1
            if type(value) is dict:
                out.append(f"{_scalar(item, room)}:")
                room -= len(out[-1])
                item = value[item]
            room = _compact(item, out, room, depth + 1)
        out.append(closed)
        return room
    out.append(_scalar(value, room))
    return room - len(out[-1])


def _scalar(value: Json, room: int) -> str:
    if type(value) is str:
        return '"' + value[: max(room, 1)].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    # str() of an integer past 4,300 digits raises.
    return "…" if type(value) is int and value.bit_length() > 4_096 else str(value)


def _json_line(value: Json) -> str | None:
    if type(value) is dict and len(value) == 1 and type(only := next(iter(value.values()))) in (dict, list):
        value = only
    return None if value is None or value in ("", {}, []) else one_line(compact(value, LIMIT))


def _asked(value: Json, depth: int) -> str:
    if type(value) is str:
        return value
    if depth > _MAX_DEPTH:
        return ""
    messages = shapes.messages_of(value)
    if messages and (text := _last_said(messages, "user")):
        return text
    if type(value) is list:
        return next((text for item in value[:8] if (text := "" if _idlike(item) else _asked(item, depth + 1))), "")
    if type(value) is not dict:
        return ""
    if (own := shapes.message(value)) is not None and (text := _said(own[1])):
        return text
    return _first(value, INPUT_KEYS, INPUT_NESTS, _asked, depth)


def _answered(value: Json, depth: int) -> str:
    if type(value) is str:
        return value
    if depth > _MAX_DEPTH:
        return ""
    if type(value) is list:
        return _answered_list(value, depth)
    if type(value) is not dict:
        return ""
    for key in ("choices", "generations", "candidates"):
        found = value.get(key)
        if type(found) is list and found and (text := _answered(found[0], depth + 1)):
            return text
    if (own := shapes.message(value)) is not None and (text := _said(own[1])):
        return text
    messages = shapes.messages_of(value)
    if messages and (text := _last_said(messages, "assistant")):
        return text
    if (call := shapes.call_of(value)) and ("arguments" in value or "args" in value):
        return call_line(call[0], call[1])
    documents = shapes.listed(value.get("documents"))
    if documents and type(documents[0]) is dict and type(page := documents[0].get("page_content")) is str:
        return page
    return _first(value, OUTPUT_KEYS, OUTPUT_NESTS, _answered, depth) or calls_line(value)


def _answered_list(value: list[Json], depth: int) -> str:
    messages = shapes.messages_of(value)
    if messages:
        return _last_said(messages, "assistant")
    texts = (_answered(item, depth + 1) for item in value[:8] if not _idlike(item))
    return next((text for text in texts if text), "")


def _first(
    value: Fields, keys: tuple[str, ...], nests: tuple[str, ...], read: Callable[[Json, int], str], depth: int
) -> str:
    for key in keys:
        found = value.get(key)
        if type(found) in (int, float, bool):
            return compact(found, LIMIT)
        if found and not _idlike(found) and (text := read(found, depth + 1)):
            return text
    for key in nests:
        found = value.get(key)
        if found and type(found) is not str and (text := read(found, depth + 1)):
            return text
    return ""


def _last_said(messages: list[Json], role: str) -> str:
    """The last words of that role, else of anybody but the system prompt, else of the prompt."""
    anyone = prompt = ""
    for item in islice(reversed(messages), 400):
        found = shapes.message(item)
        if found is None or not (text := _said(found[1])):
            continue
        if found[0] == role:
            return text
        if found[0] in shapes.PROMPT_ROLES:
            prompt = prompt or text
        else:
            anyone = anyone or text
    return anyone or prompt


def _said(fields: Fields) -> str:
    return shapes.text_of(shapes.content_of(fields)) or shapes.text_of(fields) or calls_line(fields)


def calls_line(fields: Fields) -> str:
    return ", ".join(call_line(name, args) for name, args, _ in shapes.calls_of(fields)[:4])


def _idlike(value: Json) -> bool:
    return type(value) is str and len(value) < 100 and _ID.match(value) is not None


def _any_words(value: Json) -> str:
    """The longest string that reads like prose, found in the first _MAX_NODES values; "" when there is none."""
    best, best_rank = "", (False, 0)
    stack, seen = [value], 0
    while stack and seen < _MAX_NODES:
        item = stack.pop()
        seen += 1
        if type(item) is dict:
            stack.extend([found for key, found in islice(item.items(), 40) if not _NOT_WORDS.search(key)][::-1])
        elif type(item) is list:
            stack.extend(item[:20][::-1])
        elif type(item) is str and item and not _idlike(item) and not _CODE.match(item[:LIMIT]):
            rank = (" " in item[:400] or not item[:400].isascii(), min(len(item), LIMIT))
            if rank > best_rank:
                best, best_rank = item, rank
    return best
