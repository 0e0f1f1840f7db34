"""Each SDK version in an environment of its own, kept in pytest's cache: a Python venv by uv, a node_modules by npm."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.alone import alone

HERE = Path(__file__).parent
PYTHON_VERSIONS = ("0.15.0", "0.4.31")
TYPESCRIPT_VERSIONS = ("0.12.0", "0.9.0")
OPENAI = "openai==3.54.0"
LANGCHAIN = (
    OPENAI,
    "langchain==1.4.7",
    "langchain-core==1.7.2",
    "langchain-openai==1.7.3",
    "langgraph==1.2.22",
    "langsmith==0.15.0",
)
TIMEOUT_S = 120


class Missing(Exception):
    """The sentence says which program is missing and how to get it."""


def program(name: str) -> str:
    """uv, node or npm: beside this Python first (the development dependencies bring node and npm), then on the PATH."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = (os.environ.get("UV") if name == "uv" else None) or shutil.which(name, path=path)
    if not found:
        raise Missing(
            f"The SDK tests need {name}. `uv run pytest` brings it (see [dependency-groups] in pyproject.toml)."
        )
    return found


def checked(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **options)
    if done.returncode:
        raise Missing(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done


@alone("environments")
def python_with(pins: Sequence[str], home: Path) -> Path:
    """The interpreter of a venv that holds these packages."""
    python, ready = home / "bin" / "python", home / "ready"
    wanted = f"{sys.version} {' '.join(pins)}"
    if not ready.exists() or ready.read_text() != wanted:
        pyproject = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text())
        checked([program("uv"), "venv", "--quiet", "--clear", "--no-project", "--python", sys.executable, str(home)])
        newest = ["--exclude-newer", pyproject["tool"]["uv"]["exclude-newer"]]
        checked([program("uv"), "pip", "install", "--quiet", "--python", str(python), *newest, *pins])
        ready.write_text(wanted)
    return python


@alone("environments")
def node_with(packages: Path, home: Path, scripts: Iterable[Path]) -> Path:
    """`home` with a node_modules of what the package-lock.json in `packages` tells, and with these scripts beside it."""
    home.mkdir(parents=True, exist_ok=True)
    lock = (packages / "package-lock.json").read_text()
    ready = home / "ready"
    if not ready.exists() or ready.read_text() != lock:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(packages / name, home)
        checked([program("npm"), "ci", "--no-audit", "--no-fund"], cwd=home, env=node_environment())
        ready.write_text(lock)
    for script in scripts:
        shutil.copy(script, home)
    return home


def node_environment() -> dict[str, str]:
    """npm starts `node` by its name, so the directory of ours comes first."""
    return {**clean_environment(), "PATH": os.pathsep.join([str(Path(program("node")).parent), os.environ["PATH"]])}


def clean_environment(**extra: str) -> dict[str, str]:
    """This process's environment without its tracing settings, tracing switched on."""
    foreign = ("LANGSMITH_", "LANGCHAIN_", "OTEL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    kept.pop("VIRTUAL_ENV", None)
    return {**kept, "LANGSMITH_TRACING": "true", **extra}


def run_python(version: str, cache: Path, script: str, options: dict[str, Any], **env: str) -> dict[str, Any]:
    python = python_with([f"langsmith=={version}", OPENAI], cache / f"langsmith-py-{version}")
    return finished([str(python), str(HERE / "py" / script), json.dumps(options)], env=clean_environment(**env))


def run_langchain(cache: Path, options: dict[str, Any], **env: str) -> dict[str, Any]:
    python = python_with(LANGCHAIN, cache / "langchain")
    return finished(
        [str(python), str(HERE / "py" / "langchain_app.py"), json.dumps(options)], env=clean_environment(**env)
    )


def typescript(version: str, cache: Path) -> Path:
    """A directory with that version of the TypeScript SDK and the scripts that drive it."""
    types = HERE / "ts"
    return node_with(types / version, cache / f"langsmith-js-{version}", types.glob("*.mts"))


def run_typescript(version: str, cache: Path, script: str, options: dict[str, Any], **env: str) -> dict[str, Any]:
    return run_node(typescript(version, cache) / script, options, **env)


def run_node(script: Path, options: dict[str, Any], **env: str) -> dict[str, Any]:
    command = [program("node"), "--no-warnings", str(script), json.dumps(options)]
    return finished(command, env={**node_environment(), **env})


def finished(command: list[str], env: dict[str, str]) -> dict[str, Any]:
    """The last line that the script printed, as JSON, with what it wrote to stderr under "stderr"."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=env)
    assert done.returncode == 0, f"{command} exited with {done.returncode}\n{done.stdout}\n{done.stderr}"
    lines = done.stdout.strip().splitlines()
    return {**(json.loads(lines[-1]) if lines else {}), "stderr": done.stderr}
