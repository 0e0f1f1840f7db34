"""How a thread is written to a file, piece by piece, so that a long one never stands in memory as a whole."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.template.loader import render_to_string

from apps.common.templatetags.threadline import cost, duration
from apps.runs.listing.lines import inert
from apps.runs.parts import Call, Data, Documents, File, Image, Message, Part, Reasoning, Result, Text
from apps.runs.payloads import Payload
from apps.runs.shapes import Json
from apps.threads.export import HIDDEN, Step, Turn, turns
from apps.threads.hide import Hide
from apps.threads.models import Thread

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
_FENCE = re.compile(r"`{3,}")
_COLUMNS = (
    "turn", "start", "end", "latency_s", "status", "name", "input", "output", "error", "prompt_tokens", "completion_tokens",
    "total_tokens", "cost", "trace_id",
)  # fmt: skip


@dataclass(frozen=True)
class Format:
    name: str
    about: str
    content_type: str
    write: Callable[[Thread, Hide], Iterator[str]]


def _markdown(thread: Thread, hide: Hide) -> Iterator[str]:
    figures = [f"{thread.turns:,} turns", f"{thread.total_tokens:,} tokens", cost(thread.known_cost)]
    yield f"# {_line(hide.text(thread.thread_id))}\n\n{' · '.join(figures)}\n"
    for turn in turns(thread, hide):
        facts = [_line(turn.trace.name), _time(turn.trace.start_time), duration(turn.latency)]
        yield f"\n## Turn {turn.number}\n\n_{' · '.join(fact for fact in facts if fact)}_\n"
        yield from (_markdown_message(message) for message in turn.input)
        yield from (
            f"\n- attachment: {_line(one.name)} ({_line(one.mime_type)}, {one.size:,} bytes)\n"
            for one in turn.attachments
        )
        yield from (_markdown_step(step) for step in turn.steps)
        yield from (_markdown_message(message) for message in turn.output)
        if turn.error:
            yield f"\n**error**\n\n{_fenced(turn.error)}\n"


def _markdown_message(message: Message) -> str:
    name = f" ({_line(message.name)})" if message.name else ""
    return f"\n**{message.role}**{name}\n\n" + "\n\n".join(_markdown_part(part) for part in message.parts) + "\n"


def _markdown_part(part: Part) -> str:
    match part:
        case Text():
            return part.text
        case Reasoning():
            return "\n".join(f"> {line}" for line in part.text.splitlines())
        case Call():
            return f"call `{_line(part.name)}`\n\n{_fenced(indented(part.args), 'json')}"
        case Result():
            return f"result `{_line(part.name)}`\n\n{_fenced(words([part]))}"
        case Documents():
            return "\n\n".join(f"document {_line(one.title)}\n\n{_fenced(one.text)}" for one in part.documents)
        case Image() | File():
            return _fenced(words([part]))
        case Data():
            return _fenced(indented(part.value), "json")


def _markdown_step(step: Step) -> str:
    head = f"\n**{step.run.run_type}** `{_line(step.run.name)}` {duration(step.latency)}\n"
    error = f"\nerror\n\n{_fenced(step.run.error)}\n" if step.run.error else ""
    return f"{head}\n{_fenced(indented(step.args.value), 'json')}\n\n{_fenced(_result(step))}\n{error}"


def _json_file(thread: Thread, hide: Hide) -> Iterator[str]:
    head = {
        "thread_id": hide.text(thread.thread_id), "project": thread.project.name, "turns": thread.turns, "first_start": thread.first_start,
        "last_activity": thread.last_activity, "prompt_tokens": thread.prompt_tokens,
        "completion_tokens": thread.completion_tokens, "total_tokens": thread.total_tokens, "total_cost": thread.known_cost,
    }  # fmt: skip
    yield f'{{"thread": {_encoded(head)}, "turns": ['
    for turn in turns(thread, hide):
        yield ("," if turn.number > 1 else "") + "\n" + _encoded(_turn(turn, raw=not hide))
    yield "\n]}\n"


def _turn(turn: Turn, *, raw: bool) -> dict[str, Any]:
    trace = turn.trace
    given = {"inputs": _raw(turn.asked), "outputs": _raw(turn.answered)} if raw else {}
    return {
        "turn": turn.number, "trace_id": trace.trace_id, "name": trace.name, "status": trace.status,
        "start_time": trace.start_time, "end_time": trace.end_time, "prompt_tokens": trace.prompt_tokens,
        "completion_tokens": trace.completion_tokens, "total_tokens": trace.total_tokens, "total_cost": trace.known_cost,
        "error": turn.error or None,
        "input": [line for message in turn.input for line in chat(message)],
        "steps": [
            {
                "run_id": step.run.id, "run_type": step.run.run_type, "name": step.run.name, "inputs": _raw(step.args),
                "outputs": HIDDEN if step.hidden else _raw(step.result), "error": step.run.error,
                "seconds": step.latency and step.latency.total_seconds(),
            }
            for step in turn.steps
        ],
        "output": [line for message in turn.output for line in chat(message)],
        "attachments": [{"name": one.name, "mime_type": one.mime_type, "size": one.size} for one in turn.attachments],
        **given,
    }  # fmt: skip


def _jsonl(thread: Thread, hide: Hide) -> Iterator[str]:
    """One line a thread, as chat models are trained on: its messages, with calls and results where they happened."""
    yield '{"messages": ['
    first = True
    for turn in turns(thread, hide):
        for line in _chat_of(turn):
            yield ("" if first else ", ") + _encoded(line)
            first = False
    yield "]}\n"


def _chat_of(turn: Turn) -> Iterator[dict[str, Any]]:
    for message in turn.input:
        yield from chat(message, "user")
    for step in turn.steps:
        call = _call(str(step.run.id), step.run.name, step.args.value)
        yield {"role": "assistant", "content": None, "tool_calls": [call]}
        yield {"role": "tool", "tool_call_id": str(step.run.id), "content": _result(step)}
    for message in turn.output:
        yield from chat(message, "assistant")


def chat(message: Message, speaker: str = "other") -> Iterator[dict[str, Any]]:
    """In the form of the chat completions API: each result is a message of its own."""
    results = [part for part in message.parts if isinstance(part, Result)]
    calls = [part for part in message.parts if isinstance(part, Call)]
    said = [part for part in message.parts if not isinstance(part, Call | Result | Reasoning)]
    thoughts = "\n\n".join(part.text for part in message.parts if isinstance(part, Reasoning))
    for result in results:
        yield {"role": "tool", "tool_call_id": result.id, "content": words([result])}
    if said or calls or thoughts:
        line: dict[str, Any] = {"role": speaker if message.role == "other" else message.role, "content": _content(said)}
        if calls:
            line["tool_calls"] = [_call(call.id, call.name, call.args) for call in calls]
        if thoughts:
            line["reasoning_content"] = thoughts
        yield line


def _content(parts: Sequence[Part]) -> Json:
    if not any(isinstance(part, Image) for part in parts):
        return words(parts) if parts else None
    return [
        {"type": "image_url", "image_url": {"url": part.url}} if isinstance(part, Image) else {"type": "text", "text": words([part])}
        for part in parts
    ]  # fmt: skip


def _call(ident: str, name: str, args: Json) -> dict[str, Any]:
    arguments = args if isinstance(args, str) else _encoded(args)
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": arguments}}


def _csv(thread: Thread, hide: Hide) -> Iterator[str]:
    """One row a turn."""
    rows = csv.writer(_Echo())
    yield _bom + rows.writerow(_COLUMNS)
    for turn in turns(thread, hide):
        trace = turn.trace
        yield rows.writerow(
            [
                turn.number, _time(trace.start_time), _time(trace.end_time), turn.latency and turn.latency.total_seconds(),
                trace.status, inert(trace.name), inert(_said(turn.input)), inert(_said(turn.output)), inert(turn.error),
                trace.prompt_tokens, trace.completion_tokens, trace.total_tokens, trace.known_cost, trace.trace_id,
            ]
        )  # fmt: skip


_bom = "\ufeff"  # without it spreadsheets take UTF-8 for the code page of the machine


class _Echo:
    """What csv.writer writes to comes back as what writerow returns."""

    def write(self, text: str) -> str:
        return text


def _said(messages: Iterable[Message]) -> str:
    return "\n\n".join(words(message.parts) for message in messages)


def _html(thread: Thread, hide: Hide) -> Iterator[str]:
    """One file that needs no other and asks no server for anything."""
    yield render_to_string(
        "threads/export_file.html#head", {"thread": thread, "name": hide.text(thread.thread_id), "hide": hide}
    )
    for turn in turns(thread, hide):
        yield render_to_string("threads/export_file.html#turn", {"turn": turn})
    yield render_to_string("threads/export_file.html#foot", {})


def words(parts: Iterable[Part]) -> str:
    """What the parts say, as text."""
    return "\n\n".join(_words(part) for part in parts)


def _words(part: Part) -> str:
    match part:
        case Text() | Reasoning():
            return part.text + (f" … {part.cut:,} more characters" if part.cut else "")
        case Call():
            return f"{part.name}({_encoded(part.args)})"
        case Result():
            return words(part.parts) if part.parts else HIDDEN
        case Documents():
            return "\n\n".join(one.text for one in part.documents)
        case Image():
            return f"image {part.link}" if part.link else "image"
        case File():
            return f"file {part.name} {part.link}".rstrip()
        case Data():
            return _encoded(part.value)


def _result(step: Step) -> str:
    if step.hidden:
        return HIDDEN
    value = _raw(step.result) if step.result.skipped else step.answer
    return value if isinstance(value, str) else _encoded(value)


def _raw(payload: Payload) -> Json:
    return f"({payload.size:,} bytes, too large for a file)" if payload.skipped else payload.value


def _encoded(value: Json) -> str:
    return _encoder.encode(value).decode()


def indented(value: Json) -> str:
    return msgspec.json.format(_encoder.encode(value), indent=2).decode()


def _fenced(text: str, language: str = "") -> str:
    """As code, with a fence longer than any within."""
    fence = max(["``", *_FENCE.findall(text)], key=len) + "`"
    return f"{fence}{language}\n{text}\n{fence}"


def _line(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def _time(moment: Any) -> str:
    return moment.isoformat(timespec="milliseconds") if moment else ""


FORMATS: Final = {
    "md": Format("Markdown", "To read, paste and keep", "text/markdown; charset=utf-8", _markdown),
    "html": Format("HTML", "One file to open offline or send", "text/html; charset=utf-8", _html),
    "json": Format("JSON", "Everything, with the raw inputs and outputs", "application/json", _json_file),
    "jsonl": Format("Chat JSONL", "One line of messages, for training and replay", "application/jsonl", _jsonl),
    "csv": Format("CSV", "One row a turn", "text/csv; charset=utf-8", _csv),
}
