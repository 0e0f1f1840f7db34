"""What scripts that use an SDK say of its behaviours: py/<script>.py and ts/<script>.mts, where one process runs them all."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.sdk.environments import HERE, PYTHON_VERSIONS, TYPESCRIPT_VERSIONS, run_python, run_typescript

type Told = Callable[["Behaviour"], str | None]


class Language(NamedTuple):
    """pattern finds the names of the behaviours in a script of the folder."""

    folder: str
    suffix: str
    pattern: str
    versions: tuple[str, ...]
    run: Callable[..., dict[str, Any]]

    def names(self, script: str) -> list[str]:
        text = (HERE / self.folder / f"{script}{self.suffix}").read_text()
        return re.findall(self.pattern, text, re.MULTILINE)


LANGUAGES: Final = {
    "python": Language("py", ".py", r"^def (check_\w+)", PYTHON_VERSIONS, run_python),
    "typescript": Language("ts", ".mts", r"^  async (\w+)\(", TYPESCRIPT_VERSIONS, run_typescript),
}


class Behaviour(NamedTuple):
    language: str
    version: str
    name: str

    def __str__(self) -> str:
        return f"{self.language}-{self.version}-{self.name.removeprefix('check_')}"


def behaviours(script: str) -> list[Behaviour]:
    return [
        Behaviour(name, version, check)
        for name, language in LANGUAGES.items()
        for version in language.versions
        for check in language.names(script)
    ]


def told_by(script: str, cache: Path, options: dict[str, Any], **env: str) -> Told:
    """Runs the script at the first question about a version, and remembers what it said."""
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def told(asked: Behaviour) -> str | None:
        key, language = (asked.language, asked.version), LANGUAGES[asked.language]
        if key not in found:
            given = {**options, "project": f"{script}-{asked.version}"}
            found[key] = language.run(asked.version, cache, script + language.suffix, given, **env)
        problem: str | None = found[key][asked.name]
        return problem

    return told
