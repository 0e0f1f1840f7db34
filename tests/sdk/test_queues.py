"""Annotation queues by the SDKs. The behaviours are in py/queues.py and ts/queues.mts; one process runs them all."""

import re
from pathlib import Path

import pytest

from tests.sdk.environments import HERE, PYTHON_VERSIONS, TYPESCRIPT_VERSIONS, run_python, run_typescript
from tests.sdk.openai_standin import OpenAIStandIn
from tests.sdk.test_checks import Results, once
from tests.server import LiveServer

PYTHON_CHECKS = re.findall(r"^def (check_\w+)", (HERE / "py" / "queues.py").read_text(), re.MULTILINE)
TYPESCRIPT_CHECKS = re.findall(r"^  async (\w+)\(", (HERE / "ts" / "queues.mts").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def python_results(live: LiveServer, model: OpenAIStandIn, sdk_cache: Path) -> Results:
    return once(run_python, "queues.py", live, model, sdk_cache)


@pytest.fixture(scope="module")
def typescript_results(live: LiveServer, model: OpenAIStandIn, sdk_cache: Path) -> Results:
    return once(run_typescript, "queues.mts", live, model, sdk_cache)


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
