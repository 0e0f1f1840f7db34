"""`uv run python -m tests.sdk.record` writes recorded/: what each SDK really sends, transport by transport.

A file is {"sdk", "transport", "requests": [{"method", "path", "headers", "body"}]}. The body is decompressed and left
as it is otherwise; headers keep the Content-Encoding and lengths of the wire. A body that is not UTF-8 stands under
"body_base64".
Paths of this machine in stack traces are overwritten at the same length, so that the parts' own lengths stay right.
"""

import base64
import gzip
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import zstandard

from tests.sdk.environments import PYTHON_VERSIONS, TYPESCRIPT_VERSIONS, run_python, run_typescript
from tests.sdk.openai_standin import OpenAIStandIn

RECORDED = Path(__file__).parent / "recorded"
KEPT_HEADERS = ("content-type", "content-encoding", "content-length", "transfer-encoding")
BATCH = {
    "use_multipart_endpoint": True,
    "size_limit": 100,
    "size_limit_bytes": 20_971_520,
    "scale_up_qsize_trigger": 1000,
    "scale_up_nthreads_limit": 16,
    "scale_down_nempty_trigger": 4,
}
TRANSPORTS: dict[str, dict[str, Any]] = {
    "zstd": {"zstd_compression_enabled": True, "gzip_body_enabled": True},
    "gzip": {"zstd_compression_enabled": False, "gzip_body_enabled": True},
    "plain": {"zstd_compression_enabled": False, "gzip_body_enabled": False},
    "batch": {},
}


def info(transport: str) -> dict[str, Any]:
    batch = {**BATCH, "use_multipart_endpoint": transport != "batch"}
    return {"version": "0.18.0", "batch_ingest_config": batch, "instance_flags": TRANSPORTS[transport]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        body = self.body()
        if self.path.endswith("/info"):
            reply: Any = info(self.server.transport)  # type: ignore[attr-defined]
        else:
            headers = {name.lower(): value for name, value in self.headers.items() if name.lower() in KEPT_HEADERS}
            taken = {"method": self.command, "path": self.path, "headers": headers}
            self.server.requests.append({**taken, **written(without_paths(decompressed(body, headers)))})  # type: ignore[attr-defined]
            reply = {}
        text = json.dumps(reply).encode()
        self.send_response(202 if body else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = answer

    def body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the default writes every request to stderr."""


def decompressed(body: bytes, headers: dict[str, str]) -> bytes:
    match headers.get("content-encoding"):
        case "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(body)
        case "gzip":
            return gzip.decompress(body)
        case _:
            return body


def without_paths(body: bytes) -> bytes:
    home = str(Path(__file__).parents[2]).encode()
    return body.replace(home, b"/app".ljust(len(home), b"_"))


def written(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def record(sdk: str, version: str, transport: str, cache: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.transport, server.requests = transport, []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with OpenAIStandIn() as model:
        endpoint = f"http://127.0.0.1:{server.server_port}/api/v1"
        options = {"endpoint": endpoint, "key": "recorded", "model_url": model.url}
        env = {"LANGSMITH_DISABLE_RUN_COMPRESSION": "true"} if transport == "plain" else {}
        if sdk == "py":
            run_python(version, cache, "capture.py", options, **env)
        else:
            run_typescript(version, cache, "capture.mts", options, **env)
    server.shutdown()
    file = RECORDED / f"{sdk}-{version}-{transport}.json"
    recorded = {"sdk": f"{sdk} {version}", "transport": transport, "requests": server.requests}  # type: ignore[attr-defined]
    file.write_text(json.dumps(recorded, ensure_ascii=False, indent=1) + "\n")
    print(file.name, len(server.requests), "requests", file.stat().st_size, "bytes")  # type: ignore[attr-defined]


def main(cache: Path) -> None:
    for version in PYTHON_VERSIONS:
        for transport in ("zstd", "plain", "batch"):
            record("py", version, transport, cache)
    for version in TYPESCRIPT_VERSIONS:
        for transport in ("zstd" if version != "0.9.0" else "gzip", "plain", "batch"):
            record("js", version, transport, cache)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else ".pytest_cache/d/sdk"))
