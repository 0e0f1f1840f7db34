"""One virtual environment with OpenTelemetry's SDK and the instrumentations, kept in pytest's cache."""

import json
from pathlib import Path
from typing import Any

from tests.sdk.environments import OPENAI, clean_environment, finished, python_with

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


def converse(cache: Path, options: dict[str, Any], **env: str) -> dict[str, Any]:
    python = python_with(PINS, cache / "exporters")
    command = [str(python), str(HERE / "apps" / "conversation.py"), json.dumps(options)]
    return finished(command, env=clean_environment(LANGSMITH_TRACING="false") | env)
