"""How inputs, outputs, events, extra and serialized lie in the database: zstd frames of the JSON text, with a shared dictionary.

The dictionary has two forms, and a frame tells its own. That for ASCII holds tables of how often each byte occurs, so that zstd neither makes nor
writes some for each payload and takes a third of the time; they would make other scripts larger, whose form goes without.

The JSON is kept as it was sent, so reading back neither reorders keys nor rounds numbers. docs/decisions.md has the measurement.
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
import zstandard

# The dictionary makes small payloads smaller and large ones larger, for which a higher level is worth its time.
SMALL = 8 * 1024
SMALL_LEVEL, LARGE_LEVEL = 1, 3

# What nearly every payload contains. Frames cannot be read without it: never edit the text.
_COMMON = (
    b'{"runtime": {"sdk": "langsmith-js", "library": "langsmith", "platform": "Linux-6.1.0-x86_64-with-glibc2.36", "runtime": "python", '
    b'"runtime_version": "3.13.0", "py_implementation": "CPython", "langchain_version": null, "langchain_core_version": "0.3.0", '
    b'"sdk": "langsmith-py", "sdk_version": "0.4.31"}, "metadata": {}, "invocation_params": {"_type": "openai-chat", "stream": false, "stop": null}, '
    b'"batch_size": 1, "options": {"stop": null}}'
    b'[{"name": "start", "time": "2026-01-01T00:00:00.000000+00:00"}, {"name": "new_token", "time": "2026-01-01T00:00:00.000000+00:00"}, '
    b'{"name": "end", "time": "2026-01-01T00:00:00.000000+00:00"}]'
    b'{"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"], "kwargs": {"content": "", "type": "human", '
    b'"additional_kwargs": {}, "response_metadata": {"token_usage": {}, "model_name": "gpt-4o-mini", "finish_reason": "stop"}, '
    b'"id": "run--", "tool_calls": [], "invalid_tool_calls": []}}{"generations": [[{"text": "", "generation_info": {"finish_reason": "stop", '
    b'"logprobs": null}, "type": "ChatGeneration", "message": {}}]], "llm_output": {"token_usage": {"prompt_tokens": 0}}}'
    b'{"documents": [{"page_content": "", "type": "Document", "metadata": {"source": "https://"}}], "query": "", "question": "", "answer": "", "output": ""}'
    b'{"messages": [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": [{"type": "text", "text": ""}, '
    b'{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]}, {"role": "tool", "tool_call_id": "call_", "content": ""}], '
    b'"model": "gpt-4o", "temperature": 0.7, "max_tokens": 1024, "stream": true, "tools": [{"type": "function", "function": {"name": "get_weather", '
    b'"description": "", "parameters": {"type": "object", "properties": {}, "required": []}}}], "tool_choice": "auto"}'
    b'{"id": "chatcmpl-", "object": "chat.completion", "created": 1760000000, "model": "gpt-4o-mini-2024-07-18", "choices": [{"index": 0, '
    b'"message": {"role": "assistant", "content": "", "refusal": null, "annotations": [], "audio": null, "function_call": null, '
    b'"tool_calls": [{"id": "call_", "type": "function", "function": {"name": "", "arguments": "{}"}}]}, "logprobs": null, "finish_reason": "stop"}], '
    b'"service_tier": "default", "system_fingerprint": "fp_", "usage_metadata": {"input_tokens": 100, "output_tokens": 50, "total_tokens": 150, '
    b'"input_token_details": {"audio": 0, "cache_read": 0}, "output_token_details": {"audio": 0, "reasoning": 0}}}'
)
# The head of a dictionary of zstd's, number 77, that was trained on the sample conversations: its tables.
_ASCII_TABLES = bytes.fromhex(
    "37a430ec4d0000004010a832db7430333537333333333333335114870ddfb6bd97b5ddbd2d2f7d22db7ec744ad4759f118ce20866a4484a819f3dbff7f37110d21e3c7b8"
    "b5535555435301000c0c89c5e3f1e8cce00c00046080a12a1a8e0b45b2582c0e06c5300a84208661000660100860200a21ca30e61074060000c4ade4e3c453813c1e0aa2"
    "208861502165510900000000010000000400000008000000"
)


def _dictionary(content: bytes, kind: int) -> zstandard.ZstdCompressionDict:
    """Made ready once, not for each request."""
    made = zstandard.ZstdCompressionDict(content, dict_type=kind)
    made.precompute_compress(level=SMALL_LEVEL)
    return made


_DICTIONARY = _dictionary(_COMMON, zstandard.DICT_TYPE_RAWCONTENT)
_ASCII_DICTIONARY = _dictionary(_ASCII_TABLES + _COMMON, zstandard.DICT_TYPE_FULLDICT)


class _Codec(threading.local):
    """zstandard's objects are not safe to share between threads, and dear to make for each value."""

    def __init__(self) -> None:
        self.ascii = zstandard.ZstdCompressor(level=SMALL_LEVEL, dict_data=_ASCII_DICTIONARY, write_checksum=False)
        self.small = zstandard.ZstdCompressor(level=SMALL_LEVEL, dict_data=_DICTIONARY, write_checksum=False)
        self.large = zstandard.ZstdCompressor(level=LARGE_LEVEL, write_checksum=False)
        self.of_ascii = zstandard.ZstdDecompressor(dict_data=_ASCII_DICTIONARY)
        self.of_others = zstandard.ZstdDecompressor(dict_data=_DICTIONARY)


_codec = _Codec()


def pack(json_text: bytes) -> bytes:
    return _compressor(json_text).compress(json_text)


def pack_all(json_texts: Sequence[bytes]) -> list[bytes]:
    """Their frames in the same order. Each call of zstd lets go of the interpreter's lock, which another thread then takes: one for many."""
    places: dict[zstandard.ZstdCompressor, list[int]] = defaultdict(list)
    for place, text in enumerate(json_texts):
        places[_compressor(text)].append(place)
    frames = [b""] * len(json_texts)
    for compressor, found in places.items():
        packed = compressor.multi_compress_to_buffer([json_texts[place] for place in found])
        for at, place in enumerate(found):
            frames[place] = packed[at].tobytes()
    return frames


def _compressor(json_text: bytes) -> zstandard.ZstdCompressor:
    if len(json_text) > SMALL:
        return _codec.large
    return _codec.ascii if json_text.isascii() else _codec.small


def unpack(frame: bytes | memoryview) -> bytes:
    """The JSON text."""
    frame = bytes(frame)
    tells_dictionary = frame[4] & 3  # the size of its number, RFC 8878, 3.1.1.1.1
    return (_codec.of_ascii if tells_dictionary else _codec.of_others).decompress(frame)


def load(frame: bytes | memoryview | None) -> Any:
    """The JSON value; None for a field that was never sent. Lists and objects nest at most MAX_JSON_DEPTH deep."""
    return None if frame is None else msgspec.json.decode(unpack(frame))
