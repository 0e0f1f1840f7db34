"""A run's inputs and outputs as messages to show, whichever client or framework wrote them.

Everything is bounded: messages and parts by number, texts by `limit` characters. Nothing here raises on any JSON.
"""

from dataclasses import dataclass, field

from apps.common.markdown import end_of
from apps.runs import shapes
from apps.runs.parts import Call, Data, Document, Documents, File, Image, Message, Part, Reasoning, Result, Text
from apps.runs.preview import INPUT_KEYS, INPUT_NESTS, OUTPUT_KEYS, OUTPUT_NESTS, compact
from apps.runs.shapes import Fields, Json

TURN_LIMIT = 6_000
"""Characters of one text on a page of many turns."""
RUN_LIMIT = 50_000
"""Characters of one text where one run is read."""
MAX_MESSAGES = 300
MAX_PARTS = 100
MAX_DOCUMENTS = 50
_MAX_DEPTH = 6
_SOURCES = (
    "image_url", "source", "inlineData", "inline_data", "fileData", "file_data", "input_audio", "file", "image",
    "audio_url",
)  # fmt: skip
_PROMPT_KEYS = ("system", "instructions", "system_instruction", "systemInstruction")


@dataclass(frozen=True)
class Content:
    """One field of a run: the messages found in it, and the rest that is no message."""

    messages: list[Message] = field(default_factory=list)
    rest: Json = None
    earlier: int = 0
    """Messages before the first one in `messages`."""


def inputs_of(value: Json, limit: int = RUN_LIMIT, speaker: str = "user") -> Content:
    """The speaker is named where the value names nobody."""
    return _Reader("user", speaker, limit, new_only=False).content(value, 0)


def outputs_of(value: Json, limit: int = RUN_LIMIT, speaker: str = "assistant") -> Content:
    return _Reader("assistant", speaker, limit, new_only=False).content(value, 0)


def new_inputs_of(value: Json, limit: int = TURN_LIMIT) -> Content:
    """Without the history that clients send again with each turn: the last user message and what follows it."""
    return _Reader("user", "user", limit, new_only=True).content(value, 0)


def new_outputs_of(value: Json, limit: int = TURN_LIMIT) -> Content:
    """Graphs return the whole state: only what follows the last user message."""
    return _Reader("assistant", "assistant", limit, new_only=True).content(value, 0)


@dataclass(frozen=True)
class _Reader:
    role: str
    """user for inputs, assistant for outputs."""
    speaker: str
    limit: int
    new_only: bool

    def content(self, value: Json, depth: int) -> Content:
        if value is None or value in ("", {}, []):
            return Content()
        if type(value) is str:
            return Content([Message(self.speaker, [text(value, self.limit)])])
        if depth > _MAX_DEPTH or type(value) not in (dict, list):
            return Content(rest=value)
        if documents := self._documents(value):
            return Content([Message("other", [documents])])
        found = shapes.messages_of(value)
        if found:
            return self._conversation(found, _others(value, found))
        if type(value) is list:
            return self._items(value, depth)
        return self._fields(value, depth)

    def _conversation(self, items: list[Json], others: Fields) -> Content:
        start = 0
        if self.new_only:
            start = max(last_user(items), 0) if self.role == "user" else last_user(items) + 1
        start = max(start, len(items) - MAX_MESSAGES)
        messages = [self._message(item) for item in items[start:]]
        if not self.new_only:
            messages = [*self._prompts(others), *messages]
        return Content(messages, {key: item for key, item in others.items() if key not in _PROMPT_KEYS}, start)

    def _prompts(self, others: Fields) -> list[Message]:
        prompts = (shapes.text_of(others.get(key)) for key in _PROMPT_KEYS)
        return [Message("system", [text(prompt, self.limit)]) for prompt in prompts if prompt]

    def _message(self, item: Json) -> Message:
        found = shapes.message(item)
        if found is None:
            return Message("other", [text(item, self.limit) if type(item) is str else Data(item)])
        return message(*found, self.limit)

    def _items(self, value: list[Json], depth: int) -> Content:
        """A list of anything: what JavaScript passes as args, plain prompts, batched generations."""
        contents = [self.content(item, depth + 1) for item in value[:MAX_PARTS]]
        messages = [message for content in contents for message in content.messages]
        understood = all(content.messages and not content.rest for content in contents)
        return Content(messages) if messages and understood else Content(rest=value)

    def _fields(self, value: Fields, depth: int) -> Content:
        if self.role == "assistant" and (content := self._completion(value, depth)):
            return content
        if own := shapes.message(value):
            return Content([message(*own, self.limit)])
        keys, nests = (INPUT_KEYS, INPUT_NESTS) if self.role == "user" else (OUTPUT_KEYS, OUTPUT_NESTS)
        for key in keys + nests:
            found = value.get(key)
            if found in (None, "", [], {}) or (type(found) is str and key in nests):
                continue
            content = self.content(found if type(found) in (dict, list) else _plain(found), depth + 1)
            if content.messages:
                rest = {name: item for name, item in value.items() if name != key}
                if content.rest:
                    rest[key] = content.rest
                return Content(content.messages, rest, content.earlier)
        return Content(rest=value)

    def _completion(self, value: Fields, depth: int) -> Content | None:
        """The choices of a completion, Gemini's candidates, LangChain's generations; the rest is told elsewhere."""
        for key in ("choices", "candidates", "generations"):
            options = value.get(key)
            if type(options) is not list or not options:
                continue
            flat = [inner for option in options[:MAX_PARTS] for inner in (option if type(option) is list else [option])]
            messages = [message for option in flat[:MAX_PARTS] for message in self._option(option, depth)]
            if messages:
                return Content(messages)
        return None

    def _option(self, option: Json, depth: int) -> list[Message]:
        if type(option) is not dict:
            return []
        inner = next((option[key] for key in ("message", "delta", "content") if type(option.get(key)) is dict), None)
        if inner is None:
            words = option.get("text")
            return [Message(self.speaker, [text(words, self.limit)])] if type(words) is str and words else []
        found = shapes.message(inner)
        return [message(found[0] if found else self.role, found[1] if found else inner, self.limit)]

    def _documents(self, value: Json) -> Documents | None:
        items = value.get("documents") if type(value) is dict else value
        if type(items) is not list or not items or not all(_is_document(item) for item in items[:MAX_DOCUMENTS]):
            return None
        if type(value) is dict and any(value.get(key) for key in OUTPUT_KEYS):
            return None
        return Documents([self._document(item) for item in items[:MAX_DOCUMENTS]], max(0, len(items) - MAX_DOCUMENTS))

    def _document(self, item: Fields) -> Document:
        inner = item["kwargs"] if "lc" in item and type(item.get("kwargs")) is dict else item
        body = str(inner.get("page_content", ""))
        return Document(body[: self.limit], inner.get("metadata"), max(0, len(body) - self.limit))


def last_user(items: list[Json]) -> int:
    """Where the last message of the user stands, -1 when there is none; tool results sent as user do not count."""
    for index in range(len(items) - 1, -1, -1):
        found = shapes.message(items[index])
        if found and found[0] == "user" and not _only_results(found[1]):
            return index
    return -1


def message(role: str, fields: Fields, limit: int) -> Message:
    content = shapes.content_of(fields)
    parts: list[Part] = [*_thoughts(fields, limit)]
    if role == "tool":
        parts.append(_result(fields, content, limit))
    else:
        parts += [part for item in _items_of(content) if (part := _part(item, limit))]
        if not parts and (words := shapes.text_of(fields)):
            parts.append(text(words, limit))
        parts += [Call(*call) for call in shapes.calls_of(fields)]
    if role == "user" and _only_results(fields):
        role = "tool"
    name = fields.get("name")
    return Message(role, parts, name[:80] if type(name) is str and role != "tool" else "")


def text(value: str, limit: int) -> Text:
    end = end_of(value, limit)
    return Text(value[:end], len(value) - end)


def _plain(value: Json) -> Json:
    return value if type(value) is str else compact(value, 200)


def _others(value: Json, messages: list[Json]) -> Fields:
    """The other fields of an object whose messages are known."""
    if type(value) is not dict:
        return {}
    return {key: item for key, item in value.items() if item is not messages and not (item and item == [messages])}


def _is_document(item: Json) -> bool:
    if type(item) is not dict:
        return False
    inner = item.get("kwargs") if "lc" in item else item
    return type(inner) is dict and type(inner.get("page_content")) is str


def _items_of(content: Json) -> list[Json]:
    if content is None:
        return []
    return content[:MAX_PARTS] if type(content) is list else [content]


def _only_results(fields: Fields) -> bool:
    content = shapes.content_of(fields)
    return type(content) is list and bool(content) and all(_is_result(part) for part in content[:MAX_PARTS])


def _is_result(part: Json) -> bool:
    return type(part) is dict and (shapes.kind_of(part) in shapes.RESULTS or "functionResponse" in part)


def _thoughts(fields: Fields, limit: int) -> list[Reasoning]:
    """DeepSeek, OpenRouter and LangChain keep the reasoning beside the content."""
    extra = fields.get("additional_kwargs")
    places = [fields.get("reasoning_content"), fields.get("reasoning")]
    if type(extra) is dict:
        places.append(extra.get("reasoning_content"))
    thought = next((place for place in places if type(place) is str and place), "")
    return [Reasoning(thought[:limit], max(0, len(thought) - limit))] if thought else []


def _part(item: Json, limit: int) -> Part | None:
    """None for what is shown elsewhere (a call) or says nothing."""
    if type(item) is str:
        return text(item, limit) if item else None
    if type(item) is not dict:
        return Data(item)
    kind = shapes.kind_of(item)
    if kind in shapes.CALLS or "functionCall" in item:
        return None
    if _is_result(item):
        response = item.get("functionResponse")
        inner = response if type(response) is dict else item
        return _result(
            inner, next((inner[key] for key in ("content", "output", "response") if key in inner), None), limit
        )
    if kind in shapes.THOUGHTS:
        said = (shapes.text_of(item.get(key)) for key in ("thinking", "reasoning", "text", "summary", "content"))
        thought = next(filter(None, said), "")
        return Reasoning(thought[:limit], max(0, len(thought) - limit)) if thought else None
    if media := _media(item, kind):
        return media
    words = shapes.text_of(item)
    return text(words, limit) if words else Data(item)


def _result(fields: Fields, content: Json, limit: int) -> Result:
    content = shapes.decoded(content)
    items = (
        content
        if type(content) is list and all(type(item) is dict and shapes.kind_of(item) for item in content)
        else [content]
    )
    parts: list[Part] = []
    for item in items[:MAX_PARTS]:
        if type(item) is str or (type(item) is dict and shapes.kind_of(item) in ("text", "image", "image_url")):
            part = _part(item, limit)
        else:
            part = None if item is None else Data(item)
        if part:
            parts.append(part)
    name, ident = fields.get("name"), fields.get("tool_call_id") or fields.get("tool_use_id") or fields.get("call_id")
    failed = fields.get("is_error") is True or fields.get("status") == "error"
    return Result(name[:80] if type(name) is str else "", parts, ident if type(ident) is str else "", failed)


def _media(item: Fields, kind: str) -> Image | File | None:
    source = next((item[key] for key in _SOURCES if item.get(key)), None)
    if source is None and kind not in shapes.MEDIA:
        return None
    inner: Fields = source if type(source) is dict else {**item, "url": source} if type(source) is str else item
    mime = _first(inner, "media_type", "mimeType", "mime_type", "format") or _first(item, "mime_type", "mimeType")
    data = _first(inner, "data", "base64", "file_data")
    url = _first(inner, "url", "fileUri", "file_uri", "uri")
    if "image" in kind or mime.startswith("image/") or url.startswith("data:image/"):
        return Image(url or f"data:{mime or 'image/png'};base64,{data}")
    if not (data or url or kind in shapes.MEDIA):
        return None
    name = _first(inner, "filename", "file_name", "name", "title") or kind.removeprefix("input_") or "file"
    return File(name[:200], mime[:80], len(data) * 3 // 4, url[:2_000], _sound(kind, mime, data, url))


def _sound(kind: str, mime: str, data: str, url: str) -> str:
    """Sound that came along as a data: URL; "" for anything else. OpenAI names its format alone, as in "wav"."""
    if url.startswith("data:audio/"):
        return url
    if data and (mime.startswith("audio/") or "audio" in kind):
        return f"data:{mime if '/' in mime else f'audio/{mime}'};base64,{data}"
    return ""


def _first(fields: Fields, *keys: str) -> str:
    return next((found for key in keys if type(found := fields.get(key)) is str and found), "")
