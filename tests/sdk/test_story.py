"""The conversation story with the unmodified SDKs, each transport in turn, against a live server: no sleep, no retry."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.environments import PYTHON_VERSIONS, run_python, run_typescript
from tests.sdk.openai_standin import OpenAIStandIn
from tests.server import LiveServer

UNCOMPRESSED = {"LANGSMITH_DISABLE_RUN_COMPRESSION": "true"}
BUFFERED = {"LANGSMITH_DISABLE_MULTIPART_STREAMING": "true"}


def options(live: LiveServer, model: OpenAIStandIn, project: str, info: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"model_url": model.url, "project": project, "thread": "thread-of-Ada", "info": info}


def environment(live: LiveServer, mount: str) -> dict[str, str]:
    return {"LANGSMITH_ENDPOINT": live.origin + mount, "LANGSMITH_API_KEY": live.api_key}


def info_of(live: LiveServer, **batch: Any) -> dict[str, Any]:
    """What the server tells the SDKs, changed as given: how a test steers them to a transport."""
    with urllib.request.urlopen(f"{live.origin}/info") as reply:
        info = json.load(reply)
    flags = {name: batch.pop(name) for name in list(batch) if name.endswith("_enabled")}
    return {
        **info,
        "batch_ingest_config": {**info["batch_ingest_config"], **batch},
        "instance_flags": {**info["instance_flags"], **flags},
    }


def assert_remembered(told: dict[str, Any]) -> None:
    assert told["replies"] == [
        "Noted. You have asked 1 times.",
        "Your name is Ada. You have asked 2 times.",
        "The sum is 42. You have asked 3 times.",
    ]
    assert told["warned"] == []


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
def test_python_story_over_zstd_multipart(
    version: str, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    told = run_python(version, sdk_cache, "story.py", options(live, model, project), **environment(live, "/api/v1"))
    assert_remembered(told)
    assert "POST /runs/multipart zstd" in told["sent"]


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
def test_python_story_over_plain_multipart(
    version: str, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    env = environment(live, "/api") | UNCOMPRESSED
    told = run_python(version, sdk_cache, "story.py", options(live, model, project), **env)
    assert_remembered(told)
    assert told["sent"] == ["POST /runs/multipart identity"]


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
def test_python_story_over_batch(
    version: str, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    asked = options(live, model, project, info_of(live, use_multipart_endpoint=False))
    told = run_python(version, sdk_cache, "story.py", asked, **environment(live, ""))
    assert_remembered(told)
    assert told["sent"] == ["POST /runs/batch identity"]


def test_typescript_story_over_zstd_multipart(
    live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    told = run_typescript(
        "0.12.0", sdk_cache, "story.mts", options(live, model, project), **environment(live, "/api/v1")
    )
    assert_remembered(told)
    assert "POST /runs/multipart zstd with length" in told["sent"]


@pytest.mark.parametrize(("version", "length"), [("0.12.0", "with length"), ("0.9.0", "chunked")])
def test_typescript_story_over_gzip_multipart(
    version: str, length: str, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    asked = options(live, model, project, info_of(live, zstd_compression_enabled=False))
    told = run_typescript(version, sdk_cache, "story.mts", asked, **environment(live, "/api/v1"))
    assert_remembered(told)
    assert f"POST /runs/multipart gzip {length}" in told["sent"]


@pytest.mark.parametrize("version", ["0.12.0", "0.9.0"])
def test_typescript_story_over_chunked_multipart(
    version: str, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    env = environment(live, "/api") | UNCOMPRESSED
    told = run_typescript(version, sdk_cache, "story.mts", options(live, model, project), **env)
    assert_remembered(told)
    assert told["sent"] == ["POST /runs/multipart identity chunked"]


@pytest.mark.parametrize("version", ["0.12.0", "0.9.0"])
def test_typescript_story_over_buffered_multipart(
    version: str, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    env = environment(live, "/api/v1") | UNCOMPRESSED | BUFFERED
    told = run_typescript(version, sdk_cache, "story.mts", options(live, model, project), **env)
    assert_remembered(told)
    assert told["sent"] == ["POST /runs/multipart identity with length"]


@pytest.mark.parametrize("version", ["0.12.0", "0.9.0"])
def test_typescript_story_over_batch(
    version: str, live: LiveServer, model: OpenAIStandIn, project: str, sdk_cache: Path
) -> None:
    asked = options(live, model, project, info_of(live, use_multipart_endpoint=False))
    told = run_typescript(version, sdk_cache, "story.mts", asked, **environment(live, ""))
    assert_remembered(told)
    assert told["sent"] == ["POST /runs/batch identity with length"]
