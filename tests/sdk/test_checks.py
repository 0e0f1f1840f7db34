"""What the SDKs write, read back with the SDKs. The behaviours are in py/checks.py and ts/checks.mts; one process runs them all."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.environments import HERE, PYTHON_VERSIONS, TYPESCRIPT_VERSIONS, run_python, run_typescript
from tests.sdk.openai_standin import OpenAIStandIn
from tests.server import LiveServer

type Results = Callable[[str], dict[str, Any]]

PYTHON_CHECKS = re.findall(r"^def (check_\w+)", (HERE / "py" / "checks.py").read_text(), re.MULTILINE)
TYPESCRIPT_CHECKS = re.findall(r"^  async (\w+)\(", (HERE / "ts" / "checks.mts").read_text(), re.MULTILINE)


def once(
    run: Callable[..., dict[str, Any]], script: str, live: LiveServer, model: OpenAIStandIn, cache: Path
) -> Results:
    """Runs the script at the first question about a version, and remembers what it said."""
    found: dict[str, dict[str, Any]] = {}
    env = {"LANGSMITH_ENDPOINT": f"{live.origin}/api/v1", "LANGSMITH_API_KEY": live.api_key}

    def results(version: str) -> dict[str, Any]:
        if version not in found:
            options = {"model_url": model.url, "project": f"checks-{version}"}
            found[version] = run(version, cache, script, options, **env)
        return found[version]

    return results


@pytest.fixture(scope="module")
def python_results(live: LiveServer, model: OpenAIStandIn, sdk_cache: Path) -> Results:
    return once(run_python, "checks.py", live, model, sdk_cache)


@pytest.fixture(scope="module")
def typescript_results(live: LiveServer, model: OpenAIStandIn, sdk_cache: Path) -> Results:
    return once(run_typescript, "checks.mts", live, model, sdk_cache)


@pytest.mark.parametrize("version", PYTHON_VERSIONS)
@pytest.mark.parametrize("check", PYTHON_CHECKS)
def test_python(version: str, check: str, python_results: Results) -> None:
    problem = python_results(version)[check]
    assert problem is None, problem


@pytest.mark.parametrize("version", TYPESCRIPT_VERSIONS)
@pytest.mark.parametrize("check", TYPESCRIPT_CHECKS)
def test_typescript(version: str, check: str, typescript_results: Results) -> None:
    problem = typescript_results(version)[check]
    assert problem is None, problem
