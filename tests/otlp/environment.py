"""One virtual environment with OpenTelemetry's SDK and the instrumentations, kept in pytest's cache."""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.sdk.environments import OPENAI, checked, finished, program
from tests.server import clean_environment

HERE = Path(__file__).parent
PINS = (
    OPENAI,
    "httpx==0.28.1",
    "langsmith[otel]==0.15.0",
    "openinference-instrumentation-openai==0.1.66",
    "opentelemetry-exporter-otlp-proto-http==1.45.2",
    "opentelemetry-instrumentation-genai-openai==1.3b0",
    "opentelemetry-instrumentation-openai==0.62.4",
    "opentelemetry-sdk==1.45.2",
)
FOREIGN = ("OTEL_", "LANGSMITH_", "LANGCHAIN_")


def python(cache: Path) -> Path:
    home = cache / "exporters"
    interpreter, ready = home / "bin" / "python", home / "ready"
    wanted = f"{sys.version} {' '.join(PINS)}"
    if not ready.exists() or ready.read_text() != wanted:
        pyproject = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())
        checked([program("uv"), "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(home)])
        newest = ["--exclude-newer", pyproject["tool"]["uv"]["exclude-newer"]]
        checked([program("uv"), "pip", "install", "--quiet", "--python", str(interpreter), *newest, *PINS])
        ready.write_text(wanted)
    return interpreter


def converse(cache: Path, options: dict[str, Any], **env: str) -> dict[str, Any]:
    command = [str(python(cache)), str(HERE / "apps" / "conversation.py"), json.dumps(options)]
    mine = {
        name: value for name, value in clean_environment().items() if not name.startswith((*FOREIGN, "VIRTUAL_ENV"))
    }
    return finished(command, env=mine | env)
