"""One virtual environment with OpenTelemetry's SDK and the instrumentations, and a node_modules for each version of Vercel's AI SDK;
kept in pytest's cache."""

import json
from pathlib import Path
from typing import Any

from tests.sdk.environments import OPENAI, clean_environment, finished, node_with, python_with, run_node

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


def converse_in_typescript(version: str, cache: Path, options: dict[str, Any], **env: str) -> dict[str, Any]:
    sources = HERE / "vercel"
    scripts = (sources / "conversation.mts", sources / version / "setup.mts")
    home = node_with(sources / version, cache / f"vercel-ai-{version}", scripts)
    return run_node(home / "conversation.mts", options, LANGSMITH_TRACING="false", **env)
